import { JsonlError } from '../errors.js';
import { nodeFileSystem, type FileSystem } from '../file-system.js';
import type { Entry } from './decode-line.js';
import type { Fault } from './fault.js';
import { flatten } from './flatten.js';
import { checkRange, openForReading, scanBatches, type ScanSink } from './scan.js';

/**
 * What to do about damage: `skip` reports it in {@link JsonlReader.faults} and goes on; `throw` ends
 * the pass with `ORCH_JSONL_CORRUPT` (a `torn_tail` is still only reported); a function is called
 * with each fault, and nothing is kept in `faults`.
 */
export type OnCorrupt = 'throw' | 'skip' | ((fault: Fault) => void);

export interface ReadOptions {
  /** Byte offset to begin at: 0, or the `byteEnd` of an entry. @default 0 */
  readonly from?: number;
  /** Byte offset to end at, as if the file ended there. @default Infinity */
  readonly to?: number;
  /** Longest line that is held in memory, in bytes; a longer one is a `too_long` fault. @default 67108864 */
  readonly maxLineBytes?: number;
  /** @default 'skip' */
  readonly onCorrupt?: OnCorrupt;
  /** @default node:fs */
  readonly fileSystem?: FileSystem;
}

/** A file of records. Nothing is opened before iteration begins; each iteration is a new pass. */
export interface JsonlReader<T> extends AsyncIterable<T> {
  /** Damage found so far by the latest pass. */
  readonly faults: readonly Fault[];
  /** Records with their place in the file. */
  entries(): AsyncIterableIterator<Entry<T>>;
  /** Records in arrays, one for each 256 KiB read: the fastest way through a large file. */
  batches(): AsyncIterableIterator<T[]>;
}

/**
 * Reads a JSON Lines file in one pass, in constant memory, and recovers every whole record around
 * damage. Blank lines, CRLF and a byte order mark are accepted. Values are not validated.
 *
 * @throws RangeError when an offset or limit is not a whole number in range.
 * @throws JsonlError while iterating: `ORCH_JSONL_NOT_FOUND`, `ORCH_JSONL_OPEN_FAILED`,
 * `ORCH_JSONL_READ_FAILED`, and `ORCH_JSONL_CORRUPT` with `onCorrupt: 'throw'`.
 */
export function read<T = unknown>(path: string, options: ReadOptions = {}): JsonlReader<T> {
  const range = checkRange(options);
  const { onCorrupt = 'skip', fileSystem = nodeFileSystem } = options;
  let faults: Fault[] = [];

  const onFault = (fault: Fault): void => {
    if (typeof onCorrupt === 'function') {
      onCorrupt(fault);
      return;
    }
    faults.push(fault);
    if (onCorrupt === 'throw' && fault.kind !== 'torn_tail') throw corruptError(path, fault);
  };

  async function* pass<E>(make: ScanSink<E>['make']): AsyncGenerator<E[], void, undefined> {
    faults = [];
    const file = await openForReading(fileSystem, path);
    try {
      yield* scanBatches(fileSystem, file, path, range, { make, onFault });
    } finally {
      await fileSystem.close(file);
    }
  }

  const batches = (): AsyncGenerator<T[], void, undefined> => pass((value) => value as T);
  return {
    get faults() {
      return faults;
    },
    [Symbol.asyncIterator]: () => flatten(batches()),
    entries: () =>
      flatten(
        pass((value, byteStart, byteEnd, line) => ({
          value: value as T,
          byteStart,
          byteEnd,
          line,
        })),
      ),
    batches,
  };
}

function corruptError(path: string, fault: Fault): JsonlError {
  return new JsonlError(
    'ORCH_JSONL_CORRUPT',
    `${path} is damaged at line ${fault.line}, bytes ${fault.byteStart} to ${fault.byteEnd}: ` +
      `expected one JSON value per line, found ${fault.kind}; read with onCorrupt 'skip' to get the other records`,
    { path, fault },
  );
}

/** A whole file. */
export interface ReadResult<T> {
  readonly records: T[];
  readonly faults: readonly Fault[];
}

/** Reads a whole file into memory. @see read */
export async function readAll<T = unknown>(
  path: string,
  options: ReadOptions = {},
): Promise<ReadResult<T>> {
  const reader = read<T>(path, options);
  const records: T[] = [];
  for await (const batch of reader.batches()) for (const record of batch) records.push(record);
  return { records, faults: reader.faults };
}
