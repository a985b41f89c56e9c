import { JsonlError, reasonOf } from '../errors.js';
import { tidyArchives } from './archive.js';
import { commitGroup } from './commit.js';
import { addLine, addLines, firstLine, moveLines, startGroup, type Group } from './group.js';
import { isLockedHere } from './lock.js';
import { openFile, type Opened } from './open-file.js';
import { isDue } from './rotate.js';
import { sealGroup, type ChainTip } from './seal-group.js';
import { runSteps, runStepsSync, type FirstOutcome, type Steps } from './steps.js';
import type { WriterSettings } from './writer-options.js';

export interface Appended {
  readonly bytes: number;
}

/** Appends values as lines; `openWriter` and sessions say what a line is. */
export interface LineWriter<T> {
  readonly opened: Opened;
  head(): string | undefined;
  bytes(): number | undefined;
  /** Throws what `encode` throws; everything else is a rejection. */
  append(value: T): Promise<Appended>;
  appendMany(values: readonly T[]): Promise<Appended>;
  appendSync(value: T): Appended;
  flush(): Promise<void>;
  close(): Promise<void>;
}

/** A buffer that grew beyond this for one huge group is given up. */
const maxKeptBytes = 2 * 1024 * 1024;

/**
 * Commits in groups: while one group is being written and synced, everything appended meanwhile
 * waits and becomes the next one. So a sync is paid once for all who wait for it.
 */
