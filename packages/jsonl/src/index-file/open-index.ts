import { JsonlError, reasonOf } from '../errors.js';
import { nodeFileSystem, type FileSystem } from '../file-system.js';
import { detectCompression } from '../read/byte-source.js';
import type { Fault } from '../read/fault.js';
import { readRange } from '../read/from-end.js';
import { openForReading } from '../read/open-for-reading.js';
import { checkRange } from '../read/read-options.js';
import { makeEntry, scanBatches, type Entry } from '../read/reader.js';
import type { Make, ScanTotals } from '../read/pass.js';
import { findLine, findTail, stretchOf, type Place } from './find-line.js';
import { checkSidecar, loadSidecar, removeSidecar, saveSidecar } from './sidecar.js';
import { addFound, scanOffsets, stride, type Offsets } from './scan-offsets.js';

export interface IndexOptions {
  /**
   * Where the index is kept between uses, so that only what was appended is read again. It is only a
   * cache: one that was damaged, or does not fit the length, the first or the last 4 KiB of what was
   * indexed, is made anew. `true`: beside the file, with `.index` added.
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
  /**
   * The line with this number, from 0, empty lines not counted; `undefined` beyond the end. Rejects
   * with `ORCH_JSONL_SHRUNK` when the file was cut before its end, or rewritten so that lines near it
   * are no longer where they were found.
   */
  get(n: number): Promise<IndexedLine<T> | undefined>;
  /** Takes in what was appended, after refreshes that were begun before; gives the new length. */
  refresh(): Promise<number>;
  /** Writes the sidecar, if there is to be one; removes it when indexed lines are no longer there. */
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
 * @throws RangeError for `maxLineBytes`, TypeError for a `sidecar` that is the file itself.
 * @throws JsonlError, also from its functions: `ORCH_JSONL_NOT_FOUND`, `ORCH_JSONL_OPEN_FAILED`,
 * `ORCH_JSONL_READ_FAILED`, `ORCH_JSONL_UNSUPPORTED` for a compressed file, `ORCH_JSONL_SHRUNK` when
 * indexed lines are no longer there: open the index again then; `ORCH_JSONL_WRITE_FAILED` when the
 * sidecar cannot be written, `ORCH_JSONL_CLOSED`
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
  /** Set once indexed lines are not where they were: nothing can be told by their numbers any more. */
  let lost: JsonlError | undefined;

  /** The last work that goes through the file or changes what is known of it. Each waits for the one before. */
  let last: Promise<unknown> = Promise.resolve();
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = last.then(work);
    last = turn.catch(() => undefined);
    return turn;
  }

  function shrunkError(found: number, indexed: number): JsonlError {
    const reason =
      found < indexed
        ? `it has ${found} bytes, and ${indexed} were indexed`
        : 'its lines are no longer where they were';
    return new JsonlError(
      'ORCH_JSONL_SHRUNK',
      `Cannot go on with the index of ${path}: ${reason}; open the index again`,
      { path, bytes: found, indexed },
    );
  }

  async function takeIn(): Promise<number> {
    if (lost !== undefined) throw lost;
    const found = await fileSystem.stat(file);
    if (found < offsets.settled) throw (lost = shrunkError(found, offsets.settled));
    addFound(offsets, await scanOffsets(fileSystem, file, path, offsets, found));
    bytes = found;
    hasTail = bytes > offsets.settled;
    return offsets.lines + (hasTail ? 1 : 0);
  }

  async function getLine(n: number): Promise<IndexedLine<T> | undefined> {
    if (lost !== undefined) throw lost;
    if (!Number.isSafeInteger(n) || n < 0 || n >= offsets.lines + (hasTail ? 1 : 0)) {
      return undefined;
    }
    const isTail = n === offsets.lines;
    const indexed = isTail ? bytes : offsets.settled;
    const place = isTail
      ? await findTail(fileSystem, file, path, offsets.settled, bytes)
      : await findLine(fileSystem, file, path, stretchOf(offsets, n), n % stride);
    const line = place && (await readLine(n, place));
    if (line !== undefined) return line;
    const error = shrunkError(await fileSystem.stat(file), indexed);
    // A last line without newline may be taken back; what comes before it holds.
    if (!isTail) lost = error;
    throw error;
  }

  /** Gives nothing unless what is read is one line of this length. */
  async function readLine(n: number, place: Place): Promise<IndexedLine<T> | undefined> {
    const { start, end } = place;
    let read = { bytes: 0, lines: 0 };
    const faults: Fault[] = [];
    const records: T[] = [];
    const range = { from: start, to: end, maxLineBytes, compression: 'none' } as const;
    const onFault = (fault: Fault): void => void faults.push({ ...fault, line: n + 1 });
    const onEnd = (totals: ScanTotals): void => void (read = totals);
    const more = { files, onEnd };
    const batches = scanBatches(path, range, makeEntry as Make<Entry<T>>, onFault, more);
    for await (const batch of batches) for (const { value } of batch) records.push(value);
    if (read.bytes !== end - start || read.lines !== 1) return undefined;
    return { records, faults, byteStart: start, byteEnd: end };
  }

  async function saveNow(): Promise<void> {
    if (sidecarPath === false) return;
    try {
      if (lost !== undefined) {
        // It would fit as well the next time, and be believed again.
        if (saved > 0) await removeSidecar(sidecarPath);
        saved = 0;
      } else if (saved !== offsets.settled) {
        await saveSidecar(fileSystem, file, path, sidecarPath, offsets);
        saved = offsets.settled;
      }
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
    if (sidecarPath !== false) await checkSidecar(fileSystem, file, path, sidecarPath);
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
