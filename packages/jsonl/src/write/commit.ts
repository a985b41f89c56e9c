import { JsonlError, isFull, reasonOf, type JsonlErrorCode } from '../errors.js';
import { firstLine, type LineBytes } from './line-bytes.js';
import { lock, unlock } from './lock.js';
import { isDue, reopen, setAside } from './rotate.js';
import { ask, askInPlace, runStepsSync, type Steps } from './steps.js';
import type { Target } from './target.js';

/** A shared file is tried again after a short write; this many times without progress is a failure. */
const maxRepeats = 8;
const newline = 10;
/**
 * So many bytes are handed to the system in place, which takes less than a tenth of a millisecond: a thread would have
 * to hand the work back before the sync can begin. Only before a sync: where there is none, whoever appends in a loop
 * would never let other work go on.
 */
const inPlaceBytes = 256 * 1024;

function writing({ end }: LineBytes, from: number, durable: boolean): typeof ask<'write'> {
  return durable && end - from <= inPlaceBytes ? askInPlace<'write'> : ask<'write'>;
}

function* writeAll(file: number, lines: LineBytes, from: number, durable: boolean): Steps<void> {
  const write = writing(lines, from, durable);
  for (let start = from; start < lines.end;) {
    const written = yield* write('write', file, lines.bytes, start, lines.end);
    if (written < 1)
      throw new Error(`the file system took ${written} of ${lines.end - start} bytes`);
    start += written;
  }
}

/**
 * Others may have written after the part that was taken, so going on in the middle of a record would
 * tear it. Writing begins again at the newline before the first record that is not whole.
 */
function* writeShared(file: number, lines: LineBytes, durable: boolean): Steps<void> {
  const { bytes, end } = lines;
  const write = writing(lines, 0, durable);
  let repeats = 0;
  for (let start = 0; start < end;) {
    const written = yield* write('write', file, bytes, start, end);
    if (start + written === end) return;
    const next = bytes.lastIndexOf(newline, start + written);
    repeats = next > start ? 0 : repeats + 1;
    if (repeats > maxRepeats)
      throw new Error(`the file system takes no more than ${written} bytes at once`);
    start = next;
  }
}

/** Removes what a failed group left, unless somebody else has written since. Gives whether it is gone. */
function* takeBack(file: number, at: number, length: number): Steps<boolean> {
  try {
    const size = yield* ask('stat', file);
    if (size < at || size > at + length) return false;
    if (size > at) yield* ask('truncate', file, at);
    return true;
  } catch {
    return false;
  }
}

/** What could not be done with a group, and what is left of it. `at` is where it began, if that was undone. */
function commitError(
  path: string,
  stage: 'append' | 'sync',
  bytes: number,
  at: number | undefined,
  cause: unknown,
): JsonlError {
  let code: JsonlErrorCode =
    stage === 'append' ? 'ORCH_JSONL_WRITE_FAILED' : 'ORCH_JSONL_SYNC_FAILED';
  if (isFull(cause)) code = 'ORCH_JSONL_DISK_FULL';
  const left =
    at === undefined
      ? 'a part of it may be in the file and will be told apart when it is read'
      : `the file was cut back to ${at} bytes`;
  return new JsonlError(
    code,
    `Cannot ${stage} ${bytes} bytes to ${path}: ${reasonOf(cause)}; ` +
      `${left}; open it again once the cause is gone`,
    { path, bytes, takenBack: at !== undefined },
    cause,
  );
}

const lastAndNext = Buffer.alloc(2);

/**
 * Gives the length of a file that only this writer appends to. A file that is longer than what it
 * made of it has another writer, a torn line of whom may stand before the group: so it is not
 * acknowledged. One that is shorter was cut by somebody who may, unless a chain was cut with it.
 */
function measureAlone({ path, file, settings }: Target, expected: number): number {
  // In place: it waits for no disk, and costs less than a turn of the loop. To read past the end costs
  // less than to ask for the length; from the last byte on there is one.
  if (settings.fileSystem.readSync(file, lastAndNext, expected - 1) === 1) return expected;
  const found = settings.fileSystem.statSync(file);
  const isOurs = settings.previous === undefined ? found <= expected : found === expected;
  if (isOurs) return found;
  throw new JsonlError(
    'ORCH_JSONL_NOT_EXCLUSIVE',
    `Cannot append to ${path}: it was opened with access 'exclusive', and somebody else changed it ` +
      `(it has ${found} bytes, where this writer alone would have left ${expected}); ` +
      "see who writes it, or open it everywhere with access 'shared' or 'locked'",
    { path, bytes: found, expected },
  );
}

/**
 * Writes where nobody else does. A failure cuts the file back to where the group began, so that what
 * was refused is not there either.
 */
function* commitExclusive(target: Target, lines: LineBytes, durable: boolean): Steps<void> {
  const { path } = target;
  const bytes = lines.end - firstLine;
  if (isDue(target, target.length ?? 0, bytes)) {
    yield* setAside(target);
    yield* reopen(target);
  }
  const at = target.length ?? 0;
  let stage: 'append' | 'sync' = 'append';
  let length: number;
  try {
    yield* writeAll(target.file, lines, firstLine, durable);
    length = measureAlone(target, at + bytes);
    stage = 'sync';
    if (durable) yield* ask('fdatasync', target.file);
  } catch (cause) {
    if (JsonlError.isInstance(cause)) throw cause;
    const takenBack = yield* takeBack(target.file, at, bytes);
    throw commitError(path, stage, bytes, takenBack ? at : undefined, cause);
  }
  target.length = length;
  target.unsynced = !durable;
}

