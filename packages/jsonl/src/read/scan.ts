import { constants } from 'node:buffer';
import { JsonlError, reasonOf, systemCode } from '../errors.js';
import type { FileSystem } from '../file-system.js';
import { decodeLine } from './decode-line.js';
import type { Fault } from './fault.js';
import { createLineBuffer } from './line-buffer.js';

/** What is read of a file, and how much a line may have. */
export interface ScanRange {
  readonly from: number;
  readonly to: number;
  readonly maxLineBytes: number;
}

export const defaultMaxLineBytes = 64 * 1024 * 1024;

function offset(name: string, value: number): number {
  if (value === Infinity || (Number.isSafeInteger(value) && value >= 0)) return value;
  throw new RangeError(`${name} must be a byte offset of 0 or more, received ${value}`);
}

/** Checks a range once, where it enters. @throws RangeError */
export function checkRange(range: {
  from?: number | undefined;
  to?: number | undefined;
  maxLineBytes?: number | undefined;
}): ScanRange {
  const { from = 0, to = Infinity, maxLineBytes = defaultMaxLineBytes } = range;
  const most = constants.MAX_STRING_LENGTH;
  if (!Number.isSafeInteger(maxLineBytes) || maxLineBytes < 1 || maxLineBytes > most) {
    throw new RangeError(`maxLineBytes must be from 1 to ${most}, received ${maxLineBytes}`);
  }
  return { from: offset('from', from), to: offset('to', to), maxLineBytes };
}

/** Opens a file for reading. @throws JsonlError ORCH_JSONL_NOT_FOUND, ORCH_JSONL_OPEN_FAILED */
export async function openForReading(fileSystem: FileSystem, path: string): Promise<number> {
  try {
    return await fileSystem.open(path, 'read', 0);
  } catch (cause) {
    if (systemCode(cause) === 'ENOENT') {
      throw new JsonlError(
        'ORCH_JSONL_NOT_FOUND',
        `Cannot read ${path}: there is no such file; check the path, or use follow() to wait for it`,
        { path },
        cause,
      );
    }
    const message = `Cannot open ${path} for reading: ${reasonOf(cause)}`;
    throw new JsonlError('ORCH_JSONL_OPEN_FAILED', message, { path }, cause);
  }
}

/** Reads once. @throws JsonlError ORCH_JSONL_READ_FAILED */
export async function readBytes(
  fileSystem: FileSystem,
  file: number,
  path: string,
  bytes: Uint8Array,
  position: number,
): Promise<number> {
  try {
    return await fileSystem.read(file, bytes, position);
  } catch (cause) {
    const message = `Cannot read ${path} at byte ${position}: ${reasonOf(cause)}`;
    throw new JsonlError('ORCH_JSONL_READ_FAILED', message, { path, position }, cause);
  }
}

/** What the pass does with each record and each fault. A fault handler may throw to end the pass. */
export interface ScanSink<E> {
  readonly make: (value: unknown, byteStart: number, byteEnd: number, line: number) => E;
  readonly onFault: (fault: Fault) => void;
}

/**
 * One pass over an open file, as arrays of what `make` gives, one for each chunk read. When
 * `onFault` throws, the records before that fault are given first.
 */
export async function* scanBatches<E>(
  fileSystem: FileSystem,
  file: number,
  path: string,
  range: ScanRange,
  sink: ScanSink<E>,
): AsyncGenerator<E[], void, undefined> {
  const lines = createLineBuffer(range.from, range.maxLineBytes);
  let position = range.from;
  let line = 0;
  let batch: E[] = [];
  let terminated = true;
  const onRecord = (value: unknown, byteStart: number, byteEnd: number, at: number): void => {
    batch.push(sink.make(value, byteStart, byteEnd, at));
  };
  const onLine = (bytes: Buffer, start: number, end: number, byteStart: number): void => {
    line += 1;
    decodeLine({ bytes, start, end, byteStart, line, terminated }, onRecord, sink.onFault);
  };
  const onTooLong = (byteStart: number, byteEnd: number): void => {
    line += 1;
    sink.onFault({ kind: 'too_long', byteStart, byteEnd, line });
  };

  for (let ended = false; !ended;) {
    const room = lines.room();
    const want = Math.min(room.length, range.to - position);
    const count =
      want > 0 ? await readBytes(fileSystem, file, path, room.subarray(0, want), position) : 0;
    position += count;
    ended = count === 0;
    batch = [];
    let stopped: { reason: unknown } | undefined;
    try {
      if (ended) {
        terminated = false;
        lines.finish(onLine, onTooLong);
      } else lines.push(count, onLine, onTooLong);
    } catch (reason) {
      stopped = { reason };
    }
    if (batch.length > 0) yield batch;
    if (stopped !== undefined) throw stopped.reason;
  }
}
