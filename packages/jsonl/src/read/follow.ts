import { JsonlError } from '../errors.js';
import { nodeFileSystem, type FileSystem } from '../file-system.js';
import { findLastNewline } from './from-end.js';
import { collectFaults } from './pass.js';
import { checkOneOf, checkRange, type OnCorrupt } from './read-options.js';
import { scanBatches } from './reader.js';
import type { Make } from './pass.js';
import {
  createFileNamer,
  readPlace,
  type FileNamer,
  type FollowPlace,
  type Held,
  type Sought,
} from './place.js';
import { createSuccession } from './succession.js';
import { createWake } from './wake.js';

export interface FollowOptions {
  /** Ends the iteration. */
  readonly signal: AbortSignal;
  /**
   * Where to go on: the `place` of the last record that was dealt with, perhaps by another process.
   * The file of the place is looked for under the name and among the files that `rotate` put aside,
   * and all that came after it is read. It is never begun at a guess: if it is not there any more,
   * iterating fails with `ORCH_JSONL_PLACE_LOST`.
   */
  readonly resumeAt?: FollowPlace | undefined;
  /**
   * Byte to begin at, in whatever file has the name now: sound only where nothing rotates or replaces
   * the file, as what stands before that byte in another file is passed over. Not with `resumeAt`.
   * @default 0
   */
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

/** A record of a growing file. */
export interface Followed<T> {
  readonly value: T;
  /** The byte after the record and its newline, in the text of its file. */
  readonly byteEnd: number;
  /** Following may go on here, with `resumeAt`, also when the file was rotated since. */
  readonly place: FollowPlace;
  /**
   * How often the file had been replaced, or cut and begun again, since following began. It grows by
   * more than one where files that `rotate` put aside were removed before they could be read.
   */
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
 * To go on later, keep the `place` of the last record and hand it in as `resumeAt`. A file is known
 * again by its identity on the machine (its inode), its number among the rotated ones and its first
 * 4 KiB; one that was compressed, by the last two. One that was moved elsewhere, or whose volume was
 * mounted anew under another device number, may not be known any more: that is an error, never a gap.
 *
 * @throws TypeError, RangeError when an option is not what it must be.
 * @throws JsonlError while iterating: `ORCH_JSONL_OPEN_FAILED`, `ORCH_JSONL_READ_FAILED`,
 * `ORCH_JSONL_SHRUNK` when delivered records are no longer in the file, `ORCH_JSONL_PLACE_LOST` when
 * the file of `resumeAt` is not found, `ORCH_JSONL_CORRUPT`.
 */
export function follow<T = unknown>(
  path: string,
  options: FollowOptions,
): AsyncIterable<Followed<T>> {
  return followRecords(path, options, ({ value, byteEnd }, generation, placeAt) => ({
    value: value as T,
    byteEnd,
    place: placeAt(byteEnd),
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
  make: (found: Found, generation: number, placeAt: (byteEnd: number) => FollowPlace) => E,
): AsyncIterable<E> {
  const { signal, from = 0, pollMs = 500, fileSystem = nodeFileSystem } = options;
  const sought = checkStart(options);
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
    namer: FileNamer,
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
      await namer.readTo(batch.at(-1)?.byteEnd ?? 0);
      for (const found of batch) {
        yield make(found, generation, namer.at);
        if (signal.aborted) return;
      }
    }
  }

  async function* growing(): AsyncGenerator<E, void, undefined> {
    const wake = createWake(path, pollMs, signal);
    const succession = createSuccession(fileSystem, path);
    let held: Held | undefined;
    let namer: FileNamer | undefined;
    let generation = 0;
    /** Everything before was delivered; it is the beginning of a line. */
    let delivered = sought?.byteEnd ?? from;
    /** No newline stands from `delivered` to here. Nothing of it is kept, as it may be cut off again. */
    let searched = delivered;
    /** All of a compressed file was delivered. */
    let unpacked = false;
    try {
      if (sought !== undefined && !signal.aborted) {
        held = await succession.of(sought);
        if (held === undefined) throw lostError(path, sought.byteEnd);
      }
      while (!signal.aborted) {
        held ??= await succession.after(undefined);
        if (held === undefined) {
          await wake.wait();
          continue;
        }
        namer ??= createFileNamer(fileSystem, held, path);
        const bytes = await fileSystem.stat(held.file);
        if (held.compressed && !unpacked) {
          // It is whole and does not grow.
          unpacked = true;
          yield* deliver(held, namer, delivered, Infinity, generation);
          [delivered, searched] = [bytes, bytes];
        }
        if (bytes < delivered) {
          if (onTruncate === 'throw') throw shrunkError(path, bytes, delivered);
          [delivered, searched, namer] = [0, 0, createFileNamer(fileSystem, held, path)];
          generation += 1;
        }
        const since = bytes < searched ? delivered : searched;
        const newline = await findLastNewline(fileSystem, held.file, path, since, bytes);
        searched = bytes;
        if (newline !== -1) {
          yield* deliver(held, namer, delivered, newline + 1, generation);
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
          if (delivered < bytes) yield* deliver(old, namer, delivered, bytes, generation);
        } finally {
          await fileSystem.close(old.file);
        }
        [delivered, searched, unpacked, namer] = [0, 0, false, undefined];
        // Only what `rotate` put aside has numbers that tell how many there were.
        generation += successor.steps;
      }
    } finally {
      wake.close();
      if (held !== undefined) await fileSystem.close(held.file);
    }
  }

  return { [Symbol.asyncIterator]: growing };
}

function checkStart({ from, resumeAt }: FollowOptions): Sought | undefined {
  if (resumeAt === undefined) return undefined;
  if (from !== undefined) {
    throw new TypeError('from and resumeAt exclude each other: a place has its byte in it');
  }
  return readPlace(resumeAt);
}

function lostError(path: string, byteEnd: number): JsonlError {
  return new JsonlError(
    'ORCH_JSONL_PLACE_LOST',
    `Cannot go on following ${path} at byte ${byteEnd} of the file of that place: it neither has the name ` +
      'nor is it among the files that were rotated (it was removed, moved, cut, or its volume was mounted anew), ' +
      'so what was written after that place may be missed; read the rotated files that are left, and follow ' +
      'without resumeAt what has the name now',
    { path, byteEnd },
  );
}

function shrunkError(path: string, bytes: number, delivered: number): JsonlError {
  return new JsonlError(
    'ORCH_JSONL_SHRUNK',
    `Cannot go on following ${path}: it has ${bytes} bytes, and ${delivered} were delivered already; ` +
      "it was cut; follow with onTruncate 'restart' to read it from its start",
    { path, bytes, delivered },
  );
}