/**
 * Writes while others keep out; gives where in the file. Whoever died in the middle of a line left it
 * without a newline.
 */
function* writeLocked(target: Target, lines: LineBytes, durable: boolean): Steps<number> {
  const { path, settings } = target;
  const { fileSystem } = settings;
  for (;;) {
    yield* lock(target);
    try {
      // Calls that wait for no disk are made in place: every turn of the loop is a turn for the others.
      if (fileSystem.identifySync(path) === target.identity) {
        const size = fileSystem.statSync(target.file);
        if (!isDue(target, size, lines.end - firstLine)) {
          const from = endsLine(target, size) ? firstLine : 0;
          const bytes = lines.end - from;
          try {
            yield* writeAll(target.file, lines, from, durable);
          } catch (cause) {
            const takenBack = yield* takeBack(target.file, size, bytes);
            throw commitError(path, 'append', bytes, takenBack ? size : undefined, cause);
          }
          target.lineEnd = size + bytes;
          return size;
        }
        yield* setAside(target);
      }
    } finally {
      unlock(target);
    }
    yield* reopen(target);
  }
}

function endsLine({ file, lineEnd, settings }: Target, size: number): boolean {
  if (size === 0 || size === lineEnd) return true;
  const last = Buffer.alloc(1);
  return settings.fileSystem.readSync(file, last, size - 1) === 1 && last[0] === newline;
}

/**
 * Removes a group that could not be synced, which was after its lock was given back. Who holds the lock
 * only adds to the end, or cuts off what it added last. So a file that is no longer than our group left
 * it has nothing of others behind the group, and nobody can add to it meanwhile.
 */
function* takeBackUnlocked(target: Target, at: number): Steps<boolean> {
  const { path, file, identity, lineEnd, settings } = target;
  const { fileSystem } = settings;
  try {
    yield* lock(target);
  } catch {
    return false;
  }
  try {
    // A file that was put aside may be read to be compressed right now.
    if (fileSystem.identifySync(path) !== identity) return false;
    return yield* takeBack(file, at, lineEnd - at);
  } catch {
    return false;
  } finally {
    unlock(target);
  }
}

function* commitLocked(target: Target, lines: LineBytes, durable: boolean): Steps<void> {
  const at = yield* writeLocked(target, lines, durable);
  target.unsynced = true;
  if (!durable) return;
  // Without the lock, so that nobody waits for the disk who need not.
  try {
    yield* ask('fdatasync', target.file);
  } catch (cause) {
    const isTakenBack = yield* takeBackUnlocked(target, at);
    const bytes = target.lineEnd - at;
    throw commitError(target.path, 'sync', bytes, isTakenBack ? at : undefined, cause);
  }
  target.unsynced = false;
}

/** Writes where others do without a lock. What was written stays: others may be adding to it right now. */
function* commitShared(target: Target, lines: LineBytes, durable: boolean): Steps<void> {
  try {
    yield* writeShared(target.file, lines, durable);
  } catch (cause) {
    throw commitError(target.path, 'append', lines.end, undefined, cause);
  }
  target.unsynced = true;
  if (durable) yield* syncOnly(target);
}

const commits = {
  exclusive: commitExclusive,
  locked: commitLocked,
  shared: commitShared,
};

function* syncOnly(target: Target): Steps<void> {
  try {
    yield* ask('fdatasync', target.file);
  } catch (cause) {
    throw commitError(target.path, 'sync', 0, undefined, cause);
  }
  target.unsynced = false;
}

/**
 * Makes durable what one call appended whole, in place. What `commitGroup` does for a group that is not
 * alone takes as long again as all else here.
 *
 * @throws JsonlError as `commitGroup` does
 */
export function syncInPlace(target: Target, bytes: number): void {
  const { path, file, length: at, settings } = target;
  const { fileSystem } = settings;
  let length: number | undefined;
  target.unsynced = true;
  try {
    if (at !== undefined) length = measureAlone(target, at + bytes);
    fileSystem.fdatasyncSync(file);
  } catch (cause) {
    if (JsonlError.isInstance(cause)) throw cause;
    const isTakenBack = at !== undefined && runStepsSync(takeBack(file, at, bytes), fileSystem);
    throw commitError(path, 'sync', bytes, isTakenBack ? at : undefined, cause);
  }
  target.length = length;
  target.unsynced = false;
}

/**
 * Writes one group, and makes it durable if it must be.
 *
 * @throws JsonlError `ORCH_JSONL_DISK_FULL`, `ORCH_JSONL_WRITE_FAILED`, `ORCH_JSONL_SYNC_FAILED`,
 * `ORCH_JSONL_LOCK_TIMEOUT`, `ORCH_JSONL_ROTATE_FAILED`, `ORCH_JSONL_NOT_EXCLUSIVE`
 */
export function* commitGroup(target: Target, lines: LineBytes, durable: boolean): Steps<void> {
  if (lines.end > firstLine) {
    yield* commits[target.settings.access](target, lines, durable);
  } else if (durable && target.unsynced) {
    if (target.length !== undefined) target.length = measureAlone(target, target.length);
    yield* syncOnly(target);
  }
}
