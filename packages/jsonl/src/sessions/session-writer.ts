import { nodeFileSystem, type FileSystem } from '../file-system.js';
import { entriesFromEnd } from '../read/from-end.js';
import { JsonlError } from '../errors.js';
import { openIfThere } from '../read/open-for-reading.js';
import { createEncoder } from '../write/encode-record.js';
import { openLineWriter } from '../write/line-writer.js';
import { checkWriterOptions } from '../write/writer-options.js';
import type { Opened } from '../write/open-file.js';
import { asSessionRecord, type SessionKind, type SessionRecord } from './session-record.js';

export interface SessionOptions {
  /** Sees each line before it is written; see `redactValues`. */
  readonly redact?: (line: string) => string;
  /** Where `at` comes from: milliseconds since the epoch. @default Date */
  readonly clock?: { now(): number };
  /**
   * Called once, with the first failure to write, as soon as it happens: from then on nothing is
   * recorded. `flush`, `end` and `close` reject with it as well.
   */
  readonly onFailure?: (error: unknown) => void;
  /** @default node:fs */
  readonly fileSystem?: FileSystem;
}

/** Records one session. It is the only writer of its file. */
export interface SessionWriter extends AsyncDisposable {
  /** What was found when the file was opened, and the `seq` of its last record (0 in a new file). */
  readonly opened: Opened & { readonly lastSeq: number };
  /**
   * Records something. It is written in the background, in order, and survives the end of this
   * process within moments; a failure to write appears at `flush`, `end` or `close`.
   *
   * @throws TypeError when `kind` is empty or `data` or `raw` cannot be JSON; nothing is recorded then.
   * @throws JsonlError `ORCH_JSONL_REDACTION_INVALID`
   */
  record(kind: SessionKind, data: unknown, raw?: unknown): void;
  /** Resolves when everything recorded is on the disk. Rejects as `append` of a writer does. */
  flush(): Promise<void>;
  /** Records the end. When it resolves, the end and everything before it are on the disk. */
  end(data: unknown): Promise<void>;
  /** Writes what was recorded and closes the file. Rejects if something could not be written. */
  close(): Promise<void>;
}

/** `seq` of the last whole record; 0 when there is none, or no file. */
async function findLastSeq(fileSystem: FileSystem, path: string): Promise<number> {
  const file = await openIfThere(fileSystem, path);
  if (file === undefined) return 0;
  try {
    const bytes = await fileSystem.stat(file);
    for await (const { value } of entriesFromEnd(fileSystem, file, path, bytes)) {
      const record = asSessionRecord(value, path);
      if (record !== undefined) return record.seq;
    }
    return 0;
  } finally {
    await fileSystem.close(file);
  }
}

/**
 * Opens a session for recording; `seq` of a file that is there already goes on after its last whole
 * record.
 *
 * @throws JsonlError as `openWriter` does, and `ORCH_JSONL_SESSION_VERSION`
 */
export async function openSession(
  path: string,
  options: SessionOptions = {},
): Promise<SessionWriter> {
  const { redact, onFailure, clock = Date, fileSystem = nodeFileSystem } = options;
  const settings = checkWriterOptions({ durability: 'kernel', fileSystem }, nodeFileSystem);
  const lastSeq = await findLastSeq(fileSystem, path);
  const encoder = createEncoder({ redact, chained: false });
  const lines = await openLineWriter<SessionRecord>(path, settings, encoder);
  let seq = lastSeq;
  let closed = false;
  /** The first failure to write that nobody was told of, as `record` has nobody to tell. */
  let untold: { readonly error: unknown } | undefined;
  let failed = false;

  function record(kind: SessionKind, data: unknown, raw?: unknown): void {
    if (closed) {
      const message = `Cannot record ${JSON.stringify(kind)} in ${path}: this session was closed; open it again`;
      throw new JsonlError('ORCH_JSONL_CLOSED', message, { path, kind });
    }
    if (typeof kind !== 'string' || kind === '') {
      throw new TypeError(`kind must be a non-empty string, received ${JSON.stringify(kind)}`);
    }
    checkHoldable('data', data);
    checkHoldable('raw', raw);
    const value: SessionRecord = {
      v: 1,
      seq: seq + 1,
      at: new Date(clock.now()).toISOString(),
      kind,
      data: data ?? null,
      ...(raw === undefined ? {} : { raw }),
    };
    const appended = lines.append(value);
    seq += 1;
    appended.catch((error: unknown) => {
      untold ??= { error };
      if (!failed) onFailure?.(error);
      failed = true;
    });
  }

  async function flush(): Promise<void> {
    try {
      await lines.flush();
    } catch (error) {
      untold = undefined;
      throw error;
    }
  }

  async function close(): Promise<void> {
    closed = true;
    await lines.close();
    if (untold === undefined) return;
    const { error } = untold;
    untold = undefined;
    throw error;
  }

  return {
    opened: { ...lines.opened, lastSeq },
    record,
    flush,
    async end(data) {
      record('end', data);
      await flush();
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** As a property, what JSON cannot hold would be left out without a word. */
function checkHoldable(name: string, value: unknown): void {
  if (typeof value !== 'function' && typeof value !== 'symbol') return;
  throw new TypeError(`${name} must be a value that JSON can hold, received a ${typeof value}`);
}
