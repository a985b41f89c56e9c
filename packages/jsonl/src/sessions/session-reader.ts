import { JsonlError, reasonOf } from '../errors.js';
import { nodeFileSystem, type FileSystem } from '../file-system.js';
import type { Fault } from '../read/fault.js';
import { entriesFromEnd } from '../read/from-end.js';
import { read } from '../read/reader.js';
import { openIfThere } from '../read/open-for-reading.js';
import { asSessionRecord, type SessionRecord } from './session-record.js';

export interface SessionReadOptions {
  /** @default node:fs */
  readonly fileSystem?: FileSystem;
}

/** A session as it stands in its file. */
export interface RecordedSession {
  /** In the order of the file, unknown kinds included. */
  readonly records: readonly SessionRecord[];
  /** Damage; a session that is being written, or was interrupted, may have a `torn_tail`. */
  readonly faults: readonly Fault[];
  /** Lines that are JSON but no session records. */
  readonly foreign: readonly {
    readonly line: number;
    readonly byteStart: number;
    readonly byteEnd: number;
  }[];
}

/**
 * Reads a session into memory.
 *
 * @throws JsonlError `ORCH_JSONL_NOT_FOUND`, `ORCH_JSONL_OPEN_FAILED`, `ORCH_JSONL_READ_FAILED`,
 * `ORCH_JSONL_SESSION_VERSION`
 */
export async function readSession(
  path: string,
  options: SessionReadOptions = {},
): Promise<RecordedSession> {
  const reader = read(path, options);
  const records: SessionRecord[] = [];
  const foreign: { line: number; byteStart: number; byteEnd: number }[] = [];
  for await (const { value, line, byteStart, byteEnd } of reader.entries()) {
    const record = asSessionRecord(value, path);
    if (record === undefined) foreign.push({ line, byteStart, byteEnd });
    else records.push(record);
  }
  return { records, faults: reader.faults, foreign };
}

/**
 * The data of the last `end` record, read from the end of the file; `undefined` when there is none,
 * or no file. What it gives is on the disk: a record that a killed process had written but not
 * synced is synced first.
 *
 * @throws JsonlError `ORCH_JSONL_OPEN_FAILED`, `ORCH_JSONL_READ_FAILED`, `ORCH_JSONL_SYNC_FAILED`,
 * `ORCH_JSONL_SESSION_VERSION`
 */
export async function sessionEnd(path: string, options: SessionReadOptions = {}): Promise<unknown> {
  const { fileSystem = nodeFileSystem } = options;
  const file = await openIfThere(fileSystem, path);
  if (file === undefined) return undefined;
  try {
    const bytes = await fileSystem.stat(file);
    for await (const { value } of entriesFromEnd(fileSystem, file, path, bytes)) {
      const record = asSessionRecord(value, path);
      if (record?.kind !== 'end') continue;
      await makeDurable(fileSystem, file, path);
      return record.data;
    }
    return undefined;
  } finally {
    await fileSystem.close(file);
  }
}

async function makeDurable(fileSystem: FileSystem, file: number, path: string): Promise<void> {
  try {
    await fileSystem.fdatasync(file);
  } catch (cause) {
    const message = `Cannot make the end of session ${path} durable: ${reasonOf(cause)}`;
    throw new JsonlError('ORCH_JSONL_SYNC_FAILED', message, { path }, cause);
  }
}
