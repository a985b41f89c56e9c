import { JsonlError } from '../errors.js';
import { nodeFileSystem, type FileSystem } from '../file-system.js';
import { findLastNewline } from './from-end.js';
import { openForReading } from './open-for-reading.js';
import { collectFaults } from './pass.js';
import { checkOneOf, checkRange, type OnCorrupt } from './read-options.js';
import { scanBatches } from './reader.js';
import type { Make } from './pass.js';
import { createWake } from './wake.js';

export interface FollowOptions {
  /** Ends the iteration. */
  readonly signal: AbortSignal;
  /** Byte offset to begin at: 0, or the `byteEnd` of a record seen before. @default 0 */
  readonly from?: number;
  /** Longest time without looking, in milliseconds, where watching tells nothing. @default 500 */
  readonly pollMs?: number;
  /**
   * What to do when the file became shorter than what was delivered of it: fail with
   * `ORCH_JSONL_SHRUNK`, or begin again at its start, as for a log that is cut to rotate it.
   * @default 'throw'
   */
  readonly onTruncate?: 'throw' | 'restart';
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
  /** How often the file had been replaced, or cut and begun again, since following began. */
  readonly generation: number;
}

/** The file that is being followed, whatever its name is by now. */
interface Held {
  readonly file: number;
  readonly identity: string | undefined;
}

/**
 * Gives the records of a file, and then those that are appended, until the signal aborts; then the
 * iteration ends without an error. Waits for a file that is not there yet. A last line without a
 * newline is still being written, so it waits. A record may appear before its writer was told that
 * it is durable.
 *
 * When another file takes its name (rotation by rename), the old one is read to its end first, a
 * torn last line of it is a fault, and the new one is read from its start. Files that came and went
 * between two looks are not seen; neither is a file cut and filled beyond its old length meanwhile.
 *
 * @throws TypeError, RangeError when an option is not what it must be.
 * @throws JsonlError while iterating: `ORCH_JSONL_OPEN_FAILED`, `ORCH_JSONL_READ_FAILED`,
 * `ORCH_JSONL_SHRUNK` when delivered records are no longer in the file, `ORCH_JSONL_CORRUPT`.
 */
export function follow<T = unknown>(
  path: string,
  options: FollowOptions,
): AsyncIterable<Followed<T>> {
  return followRecords(path, options, ({ value, byteEnd }, generation) => ({
    value: value as T,
    byteEnd,
    generation,
  }));
}

interface Found {
  readonly value: unknown;
  readonly byteEnd: number;
  readonly text: string | undefined;
}
const makeFound: Make<Found> = (value, _byteStart, byteEnd, _line, text) => ({
  value,
  byteEnd,
  text,
});

/** Follows, and gives what `make` makes of each record. @see follow */
export function followRecords<E>(
  path: string,
  options: FollowOptions,
  make: (found: Found, generation: number) => E,
): AsyncIterable<E> {
  const { signal, from = 0, pollMs = 500, fileSystem = nodeFileSystem } = options;
  const { onCorrupt = 'skip', onTruncate = 'throw', maxLineBytes } = options;
  if (!(pollMs >= 1 && pollMs <= 2 ** 31 - 1)) {
    throw new RangeError(`pollMs must be 1 or more milliseconds, received ${pollMs}`);
  }
  checkOneOf('onTruncate', onTruncate, ['throw', 'restart']);
  checkRange({ from, maxLineBytes });
  const ignore = (): void => undefined;
  const { onFault } = collectFaults(onCorrupt === 'skip' ? ignore : onCorrupt, path);

  async function* deliver(
    { file }: Held,
    start: number,
    end: number,
    generation: number,
  ): AsyncGenerator<E, void, undefined> {
    const files = {
      open: () => Promise.resolve(file),
      close: () => Promise.resolve(),
      read: fileSystem.read.bind(fileSystem),
    };
    const limit = maxLineBytes === undefined ? {} : { maxLineBytes };
    const range = { from: start, to: end, compression: 'none', ...limit } as const;
    const batches = scanBatches(path, range, makeFound, onFault, { files });
    for await (const batch of batches) {
      for (const found of batch) {
        yield make(found, generation);
        if (signal.aborted) return;
      }
    }
  }

  async function* growing(): AsyncGenerator<E, void, undefined> {
    const wake = createWake(path, pollMs, signal);
    let held: Held | undefined;
    let generation = 0;
    /** Everything before was delivered; it is the beginning of a line. */
    let delivered = from;
    /** No newline stands from `delivered` to here. Nothing of it is kept, as it may be cut off again. */
    let searched = from;
    try {
      while (!signal.aborted) {
        held ??= await openIfThere(fileSystem, path);
        if (held === undefined) {
          await wake.wait();
          continue;
        }
        const bytes = await fileSystem.stat(held.file);
        if (bytes < delivered) {
          if (onTruncate === 'throw') throw shrunkError(path, bytes, delivered);
          [delivered, searched] = [0, 0];
          generation += 1;
        }
        const since = bytes < searched ? delivered : searched;
        const newline = await findLastNewline(fileSystem, held.file, path, since, bytes);
        searched = bytes;
        if (newline !== -1) {
          yield* deliver(held, delivered, newline + 1, generation);
          delivered = newline + 1;
          continue;
        }
        const successor = await findSuccessor(fileSystem, path, held);
        if (successor === undefined) {
          await wake.wait();
          continue;
        }
        const grown = (await fileSystem.stat(held.file)) > bytes;
        if (grown) {
          await fileSystem.close(successor.file);
          continue;
        }
        // Nobody will finish a torn last line of a file that lost its name.
        const old = held;
        held = successor;
        try {
          yield* deliver(old, delivered, bytes, generation);
        } finally {
          await fileSystem.close(old.file);
        }
        [delivered, searched] = [0, 0];
        generation += 1;
      }
    } finally {
      wake.close();
      if (held !== undefined) await fileSystem.close(held.file);
    }
  }

  return { [Symbol.asyncIterator]: growing };
}

async function openIfThere(fileSystem: FileSystem, path: string): Promise<Held | undefined> {
  let file: number;
  try {
    file = await openForReading(fileSystem, path);
  } catch (error) {
    if (JsonlError.isInstance(error) && error.code === 'ORCH_JSONL_NOT_FOUND') return undefined;
    throw error;
  }
  return { file, identity: await fileSystem.identify(file) };
}

/** Another file that has the name now. */
async function findSuccessor(
  fileSystem: FileSystem,
  path: string,
  held: Held,
): Promise<Held | undefined> {
  const found = await openIfThere(fileSystem, path);
  if (found === undefined) return undefined;
  if (found.identity !== held.identity) return found;
  await fileSystem.close(found.file);
  return undefined;
}

function shrunkError(path: string, bytes: number, delivered: number): JsonlError {
  return new JsonlError(
    'ORCH_JSONL_SHRUNK',
    `Cannot go on following ${path}: it has ${bytes} bytes, and ${delivered} were delivered already; ` +
      "it was cut; follow with onTruncate 'restart' to read it from its start",
    { path, bytes, delivered },
  );
}
