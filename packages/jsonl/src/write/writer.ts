import { nodeFileSystem } from '../file-system.js';
import { createEncoder } from './encode-record.js';
import { openLineWriter } from './line-writer.js';
import type { Opened } from './open-file.js';
import { checkWriterOptions, type WriterOptions } from './writer-options.js';

/** Appends records to one file. Calls are written in the order in which they were made. */
export interface JsonlWriter<T> extends AsyncDisposable {
  /** What was found when the file was opened. */
  readonly opened: Opened;
  /** The last hash of a chained file; `undefined` without `chain`. */
  readonly head: string | undefined;
  /** Length of the file after the last committed group; `undefined` where others write too. */
  readonly bytes: number | undefined;
  /**
   * Appends one record, and resolves when it is as safe as `durability` says. `bytes` is the length
   * of its line as written, with its newline and seal.
   *
   * Rejects with TypeError for a value that JSON cannot hold at all (undefined, a function, BigInt,
   * a cycle; in a chain: not an object, or one with a property `hash`), which concerns this call
   * only. Rejects with JsonlError `ORCH_JSONL_DISK_FULL`, `ORCH_JSONL_WRITE_FAILED` or
   * `ORCH_JSONL_SYNC_FAILED`, `ORCH_JSONL_NOT_EXCLUSIVE`, `ORCH_JSONL_LOCK_TIMEOUT` or
   * `ORCH_JSONL_ROTATE_FAILED` when its group failed, and from then on with
   * `ORCH_JSONL_WRITER_FAILED`; `ORCH_JSONL_REDACTION_INVALID`, `ORCH_JSONL_CLOSED`.
   */
  append(value: T): Promise<{ readonly bytes: number }>;
  /** Appends records as one: one group, one seal. If one of them cannot be written, none is. */
  appendMany(values: readonly T[]): Promise<{ readonly bytes: number }>;
  /**
   * Appends and waits in place, after everything appended before.
   *
   * @throws TypeError, JsonlError as `append` rejects; `ORCH_JSONL_BUSY` while an asynchronous
   * append is being written.
   */
  appendSync(value: T): { readonly bytes: number };
  /** Resolves when everything appended before is on the disk, whatever the durability. */
  flush(): Promise<void>;
  /**
   * Writes what was appended, as the durability says, and closes the file, once full files are
   * compressed and removed. May be called again. Rejects with what nobody was told of before.
   */
  close(): Promise<void>;
}

/**
 * Opens a file for appending.
 *
 * @throws TypeError, RangeError for an option that is not what it must be.
 * @throws JsonlError `ORCH_JSONL_NOT_FOUND`, `ORCH_JSONL_EXISTS`, `ORCH_JSONL_OPEN_FAILED`,
 * `ORCH_JSONL_DISK_FULL`, `ORCH_JSONL_READ_FAILED`, `ORCH_JSONL_CHAIN_BROKEN`,
 * `ORCH_JSONL_LOCK_UNAVAILABLE`
 */
export async function openWriter<T = unknown>(
  path: string,
  options: WriterOptions = {},
): Promise<JsonlWriter<T>> {
  const settings = checkWriterOptions(options, nodeFileSystem);
  const { redact, chain } = options;
  const encoder = createEncoder({ redact, chained: chain !== undefined });
  const lines = await openLineWriter<T>(path, settings, encoder);

  return {
    opened: lines.opened,
    get head() {
      return lines.head();
    },
    get bytes() {
      return lines.bytes();
    },
    append(value) {
      try {
        return lines.append(value);
      } catch (error) {
        return Promise.reject(error);
      }
    },
    appendMany(values) {
      try {
        return lines.appendMany(values);
      } catch (error) {
        return Promise.reject(error);
      }
    },
    appendSync: (value) => lines.appendSync(value),
    flush: () => lines.flush(),
    close: () => lines.close(),
    [Symbol.asyncDispose]: () => lines.close(),
  };
}
