import { JsonlError } from '../errors.js';
import { nodeFileSystem, type FileSystem } from '../file-system.js';
import { findLastNewline } from './from-end.js';
import { read, type OnCorrupt } from './reader.js';
import { checkRange, openForReading } from './scan.js';
import { createWake } from './wake.js';

export interface FollowOptions {
  /** Ends the iteration. */
  readonly signal: AbortSignal;
  /** Byte offset to begin at: 0, or the `byteEnd` of a record seen before. @default 0 */
  readonly from?: number;
  /** Longest time without looking, in milliseconds, where watching tells nothing. @default 500 */
  readonly pollMs?: number;
  /** As for `read`, except that with `skip` faults are not kept. @default 'skip' */
  readonly onCorrupt?: OnCorrupt;
  /** @see ReadOptions.maxLineBytes */
  readonly maxLineBytes?: number;
  /** @default node:fs */
  readonly fileSystem?: FileSystem;
}

/** A record of a growing file. Following may go on `from` its `byteEnd`. */
export interface Followed<T> {
  readonly value: T;
  readonly byteEnd: number;
}

/**
 * Gives the records of a file, and then those that are appended, until the signal aborts; then the
 * iteration ends without an error. Waits for a file that is not there yet. A last line without a
 * newline is still being written, so it waits. A record may appear before its writer was told that
 * it is durable.
 *
 * @throws RangeError when an option is out of range.
 * @throws JsonlError while iterating: `ORCH_JSONL_OPEN_FAILED`, `ORCH_JSONL_READ_FAILED`,
 * `ORCH_JSONL_SHRUNK` when delivered records are no longer in the file, `ORCH_JSONL_CORRUPT`.
 */
export function follow<T = unknown>(
  path: string,
  options: FollowOptions,
): AsyncIterable<Followed<T>> {
  const { signal, from = 0, pollMs = 500, fileSystem = nodeFileSystem } = options;
  if (!(pollMs >= 1 && pollMs <= 2 ** 31 - 1)) {
    throw new RangeError(`pollMs must be 1 or more milliseconds, received ${pollMs}`);
  }
  const { onCorrupt = 'skip', maxLineBytes } = options;
  const readOptions = {
    fileSystem,
    onCorrupt: onCorrupt === 'skip' ? () => undefined : onCorrupt,
    ...(maxLineBytes === undefined ? {} : { maxLineBytes }),
  };
  checkRange({ from, maxLineBytes });

  async function* deliver(
    start: number,
    end: number,
  ): AsyncGenerator<Followed<T>, void, undefined> {
    const entries = read<T>(path, { ...readOptions, from: start, to: end }).entries();
    for await (const { value, byteEnd } of entries) {
      yield { value, byteEnd };
      if (signal.aborted) return;
    }
  }

  async function* growing(): AsyncGenerator<Followed<T>, void, undefined> {
    const wake = createWake(path, pollMs, signal);
    /** Everything before was delivered; it is the beginning of a line. */
    let delivered = from;
    /** No newline stands from `delivered` to here. Nothing of it is kept, as it may be cut off again. */
    let searched = from;
    try {
      while (!signal.aborted) {
        const found = await findNewLines(fileSystem, path, delivered, searched);
        searched = found?.bytes ?? searched;
        if (found?.linesEnd === undefined) {
          await wake.wait();
          continue;
        }
        yield* deliver(delivered, found.linesEnd);
        delivered = found.linesEnd;
      }
    } finally {
      wake.close();
    }
  }

  return { [Symbol.asyncIterator]: growing };
}

/** Length of the file, and where its last new whole line ends; `undefined` while there is no file. */
async function findNewLines(
  fileSystem: FileSystem,
  path: string,
  delivered: number,
  searched: number,
): Promise<{ bytes: number; linesEnd: number | undefined } | undefined> {
  let file: number;
  try {
    file = await openForReading(fileSystem, path);
  } catch (error) {
    if (JsonlError.isInstance(error) && error.code === 'ORCH_JSONL_NOT_FOUND') return undefined;
    throw error;
  }
  try {
    const bytes = await fileSystem.stat(file);
    if (bytes < delivered) {
      throw new JsonlError(
        'ORCH_JSONL_SHRUNK',
        `Cannot go on following ${path}: it has ${bytes} bytes, and ${delivered} were delivered already; it was cut or replaced`,
        { path, bytes, delivered },
      );
    }
    const since = bytes < searched ? delivered : searched;
    const newline = await findLastNewline(fileSystem, file, path, since, bytes);
    return { bytes, linesEnd: newline === -1 ? undefined : newline + 1 };
  } finally {
    await fileSystem.close(file);
  }
}
