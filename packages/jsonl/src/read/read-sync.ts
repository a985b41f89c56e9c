import * as fs from 'node:fs';
import { JsonlError } from '../errors.js';
import { detectCompression } from './byte-source.js';
import type { Fault } from './fault.js';
import { flattenSync } from './flatten.js';
import { chunkBytes } from './line-buffer.js';
import { openError, readError } from './open-for-reading.js';
import { collectFaults, Pass, type Make } from './pass.js';
import { checkReadOptions, type ReadOptions, type ScanRange } from './read-options.js';
import { makeEntry, type Entry } from './reader.js';
import type { StandardSchema } from './schema.js';

/** As for `read`, except that the file must be plain text in the file system of Node. */
export type ReadSyncOptions = Omit<ReadOptions, 'compression' | 'fileSystem'>;

/** A file of records. Nothing is opened before iteration begins; each iteration is a new pass. */
export interface SyncJsonlReader<T> extends Iterable<T> {
  /** Damage found so far by the pass whose iterator was made last. */
  readonly faults: readonly Fault[];
  /** Records with their place in the file. */
  entries(): IterableIterator<Entry<T>>;
  /** Records in arrays, one for each 16 KiB or so, or 256 KiB with `fields` or `where`. */
  batches(): IterableIterator<T[]>;
}

function openPath(path: string): number {
  try {
    return fs.openSync(path, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
  } catch (cause) {
    throw openError(path, cause);
  }
}

function readInto(file: number, path: string, room: Buffer, position: number): number {
  try {
    return fs.readSync(file, room, 0, room.length, position);
  } catch (cause) {
    throw readError(path, position, cause);
  }
}

function refuseCompressed(path: string, head: Buffer): void {
  const compression = detectCompression(head);
  if (compression === 'none') return;
  throw new JsonlError(
    'ORCH_JSONL_UNSUPPORTED',
    `Cannot read ${path} synchronously: it is compressed with ${compression}; use read()`,
    { path, compression },
  );
}

function unsettledError(): TypeError {
  return new TypeError(
    'The schema validates asynchronously, which readSync cannot wait for; use read()',
  );
}

function* scanBatchesSync<E>(
  path: string,
  options: ReadSyncOptions,
  range: ScanRange,
  make: Make<E> | undefined,
  onFault: (fault: Fault) => void,
): Generator<E[], void, undefined> {
  const file = openPath(path);
  let pass: Pass<E> | undefined;
  try {
    // A small file needs no large buffer.
    const size = fs.fstatSync(file).size - range.from;
    const initialBytes = size > 0 && size < chunkBytes ? size + 1 : chunkBytes;
    pass = new Pass(options, range, make, onFault, initialBytes);
    let position = range.from;
    for (let ended = false; !ended;) {
      const room = pass.room();
      const left = range.to - position;
      const part = room.length > left ? room.subarray(0, Math.max(0, left)) : room;
      const count = part.length === 0 ? 0 : readInto(file, path, part, position);
      if (position === 0) refuseCompressed(path, part.subarray(0, count));
      position += count;
      ended = count === 0;
      if (!ended) pass.push(count);
      do {
        const batch = ended ? pass.finish(undefined) : pass.take();
        if (pass.unsettled) throw unsettledError();
        if (batch.length > 0) yield batch;
        if (pass.stopped !== undefined) throw pass.stopped.reason;
      } while (pass.more);
    }
  } finally {
    pass?.close();
    fs.closeSync(file);
  }
}

/**
 * Reads a file as `read` does, without ever giving way to other work: for programs that do nothing
 * else meanwhile.
 *
 * @throws TypeError, RangeError for an option that is not what it must be, or a schema that answers later.
 * @throws JsonlError while iterating: `ORCH_JSONL_NOT_FOUND`, `ORCH_JSONL_OPEN_FAILED`,
 * `ORCH_JSONL_READ_FAILED`, `ORCH_JSONL_UNSUPPORTED` for a compressed file, `ORCH_JSONL_CORRUPT`.
 */
export function readSync<Output>(
  path: string,
  options: ReadSyncOptions & { readonly schema: StandardSchema<Output> },
): SyncJsonlReader<Output>;
export function readSync<T = unknown>(path: string, options?: ReadSyncOptions): SyncJsonlReader<T>;
export function readSync<T>(path: string, options: ReadSyncOptions = {}): SyncJsonlReader<T> {
  const range = checkReadOptions(options);
  let faults: readonly Fault[] = [];

  // No generator of its own: each call would make it a class apart, for which nothing is compiled yet.
  function pass<E>(make?: Make<E>): Generator<E[], void, undefined> {
    const collected = collectFaults(options.onCorrupt ?? 'skip', path);
    faults = collected.faults;
    return scanBatchesSync(path, options, range, make, collected.onFault);
  }

  return {
    get faults() {
      return faults;
    },
    [Symbol.iterator]: () => flattenSync(pass<T>()),
    entries: () => flattenSync(pass(makeEntry as Make<Entry<T>>)),
    batches: () => pass<T>(),
  };
}
