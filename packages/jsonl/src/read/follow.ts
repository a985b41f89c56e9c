import { JsonlError } from '../errors.js';
import { nodeFileSystem, type FileSystem } from '../file-system.js';
import { findLastNewline } from './from-end.js';
import { collectFaults } from './pass.js';
import { checkOneOf, checkRange, type OnCorrupt } from './read-options.js';
import { scanBatches } from './reader.js';
import type { Make } from './pass.js';
import { createSuccession, type Held } from './succession.js';
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

/**
 * Gives the records of a file, and then those that are appended, until the signal aborts; then the
 * iteration ends without an error. Waits for a file that is not there yet. A last line without a
 * newline is still being written, so it waits. A record may appear before its writer was told that
 * it is durable.
 *
 * When another file takes its name (rotation by rename), the old one is read to its end first, a
 * torn last line of it is a fault, and the new one is read from its start. Files that a writer's
 * `rotate` put aside meanwhile (`<path>.000001`, also compressed) are read in their order, unless
 * they were removed already. Of other ways to rotate, files that came and went between two looks
 * are not seen; neither is a file cut and filled beyond its old length meanwhile.
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
    { file, compressed }: Held,
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
    const range = {
      from: start,
      to: end,
      compression: compressed ? 'gzip' : 'none',
      ...limit,
    } as const;
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
    const succession = createSuccession(fileSystem, path);
    let held: Held | undefined;
    let generation = 0;
    /** Everything before was delivered; it is the beginning of a line. */
    let delivered = from;
    /** No newline stands from `delivered` to here. Nothing of it is kept, as it may be cut off again. */
    let searched = from;
    /** All of a compressed file was delivered. */
    let unpacked = false;
    try {
      while (!signal.aborted) {
        held ??= await succession.after(undefined);
        if (held === undefined) {
          await wake.wait();
          continue;
        }
        const bytes = await fileSystem.stat(held.file);
        if (held.compressed && !unpacked) {
          // It is whole and does not grow.
          unpacked = true;
          yield* deliver(held, delivered, Infinity, generation);
          [delivered, searched] = [bytes, bytes];
        }
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
        const successor = await succession.after(held);
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
          if (delivered < bytes) yield* deliver(old, delivered, bytes, generation);
        } finally {
          await fileSystem.close(old.file);
        }
        [delivered, searched, unpacked] = [0, 0, false];
        generation += 1;
      }
    } finally {
      wake.close();
      if (held !== undefined) await fileSystem.close(held.file);
    }
  }

  return { [Symbol.asyncIterator]: growing };
}

function shrunkError(path: string, bytes: number, delivered: number): JsonlError {
  return new JsonlError(
    'ORCH_JSONL_SHRUNK',
    `Cannot go on following ${path}: it has ${bytes} bytes, and ${delivered} were delivered already; ` +
      "it was cut; follow with onTruncate 'restart' to read it from its start",
    { path, bytes, delivered },
  );
}
