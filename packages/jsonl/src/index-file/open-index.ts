import { JsonlError, reasonOf } from '../errors.js';
import { nodeFileSystem, type FileSystem } from '../file-system.js';
import { detectCompression } from '../read/byte-source.js';
import type { Fault } from '../read/fault.js';
import { readRange } from '../read/from-end.js';
import { openForReading } from '../read/open-for-reading.js';
import { checkRange } from '../read/read-options.js';
import { makeEntry, scanBatches, type Entry } from '../read/reader.js';
import type { Make } from '../read/pass.js';
import { loadSidecar, saveSidecar } from './sidecar.js';
import { addFound, scanOffsets, stride, type Offsets } from './scan-offsets.js';

export interface IndexOptions {
  /**
   * Where the index is kept between uses, so that only what was appended is read again. It is only a
   * cache: one that does not fit the file is made anew. `true`: beside the file, with `.index` added.
   * @default false
   */
  readonly sidecar?: boolean | string;
  /** @see ReadOptions.maxLineBytes */
  readonly maxLineBytes?: number;
  /** @default node:fs */
  readonly fileSystem?: FileSystem;
}

/** One line of an indexed file. */
export interface IndexedLine<T> {
  /** Its record; none or several only if the line is damaged. */
  readonly records: readonly T[];
  readonly faults: readonly Fault[];
  /** First byte of the line. */
  readonly byteStart: number;
  /** The byte after its newline. */
  readonly byteEnd: number;
}

/** Random access to the lines of a file. */
export interface LineIndex<T> extends AsyncDisposable {
  /** Lines that are not empty, as of the last refresh. A last line without newline counts. */
  readonly length: number;
  /** The line with this number, from 0, empty lines not counted; `undefined` beyond the end. */
  get(n: number): Promise<IndexedLine<T> | undefined>;
  /** Takes in what was appended, after refreshes that were begun before; gives the new length. */
  refresh(): Promise<number>;
  /** Writes the sidecar, if there is to be one. */
  save(): Promise<void>;
  /**
   * Waits for what was begun, saves, and closes the file, once: a second call gives the same promise.
   * After it, `get`, `refresh` and `save` reject with `ORCH_JSONL_CLOSED`.
   */
  close(): Promise<void>;
}

/**
 * Opens a file and finds where its lines begin, by searching newlines, without parsing. Memory: 8
 * bytes for each 64 lines. A record over several lines is seen as damaged lines.
 *
 * @throws RangeError for `maxLineBytes`.
 * @throws JsonlError, also from its functions: `ORCH_JSONL_NOT_FOUND`, `ORCH_JSONL_OPEN_FAILED`,
 * `ORCH_JSONL_READ_FAILED`, `ORCH_JSONL_UNSUPPORTED` for a compressed file, `ORCH_JSONL_SHRUNK` when
 * indexed lines are no longer there, `ORCH_JSONL_WRITE_FAILED` when the sidecar cannot be written,
 * `ORCH_JSONL_CLOSED`
 */