export async function openLineWriter<T>(
  path: string,
  settings: WriterSettings,
  encode: (value: T) => string,
): Promise<LineWriter<T>> {
  const { fileSystem, access, durability, maxBatchBytes, rotate } = settings;
  const { target, opened, tip: firstTip } = await openFile(path, settings);
  const alwaysSync = durability === 'batch' || durability === 'sync';
  /** Whether `appendSync` may write in one call, without the steps for everything that can happen. */
  const plain = access !== 'locked' && firstTip === undefined;
  const firstSent = access === 'shared' ? 0 : firstLine;

  let tip: ChainTip | undefined = firstTip;
  /** Groups that wait; lines are added to the last one. */
  let waiting: Group[] = [];
  /** Bytes of groups that are done, for the next ones. */
  const spare: Buffer[] = [];
  let scheduled: Promise<void> | undefined;
  let inFlight = false;
  let failure: JsonlError | undefined;
  /** Whether somebody was told of the failure by a rejection. */
  let failureTold = false;
  let closing: Promise<void> | undefined;
  /** Work on rotated files, which nobody waits for but `close`. */
  let tidying: Promise<void> = Promise.resolve();
  let tidied = 0;
  let untidy: JsonlError | undefined;

  function refusal(): JsonlError | undefined {
    if (failure !== undefined) return writerFailedError(path, failure);
    if (closing === undefined) return undefined;
    const message = `Cannot append to ${path}: this writer was closed; open the file again`;
    return new JsonlError('ORCH_JSONL_CLOSED', message, { path });
  }

  function addGroup(): Group {
    const group = startGroup(spare.pop());
    waiting.push(group);
    return group;
  }

  function recycle({ bytes }: Group): void {
    if (spare.length < 2 && bytes.length <= maxKeptBytes) spare.push(bytes);
  }

  /** Adds lines to the last group, or to one of their own. What one call adds is never divided. */
  function addToGroup(add: (group: Group) => void): { group: Group; bytes: number } {
    const last = durability === 'sync' ? undefined : waiting.at(-1);
    const group = last ?? addGroup();
    const { end } = group;
    try {
      add(group);
    } catch (error) {
      if (last === undefined) waiting.pop();
      throw error;
    }
    const bytes = group.end - end;
    if (group.end - firstLine <= maxBatchBytes || end === firstLine) return { group, bytes };
    const next = addGroup();
    moveLines(group, end, next);
    return { group: next, bytes };
  }

  /** The calls that commit a group; what is known of the file changes once all have succeeded. */
  function* commit(group: Group): Steps<void> {
    const { end } = group;
    const hasLines = end > firstLine;
    const next = tip === undefined || !hasLines ? tip : sealGroup(group, tip);
    yield* commitGroup(target, group, alwaysSync || group.sync);
    tip = next;
    // Before anybody is told: whoever waits for this may append in place the next moment.
    inFlight = false;
    const sealed = group.end - end;
    const sealedWaiter =
      sealed === 0 ? undefined : group.waiters.findLast(({ bytes }) => bytes > 0);
    for (const waiter of group.waiters) {
      waiter.resolve({ bytes: waiter === sealedWaiter ? waiter.bytes + sealed : waiter.bytes });
    }
    recycle(group);
  }

  /** Ends this writer. Gives what everybody in the group is told. */
  function fail(group: Group, error: unknown): JsonlError {
    // What is not a failure of a commit (memory for a huge group, say) must stop the writer as well.
    const first = JsonlError.isInstance(error) ? error : unexpectedError(path, error);
    failure = first;
    for (const waiter of group.waiters) waiter.reject(first);
    const left = waiting;
    waiting = [];
    for (const { waiters } of left) {
      for (const waiter of waiters) waiter.reject(writerFailedError(path, first));
    }
    return first;
  }

  function tidy(): void {
    if (rotate === undefined || target.rotations === tidied) return;
    tidied = target.rotations;
    if (rotate.keep === Infinity && !rotate.compress) return;
    tidying = tidying
      .then(() => tidyArchives(fileSystem, path, { ...rotate, mode: settings.mode }))
      .catch((cause: unknown) => {
        untidy ??= untidyError(path, cause);
      });
  }

  async function drain(): Promise<void> {
    for (let group = waiting.shift(); group !== undefined; group = waiting.shift()) {
      inFlight = true;
      try {
        await runSteps(commit(group), fileSystem);
      } catch (error) {
        inFlight = false;
        fail(group, error);
      }
      tidy();
    }
    scheduled = undefined;
  }

  function drainSync(): void {
    for (let group = waiting.shift(); group !== undefined; group = waiting.shift()) {
      try {
        runStepsSync(commit(group), fileSystem);
      } catch (error) {
        fail(group, error);
      }
      tidy();
    }
  }

  function waitFor(group: Group, bytes: number): Promise<Appended> {
    // A turn later, so that everything appended in this turn is in the first group already.
    scheduled ??= Promise.resolve().then(drain);
    if (durability === 'none' && !group.sync) return Promise.resolve({ bytes });
    return new Promise((resolve, reject) => {
      const tell = (error: unknown): void => {
        failureTold = true;
        reject(error);
      };
      group.waiters.push({ bytes, resolve, reject: tell });
    });
  }

  function refuse(refused: JsonlError): Promise<never> {
    failureTold = true;
    return Promise.reject(refused);
  }

  function refuseSync(): void {
    const refused = refusal();
    if (refused !== undefined) {
      failureTold = true;
      throw refused;
    }
    if (!inFlight && !isLockedHere(target)) return;
    const message = `Cannot append to ${path} synchronously while an asynchronous append is being written; await flush() first`;
    throw new JsonlError('ORCH_JSONL_BUSY', message, { path });
  }

  /** Appends after what waits, with it where that is allowed. */
  function appendAfter(value: T): Appended {
    const outcome: { bytes: number; error?: JsonlError } = { bytes: 0 };
    const { group, bytes } = addToGroup((to) => addLine(to, encode(value)));
    group.waiters.push({
      bytes,
      resolve: (appended) => (outcome.bytes = appended.bytes),
      reject: (error) => (outcome.error = error),
    });
    drainSync();
    if (outcome.error === undefined) return { bytes: outcome.bytes };
    failureTold = true;
    throw outcome.error;
  }

  /**
   * Appends alone. One call of the file system is enough unless something is in the way; if it was
   * not, the steps that know what to do then begin with its outcome.
   */
  function appendAlone(value: T): Appended {
    const group = startGroup(spare.pop());
    addLine(group, encode(value));
    let first: FirstOutcome | undefined;
    if (plain && !isDue(target, target.length ?? 0, group.end)) {
      const sent = group.bytes.subarray(firstSent, group.end);
      try {
        const written = fileSystem.writeSync(target.file, sent);
        if (written === sent.length && !alwaysSync) {
          if (target.length !== undefined) target.length += written;
          target.unsynced = true;
          recycle(group);
          return { bytes: group.end - firstLine };
        }
        first = { answer: written };
      } catch (cause) {
        first = { cause };
      }
    }
    try {
      runStepsSync(commit(group), fileSystem, first);
    } catch (error) {
      failureTold = true;
      throw fail(group, error);
    } finally {
      tidy();
    }
    return { bytes: group.end - firstLine };
  }

  return {
    opened,
    head: () => tip?.head,
    bytes: () => target.length,
    append(value) {
      const refused = refusal();
      if (refused !== undefined) return refuse(refused);
      const { group, bytes } = addToGroup((to) => addLine(to, encode(value)));
      return waitFor(group, bytes);
    },
    appendMany(values) {
      const refused = refusal();
      if (refused !== undefined) return refuse(refused);
      if (values.length === 0) return Promise.resolve({ bytes: 0 });
      const { group, bytes } = addToGroup((to) => addLines(to, values, encode));
      return waitFor(group, bytes);
    },
    appendSync(value) {
      refuseSync();
      return waiting.length > 0 ? appendAfter(value) : appendAlone(value);
    },
    async flush() {
      const refused = refusal();
      if (refused !== undefined) return refuse(refused);
      const group = (durability === 'sync' ? undefined : waiting.at(-1)) ?? addGroup();
      group.sync = true;
      await waitFor(group, 0);
    },
    close() {
      closing ??= (async () => {
        await scheduled;
        await tidying;
        try {
          await fileSystem.close(target.file);
        } catch (error) {
          failure ??= closeError(path, error);
        }
        if (failure !== undefined && !failureTold) {
          failureTold = true;
          throw failure;
        }
        if (untidy !== undefined) throw untidy;
      })();
      return closing;
    },
  };
}

function untidyError(path: string, cause: unknown): JsonlError {
  return new JsonlError(
    'ORCH_JSONL_ROTATE_FAILED',
    `Cannot compress or remove the full files of ${path}: ${reasonOf(cause)}; every record is in place, ` +
      'and the next rotation tries again',
    { path },
    cause,
  );
}

function unexpectedError(path: string, cause: unknown): JsonlError {
  const message = `Cannot append to ${path}: ${reasonOf(cause)}`;
  return new JsonlError('ORCH_JSONL_WRITE_FAILED', message, { path }, cause);
}

function writerFailedError(path: string, first: JsonlError): JsonlError {
  return new JsonlError(
    'ORCH_JSONL_WRITER_FAILED',
    `Cannot append to ${path}: an earlier append failed, and this writer takes nothing more; close it and open the file again`,
    { path, first: first.code },
    first,
  );
}

function closeError(path: string, cause: unknown): JsonlError {
  const message = `Cannot close ${path}: ${reasonOf(cause)}`;
  return new JsonlError('ORCH_JSONL_WRITE_FAILED', message, { path }, cause);
}
