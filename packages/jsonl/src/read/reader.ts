import { nodeFileSystem } from '../file-system.js';
import { openSource, type Input, type ReadableFiles } from './byte-source.js';
import type { Fault } from './fault.js';
import { flatten } from './flatten.js';
import { chunkBytes, skimmedChunkBytes } from './line-buffer.js';
import { collectFaults, Pass, type Make, type ScanTotals } from './pass.js';
import { checkReadOptions, type ReadOptions } from './read-options.js';
import type { StandardSchema } from './schema.js';

/** A record and where it stands. */
export interface Entry<T> {
  readonly value: T;
  /** First byte of the record, counted from the start of the file. */
  readonly byteStart: number;
  /** The byte after the record and its newline: reading may go on `from` here. */
  readonly byteEnd: number;
  /** Number of the line, from 1, counted from where reading began. */
  readonly line: number;
}

/** A file of records. Nothing is opened before iteration begins; each iteration is a new pass. */
export interface JsonlReader<T> extends AsyncIterable<T> {
  /** Damage found so far by the pass whose iterator was made last. */
  readonly faults: readonly Fault[];
  /** Records with their place in the file. */
  entries(): AsyncIterableIterator<Entry<T>>;
  /** Records in arrays, one for each 16 KiB or so (256 KiB with `fields` or `where`): the fastest way through a large file. */
  batches(): AsyncIterableIterator<T[]>;
}

interface ScanMore {
  readonly files?: ReadableFiles;
  readonly onEnd?: (totals: ScanTotals) => void;
  /** Gives empty arrays too, for callers that do something about the faults of each chunk. */
  readonly givesEmpty?: boolean;
}

/** A pass over an input, as arrays of what `make` gives (the values, without it). */
export async function* scanBatches<E>(
  input: Input,
  options: ReadOptions,
  make: Make<E> | undefined,
  onFault: (fault: Fault) => void,
  more: ScanMore = {},
): AsyncGenerator<E[], void, undefined> {
  const range = checkReadOptions(options);
  const { compression = 'auto' } = options;
  const files = more.files ?? options.fileSystem ?? nodeFileSystem;
  const source = await openSource(files, input, range.from, compression);
  let pass: Pass<E> | undefined;
  try {
    const isSkimmed = options.fields !== undefined || options.where !== undefined;
    const chunk = isSkimmed ? skimmedChunkBytes : chunkBytes;
    pass = new Pass(options, range, make, onFault, chunk);
    let left = range.to - range.from;
    for (let ended = false; !ended;) {
      const room = pass.room();
      const count =
        left > 0 ? await source.read(room.length > left ? room.subarray(0, left) : room) : 0;
      left -= count;
      ended = count === 0;
      if (!ended) pass.push(count);
      do {
        let batch = ended ? pass.finish(source.damage()) : pass.take();
        if (pass.unsettled) batch = await pass.settle(batch);
        if (batch.length > 0 || more.givesEmpty === true) yield batch;
        if (pass.stopped !== undefined) throw pass.stopped.reason;
      } while (pass.more);
      if (ended) more.onEnd?.(pass.totals());
    }
  } finally {
    pass?.close();
    await source.close();
  }
}

export const makeEntry: Make<Entry<unknown>> = (value, byteStart, byteEnd, line) => ({
  value,
  byteStart,
  byteEnd,
  line,
});

/**
 * Reads JSON Lines in one pass, in constant memory, and recovers every whole record around damage.
 * Blank lines are passed over. The input is a path, or anything that gives bytes (`process.stdin`,
 * the body of a response), which can be read once.
 *
 * @throws TypeError, RangeError for an option that is not what it must be.
 * @throws JsonlError while iterating: `ORCH_JSONL_NOT_FOUND`, `ORCH_JSONL_OPEN_FAILED`,
 * `ORCH_JSONL_READ_FAILED`, `ORCH_JSONL_UNSUPPORTED`, and `ORCH_JSONL_CORRUPT` with
 * `onCorrupt: 'throw'`.
 */
export function read<Output>(
  input: Input,
  options: ReadOptions & { readonly schema: StandardSchema<Output> },
): JsonlReader<Output>;
export function read<T = unknown>(input: Input, options?: ReadOptions): JsonlReader<T>;
export function read<T>(input: Input, options: ReadOptions = {}): JsonlReader<T> {
  checkReadOptions(options);
  const name = typeof input === 'string' ? input : 'The stream';
  let faults: readonly Fault[] = [];

  // No generator around the generator: delegating would cost each batch three turns more.
  function pass<E>(make?: Make<E>): AsyncGenerator<E[], void, undefined> {
    const collected = collectFaults(options.onCorrupt ?? 'skip', name);
    faults = collected.faults;
    return scanBatches(input, options, make, collected.onFault);
  }

  return {
    get faults() {
      return faults;
    },
    [Symbol.asyncIterator]: () => flatten(pass<T>()),
    entries: () => flatten(pass(makeEntry as Make<Entry<T>>)),
    batches: () => pass<T>(),
  };
}

/** A whole file. */
export interface ReadResult<T> {
  readonly records: T[];
  readonly faults: readonly Fault[];
}

/** Reads a whole file into memory. @see read */
export async function readAll<Output>(
  input: Input,
  options: ReadOptions & { readonly schema: StandardSchema<Output> },
): Promise<ReadResult<Output>>;
export async function readAll<T = unknown>(
  input: Input,
  options?: ReadOptions,
): Promise<ReadResult<T>>;
export async function readAll<T>(input: Input, options: ReadOptions = {}): Promise<ReadResult<T>> {
  const reader = read<T>(input, options);
  const records: T[] = [];
  for await (const batch of reader.batches()) for (const record of batch) records.push(record);
  return { records, faults: reader.faults };
}
