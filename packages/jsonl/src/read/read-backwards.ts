import { JsonlError } from '../errors.js';
import { nodeFileSystem } from '../file-system.js';
import { detectCompression } from './byte-source.js';
import type { Fault } from './fault.js';
import { entriesFromEnd, readRange } from './from-end.js';
import { openForReading } from './open-for-reading.js';
import { collectFaults } from './pass.js';
import { checkReadOptions, type ReadOptions } from './read-options.js';
import type { Entry, ReadResult } from './reader.js';
import { createShaper, shapedBy } from './shape-record.js';

/** As for `read`; the file must not be compressed, as packed bytes can only be read from the start. */
export type BackwardsOptions = Omit<ReadOptions, 'compression' | 'from'>;

/** The records of a file from the last to the first. Each iteration is a new pass. */
export interface BackwardsReader<T> extends AsyncIterable<T> {
  /** Damage found so far by the latest pass, from the last to the first; `line` is 0. */
  readonly faults: readonly Fault[];
  /** Records with their place in the file; `line` is 0. */
  entries(): AsyncIterableIterator<Entry<T>>;
}

/**
 * Reads a file from its end, in blocks, so that its last records cost the same however long it is.
 *
 * @throws TypeError, RangeError for an option that is not what it must be.
 * @throws JsonlError while iterating, as `read`; `ORCH_JSONL_UNSUPPORTED` for a compressed file.
 */
export function readBackwards<T = unknown>(
  path: string,
  options: BackwardsOptions = {},
): BackwardsReader<T> {
  const { to, maxLineBytes } = checkReadOptions(options);
  const { fileSystem = nodeFileSystem, onCorrupt = 'skip', live } = options;
  const shape = createShaper(options);
  let faults: readonly Fault[] = [];

  async function* entries(): AsyncGenerator<Entry<T>, void, undefined> {
    const collected = collectFaults(onCorrupt, path);
    faults = collected.faults;
    const { onFault } = collected;
    const file = await openForReading(fileSystem, path);
    try {
      const compression = detectCompression(await readRange(fileSystem, file, path, 0, 4));
      if (compression !== 'none') {
        throw new JsonlError(
          'ORCH_JSONL_UNSUPPORTED',
          `Cannot read ${path} from its end: it is compressed with ${compression}; use read()`,
          { path, compression },
        );
      }
      const bytes = Math.min(to, await fileSystem.stat(file));
      const found = entriesFromEnd(fileSystem, file, path, bytes, { maxLineBytes, live, onFault });
      for await (const { value, byteStart, byteEnd } of found) {
        let shaped = shape?.(value) ?? { kind: 'value' as const, value };
        if (shaped.kind === 'later') shaped = shapedBy(await shaped.result);
        if (shaped.kind === 'value') {
          yield { value: shaped.value as T, byteStart, byteEnd, line: 0 };
        } else if (shaped.kind === 'refused') {
          const { issues } = shaped;
          onFault({ kind: 'invalid_schema', byteStart, byteEnd, line: 0, issues });
        }
      }
    } finally {
      await fileSystem.close(file);
    }
  }

  async function* values(): AsyncGenerator<T, void, undefined> {
    for await (const { value } of entries()) yield value;
  }

  return {
    get faults() {
      return faults;
    },
    [Symbol.asyncIterator]: values,
    entries,
  };
}

/**
 * The last `count` records of a file, in the order of the file, and the damage beside them.
 *
 * @throws RangeError when `count` is not a whole number of 0 or more. @see readBackwards
 */
export async function readTail<T = unknown>(
  path: string,
  count: number,
  options: BackwardsOptions = {},
): Promise<ReadResult<T>> {
  if (!Number.isSafeInteger(count) || count < 0) {
    throw new RangeError(`count must be 0 or more records, received ${count}`);
  }
  const reader = readBackwards<T>(path, options);
  const records: T[] = [];
  if (count > 0) {
    for await (const record of reader) if (records.push(record) === count) break;
  }
  return { records: records.reverse(), faults: [...reader.faults].reverse() };
}
