import { JsonlError, reasonOf, systemCode, type JsonlErrorCode } from '../errors.js';
import type { Steps } from './steps.js';

/** What is to be committed, and how. */
export interface Commit {
  readonly path: string;
  readonly bytes: Buffer;
  /** Known length of the file before this group; `undefined` in a shared file. */
  readonly at: number | undefined;
  /** Whether the group must be on the disk before it counts. */
  readonly durable: boolean;
}

/** A shared file is tried again after a short write; this many times without progress is a failure. */
const maxRepeats = 8;
const fullCodes = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

function* writeAll(bytes: Buffer): Steps<void> {
  for (let offset = 0; offset < bytes.length;) {
    const written = yield { call: 'write', bytes: bytes.subarray(offset) };
    if (written < 1)
      throw new Error(`the file system took ${written} of ${bytes.length - offset} bytes`);
    offset += written;
  }
}

/**
 * Others may have written after the part that was taken, so going on in the middle of a record would
 * tear it. Writing begins again at the newline before the first record that is not whole.
 */
function* writeShared(bytes: Buffer): Steps<void> {
  let repeats = 0;
  for (let offset = 0; offset < bytes.length;) {
    const written = yield { call: 'write', bytes: bytes.subarray(offset) };
    if (offset + written === bytes.length) return;
    const next = bytes.lastIndexOf(10, offset + written);
    repeats = next > offset ? 0 : repeats + 1;
    if (repeats > maxRepeats)
      throw new Error(`the file system takes no more than ${written} bytes at once`);
    offset = next;
  }
}

/** Removes what a failed group left, unless somebody else has written since. Gives whether it is gone. */
function* takeBack(at: number, length: number): Steps<boolean> {
  try {
    const size = yield { call: 'stat' };
    if (size < at || size > at + length) return false;
    if (size > at) yield { call: 'truncate', length: at };
    return true;
  } catch {
    return false;
  }
}

function commitError(
  commit: Commit,
  stage: 'write' | 'fdatasync',
  takenBack: boolean,
  cause: unknown,
): JsonlError {
  const { path, at, bytes } = commit;
  let code: JsonlErrorCode =
    stage === 'write' ? 'ORCH_JSONL_WRITE_FAILED' : 'ORCH_JSONL_SYNC_FAILED';
  if (fullCodes.has(systemCode(cause))) code = 'ORCH_JSONL_DISK_FULL';
  const left =
    at === undefined || !takenBack
      ? 'a part of it may be in the file and will be told apart when it is read'
      : `the file was cut back to ${at} bytes`;
  return new JsonlError(
    code,
    `Cannot ${stage === 'write' ? 'append' : 'sync'} ${bytes.length} bytes to ${path}: ${reasonOf(cause)}; ` +
      `${left}; open it again once the cause is gone`,
    { path, bytes: bytes.length, takenBack },
    cause,
  );
}

/**
 * Writes one group and makes it durable. On failure an exclusive file is cut back to where the group
 * began, so that what was refused is not there either.
 *
 * @throws JsonlError `ORCH_JSONL_DISK_FULL`, `ORCH_JSONL_WRITE_FAILED`, `ORCH_JSONL_SYNC_FAILED`
 */
export function* commitGroup(commit: Commit): Steps<void> {
  const { bytes, at, durable } = commit;
  let stage: 'write' | 'fdatasync' = 'write';
  try {
    yield* at === undefined ? writeShared(bytes) : writeAll(bytes);
    stage = 'fdatasync';
    if (durable) yield { call: 'fdatasync' };
  } catch (cause) {
    const takenBack = at === undefined ? false : yield* takeBack(at, bytes.length);
    throw commitError(commit, stage, takenBack, cause);
  }
}
