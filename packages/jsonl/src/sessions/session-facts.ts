import { stat } from 'node:fs/promises';
import { JsonlError, systemCode, type JsonlErrorCode } from '../errors.js';
import { nodeFileSystem } from '../file-system.js';
import { entriesFromEnd } from '../read/from-end.js';
import { read } from '../read/reader.js';
import { openForReading } from '../read/open-for-reading.js';
import { questionOf } from './record-text.js';
import { asSessionRecord } from './session-record.js';
import { asFields, asText } from './token-counts.js';
import { unreadableCode } from './unreadable.js';

/** What a list of sessions shows. It is read from the beginning and the end of the file only. */
export interface SessionFacts {
  readonly id: string;
  readonly path: string;
  readonly bytes: number;
  /** When the file was last written. */
  readonly modifiedAt: string;
  /** Times of its first and last records; absent when there is none. */
  readonly startedAt?: string;
  readonly lastAt?: string;
  /** Its first question, on one line, at most 200 characters. */
  readonly title?: string;
  /** `imported`: made from a transcript of Claude Code. */
  readonly origin: 'recorded' | 'imported';
  /** How it ended, as its end record says; absent when it has none (it runs, or was interrupted). */
  readonly outcome?: string;
  /** The process that writes it now. */
  readonly writer?: number;
  /** A newer version wrote it in a format that this one does not know: only the file itself is known. */
  readonly newerFormat?: true;
  /** In a list: why, for another reason than that, only the file itself is known. */
  readonly unreadable?: JsonlErrorCode;
}

/** Records that are looked at for the first question. */
const headRecords = 200;
const tailRecords = 20;

/** What is known of a session without reading it. */
type FileFacts = Pick<SessionFacts, 'id' | 'path' | 'bytes' | 'modifiedAt' | 'writer'>;

/** The facts of a session, or `undefined` when its file is gone. @throws JsonlError as `read` */
export async function readFacts(
  id: string,
  path: string,
  writer: number | undefined,
): Promise<SessionFacts | undefined> {
  const file = await readFileFacts(id, path, writer);
  if (file === undefined) return undefined;
  try {
    return { ...file, ...(await readContent(path, file.bytes)) };
  } catch (error) {
    if (JsonlError.isInstance(error) && error.code === 'ORCH_JSONL_NOT_FOUND') return undefined;
    throw error;
  }
}

/** The same for one of many: a session that cannot be read must not hide all others. */
export async function readListedFacts(
  id: string,
  path: string,
  writer: number | undefined,
): Promise<SessionFacts | undefined> {
  try {
    return await readFacts(id, path, writer);
  } catch (error) {
    const unreadable = unreadableCode(error);
    if (unreadable === undefined) throw error;
    const file = await readFileFacts(id, path, writer);
    return file && { ...file, origin: 'recorded', unreadable };
  }
}

async function readFileFacts(
  id: string,
  path: string,
  writer: number | undefined,
): Promise<FileFacts | undefined> {
  let status;
  try {
    status = await stat(path);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
  return {
    id,
    path,
    bytes: status.size,
    modifiedAt: status.mtime.toISOString(),
    ...(writer === undefined ? {} : { writer }),
  };
}

/** One session of a newer version must not hide all others. */
async function readContent(
  path: string,
  bytes: number,
): Promise<Omit<SessionFacts, keyof FileFacts>> {
  try {
    return { ...(await readHead(path)), ...(await readTail(path, bytes)) };
  } catch (error) {
    const isNewer = JsonlError.isInstance(error) && error.code === 'ORCH_JSONL_SESSION_VERSION';
    if (!isNewer) throw error;
    return { origin: 'recorded', newerFormat: true };
  }
}

async function readHead(
  path: string,
): Promise<Pick<SessionFacts, 'startedAt' | 'title' | 'origin'>> {
  let origin: SessionFacts['origin'] = 'recorded';
  let startedAt: string | undefined;
  let title: string | undefined;
  let seen = 0;
  // Damage is not kept: there may be as much of it as the file is long.
  for await (const value of read(path, { onCorrupt: () => undefined })) {
    seen += 1;
    const record = asSessionRecord(value, path);
    if (record?.kind === 'import') origin = 'imported';
    else if (record) {
      if (startedAt === undefined || record.at < startedAt) startedAt = record.at;
      title = questionOf(record);
    }
    if (title !== undefined || seen === headRecords) break;
  }
  return {
    origin,
    ...(startedAt === undefined ? {} : { startedAt }),
    ...(title === undefined ? {} : { title }),
  };
}

async function readTail(
  path: string,
  bytes: number,
): Promise<Pick<SessionFacts, 'lastAt' | 'outcome'>> {
  const file = await openForReading(nodeFileSystem, path);
  try {
    let seen = 0;
    let lastAt: string | undefined;
    for await (const { value } of entriesFromEnd(nodeFileSystem, file, path, bytes)) {
      seen += 1;
      const record = asSessionRecord(value, path);
      if (record?.kind === 'import.done' || record === undefined) continue;
      lastAt ??= record.at;
      if (record.kind === 'end') {
        const outcome = asText(asFields(record.data)?.['outcome']);
        return { lastAt, ...(outcome === undefined ? {} : { outcome }) };
      }
      if (seen >= tailRecords) break;
    }
    return lastAt === undefined ? {} : { lastAt };
  } finally {
    await nodeFileSystem.close(file);
  }
}