export async function openIndex<T = unknown>(
  path: string,
  options: IndexOptions = {},
): Promise<LineIndex<T>> {
  const { maxLineBytes } = checkRange({ maxLineBytes: options.maxLineBytes });
  const { fileSystem = nodeFileSystem, sidecar = false } = options;
  const sidecarPath = sidecar === true ? `${path}.index` : sidecar;
  const file = await openForReading(fileSystem, path);
  const files = {
    open: () => Promise.resolve(file),
    close: () => Promise.resolve(),
    read: fileSystem.read.bind(fileSystem),
  };
  let offsets: Offsets = { starts: [], lines: 0, settled: 0 };
  let bytes = 0;
  let saved = 0;
  let hasTail = false;

  /** The last work that goes through the file or changes what is known of it. Each waits for the one before. */
  let last: Promise<unknown> = Promise.resolve();
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = last.then(work);
    last = turn.catch(() => undefined);
    return turn;
  }

  async function takeIn(): Promise<number> {
    const found = await fileSystem.stat(file);
    if (found < offsets.settled) {
      throw new JsonlError(
        'ORCH_JSONL_SHRUNK',
        `Cannot go on with the index of ${path}: it has ${found} bytes, and ${offsets.settled} were indexed; open the index again`,
        { path, bytes: found, indexed: offsets.settled },
      );
    }
    addFound(offsets, await scanOffsets(fileSystem, file, path, offsets, found));
    bytes = found;
    hasTail = bytes > offsets.settled;
    return offsets.lines + (hasTail ? 1 : 0);
  }

  async function getLine(n: number): Promise<IndexedLine<T> | undefined> {
    if (!Number.isSafeInteger(n) || n < 0 || n >= offsets.lines + (hasTail ? 1 : 0)) {
      return undefined;
    }
    const isTail = n === offsets.lines;
    const from = isTail ? offsets.settled : (offsets.starts[Math.floor(n / stride)] ?? 0);
    const next = offsets.starts[Math.floor(n / stride) + 1] ?? offsets.settled;
    const { start, end } = isTail
      ? { start: from, end: bytes }
      : await findLine(fileSystem, file, path, { from, to: next, skip: n % stride });
    const faults: Fault[] = [];
    const records: T[] = [];
    const range = { from: start, to: end, maxLineBytes, compression: 'none' } as const;
    const onFault = (fault: Fault): void => void faults.push({ ...fault, line: n + 1 });
    const batches = scanBatches(path, range, makeEntry as Make<Entry<T>>, onFault, { files });
    for await (const batch of batches) for (const { value } of batch) records.push(value);
    return { records, faults, byteStart: start, byteEnd: end };
  }

  async function saveNow(): Promise<void> {
    if (sidecarPath === false || saved === offsets.settled) return;
    try {
      await saveSidecar(fileSystem, file, path, sidecarPath, offsets);
      saved = offsets.settled;
    } catch (cause) {
      const message = `Cannot write the index ${sidecarPath}: ${reasonOf(cause)}; the file itself is untouched`;
      throw new JsonlError('ORCH_JSONL_WRITE_FAILED', message, { path: sidecarPath }, cause);
    }
  }

  /** Lines that are being read, for which closing waits. */
  const reading = new Set<Promise<unknown>>();
  let closing: Promise<void> | undefined;

  /** The number of a closed file may be that of another one the next moment. */
  function checkOpen(): void {
    if (closing === undefined) return;
    const message = `Cannot use the index of ${path}: it was closed; open it again`;
    throw new JsonlError('ORCH_JSONL_CLOSED', message, { path });
  }

  async function get(n: number): Promise<IndexedLine<T> | undefined> {
    checkOpen();
    const line = getLine(n);
    reading.add(line);
    try {
      return await line;
    } finally {
      reading.delete(line);
    }
  }

  async function refresh(): Promise<number> {
    checkOpen();
    return inTurn(takeIn);
  }

  async function save(): Promise<void> {
    checkOpen();
    return inTurn(saveNow);
  }

  function close(): Promise<void> {
    closing ??= inTurn(async () => {
      await Promise.allSettled(reading);
      try {
        await saveNow();
      } finally {
        await fileSystem.close(file);
      }
    });
    return closing;
  }

  try {
    const compression = detectCompression(await readRange(fileSystem, file, path, 0, 4));
    if (compression !== 'none') {
      throw new JsonlError(
        'ORCH_JSONL_UNSUPPORTED',
        `Cannot index ${path}: it is compressed with ${compression}; unpack it first`,
        { path, compression },
      );
    }
    if (sidecarPath !== false) {
      offsets = (await loadSidecar(fileSystem, file, path, sidecarPath)) ?? offsets;
      saved = offsets.settled;
    }
    await refresh();
  } catch (error) {
    await fileSystem.close(file);
    throw error;
  }
  return {
    get length() {
      return offsets.lines + (hasTail ? 1 : 0);
    },
    get,
    refresh,
    save,
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** Where the line begins and ends that comes after `skip` lines that are not empty. */
async function findLine(
  fileSystem: FileSystem,
  file: number,
  path: string,
  { from, to, skip }: { from: number; to: number; skip: number },
): Promise<{ start: number; end: number }> {
  const blockBytes = 64 * 1024;
  let left = skip;
  let start = from;
  let endedInReturn = false;
  for (let position = from; position < to;) {
    const end = Math.min(to, position + blockBytes);
    const part = await readRange(fileSystem, file, path, position, end);
    if (part.length === 0) break;
    for (let at = part.indexOf(10); at !== -1; at = part.indexOf(10, at + 1)) {
      const newline = position + at;
      const length = newline - start;
      const before = at > 0 ? part[at - 1] === 13 : endedInReturn;
      if (length > 1 || (length === 1 && !before)) {
        if (left === 0) return { start, end: newline + 1 };
        left -= 1;
      }
      start = newline + 1;
    }
    endedInReturn = part.at(-1) === 13;
    position += part.length;
  }
  return { start, end: to };
}
