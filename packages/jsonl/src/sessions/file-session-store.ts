import { randomUUID } from 'node:crypto';
import { readdir, rename, unlink } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { isFull, JsonlError, reasonOf, systemCode, type JsonlErrorCode } from '../errors.js';
import { nodeFileSystem } from '../file-system.js';
import { entriesFromEnd } from '../read/from-end.js';
import { read } from '../read/reader.js';
import { openForReading } from '../read/open-for-reading.js';
import { expiryOf, removeExpired, type CleanupPlan, type Expired } from './cleanup.js';
import { markdownOf } from './export-markdown.js';
import type { TranscriptFiles } from './find-transcripts.js';
import { writeImport, type ImportOptions, type ImportSource } from './import-transcript.js';
import { makeLasting } from './lasting-directory.js';
import { createPricing } from './price-table.js';
import { recordText } from './record-text.js';
import { readFacts, readListedFacts, type SessionFacts } from './session-facts.js';
import { asSessionRecord, type SessionRecord } from './session-record.js';
import type {
  HeldSession,
  ImportOutcome,
  SearchHit,
  SessionStore,
  StatsOptions,
  StoreTotals,
} from './session-store.js';
import { openSession, type SessionOptions } from './session-writer.js';
import { asFields, asText } from './token-counts.js';
import { unreadableCode } from './unreadable.js';
import { createUsageLedger } from './usage-ledger.js';
import { findHolder, takeMark, type WriterMark } from './writer-mark.js';

export interface SessionStoreOptions extends Pick<SessionOptions, 'redact' | 'clock'> {
  /**
   * Whether somebody writes a session who did not get it from a store (`openSession` leaves no mark).
   * @default nobody does
   */
  readonly isWritten?: (id: string) => boolean | Promise<boolean>;
}

const validId = /^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$/;
const excerptSide = 60;

/**
 * A store of one file a session, `<id>.jsonl`, in a directory, which is made when the first session
 * is. Files of sessions that were written without a store are sessions of it as well.
 */
export function openSessionStore(
  directory: string,
  options: SessionStoreOptions = {},
): SessionStore {
  const marks = join(directory, '.writers');
  const writerOptions: SessionOptions = {
    ...(options.redact === undefined ? {} : { redact: options.redact }),
    ...(options.clock === undefined ? {} : { clock: options.clock }),
  };

  function pathOf(id: string): string {
    if (validId.test(id)) return join(directory, `${id}.jsonl`);
    const message = `A session id must be letters, digits, dots, dashes and underscores, received ${JSON.stringify(id)}`;
    throw new JsonlError('ORCH_JSONL_SESSION_NOT_FOUND', message, { id });
  }

  const isWrittenElsewhere = async (id: string): Promise<boolean> =>
    (await options.isWritten?.(id)) ?? false;

  async function hold(id: string): Promise<WriterMark> {
    const marked = await storing(`mark session ${id} as being written`, directory, async () => {
      await makeLasting(resolve(directory));
      return takeMark(marks, id);
    });
    if (marked.kind === 'held') throw heldError(id, marked.pid);
    if (!(await isWrittenElsewhere(id))) return marked.mark;
    await marked.mark.release();
    throw heldError(id, undefined);
  }

  async function openHeld(id: string, mustExist: boolean): Promise<HeldSession> {
    const path = pathOf(id);
    const mark = await hold(id);
    try {
      const exists = (await readFacts(id, path, undefined)) !== undefined;
      if (exists && !mustExist) throw existsError(id, path);
      if (!exists && mustExist) throw notFoundError(id, directory);
      const writer = await openSession(path, writerOptions);
      const close = async (): Promise<void> => {
        try {
          await writer.close();
        } finally {
          await mark.release();
        }
      };
      return { ...writer, id, close, [Symbol.asyncDispose]: close };
    } catch (error) {
      await mark.release();
      throw error;
    }
  }

  async function ids(): Promise<readonly string[]> {
    try {
      const entries = await readdir(directory, { withFileTypes: true });
      return entries
        .filter((entry) => entry.isFile() && entry.name.endsWith('.jsonl'))
        .map((entry) => basename(entry.name, '.jsonl'))
        .filter((id) => validId.test(id))
        .sort();
    } catch (cause) {
      if (systemCode(cause) === 'ENOENT') return [];
      const message = `Cannot list the sessions in ${directory}: ${reasonOf(cause)}`;
      throw new JsonlError('ORCH_JSONL_READ_FAILED', message, { path: directory }, cause);
    }
  }

  async function factsOf(id: string): Promise<SessionFacts | undefined> {
    return readFacts(id, pathOf(id), await findHolder(marks, id));
  }

  async function list(): Promise<readonly SessionFacts[]> {
    const found: SessionFacts[] = [];
    for (const id of await ids()) {
      const facts = await readListedFacts(id, pathOf(id), await findHolder(marks, id));
      if (facts) found.push(facts);
    }
    return found.sort((left, right) => (left.modifiedAt < right.modifiedAt ? 1 : -1));
  }

  async function facts(id: string): Promise<SessionFacts> {
    const found = await factsOf(id);
    if (found) return found;
    throw notFoundError(id, directory);
  }

  async function* records(id: string): AsyncGenerator<SessionRecord, void, undefined> {
    const path = pathOf(id);
    try {
      for await (const batch of read(path, { onCorrupt: () => undefined }).batches()) {
        for (const value of batch) {
          const record = asSessionRecord(value, path);
          if (record) yield record;
        }
      }
    } catch (error) {
      const isMissing = JsonlError.isInstance(error) && error.code === 'ORCH_JSONL_NOT_FOUND';
      throw isMissing ? notFoundError(id, directory) : error;
    }
  }

  /**
   * Records of one of many sessions, that nobody asked for by its name: as far as they can be read.
   * One that was removed meanwhile has none.
   */
  async function* recordsOfMany(
    id: string,
    onUnreadable?: (code: JsonlErrorCode) => void,
  ): AsyncGenerator<SessionRecord, void, undefined> {
    try {
      yield* records(id);
    } catch (error) {
      const code = unreadableCode(error);
      if (code === undefined) throw error;
      if (code !== 'ORCH_JSONL_SESSION_NOT_FOUND') onUnreadable?.(code);
    }
  }

  async function* search(text: string): AsyncGenerator<SearchHit, void, undefined> {
    const wanted = text.toLowerCase();
    if (wanted === '') return;
    for (const session of await ids()) {
      for await (const record of recordsOfMany(session)) {
        const said = recordText(record);
        const found = said.toLowerCase().indexOf(wanted);
        if (found === -1) continue;
        const excerpt = said.slice(
          Math.max(0, found - excerptSide),
          found + wanted.length + excerptSide,
        );
        const { seq, at, kind } = record;
        yield { session, seq, at, kind, excerpt: excerpt.replace(/\s+/gu, ' ').trim() };
      }
    }
  }

  async function stats({ sessions, prices }: StatsOptions = {}): Promise<StoreTotals> {
    const ledger = createUsageLedger(createPricing(prices));
    const unreadable: { id: string; code: JsonlErrorCode }[] = [];
    for (const id of sessions ?? (await ids())) {
      const found = sessions
        ? records(id)
        : recordsOfMany(id, (code) => void unreadable.push({ id, code }));
      for await (const record of found) ledger.add(record);
      ledger.nextSession();
    }
    return { ...ledger.totals(), ...(unreadable.length === 0 ? {} : { unreadable }) };
  }

  async function importTranscript(
    files: TranscriptFiles,
    importOptions: ImportOptions = {},
  ): Promise<ImportOutcome> {
    const name = basename(files.main, '.jsonl').replaceAll(/[^A-Za-z0-9._-]/g, '-');
    const id = validId.test(name) ? name : randomUUID();
    const path = pathOf(id);
    const mark = await hold(id);
    // Beside the marks, and removed like them when its process is gone: only whole sessions are in the store.
    const draft = `${mark.path}.part`;
    try {
      const written = await writeImport(files, draft, {
        ...(options.redact === undefined ? {} : { redact: options.redact }),
        ...importOptions,
      });
      const known = (await factsOf(id)) && (await importedFrom(path));
      if (known === undefined) {
        await settle(draft, path);
        return { kind: 'imported', id, ...written };
      }
      const reason = refusalOf(known, written.source);
      if (reason !== undefined) return { kind: 'kept', id, reason, ...written };
      const { bytes, linked } = written.source;
      if (known?.bytes === bytes && known.linked === linked)
        return { kind: 'unchanged', id, ...written };
      await settle(draft, path);
      return { kind: 'replaced', id, ...written };
    } finally {
      await unlink(draft).catch(() => undefined);
      await mark.release();
    }
  }

  /** Gives a finished file its name, for good. */
  async function settle(draft: string, path: string): Promise<void> {
    await storing('store the session', path, async () => {
      await rename(draft, path);
      await nodeFileSystem.fsyncDirectory(directory);
    });
  }

  return {
    create: async (id = randomUUID()) => openHeld(id, false),
    resume: (id) => openHeld(id, true),
    async append(id, kind, data, raw) {
      const session = await openHeld(id, true);
      try {
        session.record(kind, data, raw);
        await session.flush();
      } finally {
        await session.close();
      }
    },
    list,
    facts,
    records,
    search,
    async *exportMarkdown(id, { prices } = {}) {
      yield* markdownOf(await facts(id), () => records(id), createPricing(prices));
    },
    stats,
    async planCleanup(cleanupOptions) {
      const expiry = expiryOf(cleanupOptions);
      const remove: Expired[] = [];
      const keep: { id: string; reason: 'recent' | 'written' }[] = [];
      for (const { id, path, bytes, modifiedAt, writer } of await list()) {
        if (writer !== undefined || (await isWrittenElsewhere(id)))
          keep.push({ id, reason: 'written' });
        else if (Date.parse(modifiedAt) > expiry) keep.push({ id, reason: 'recent' });
        else remove.push({ id, path, bytes, modifiedAt });
      }
      return { remove, keep };
    },
    async cleanUp({ remove }: CleanupPlan) {
      const removed: Expired[] = [];
      const kept: { id: string; reason: 'written' | 'changed' | 'gone' }[] = [];
      for (const planned of remove) {
        const expired = { ...planned, path: pathOf(planned.id) };
        const outcome = await storing('remove the session', expired.path, () =>
          removeExpired(expired, marks, isWrittenElsewhere),
        );
        if (outcome === 'removed') removed.push(expired);
        else kept.push({ id: expired.id, reason: outcome });
      }
      return { removed, kept, bytes: removed.reduce((sum, { bytes }) => sum + bytes, 0) };
    },
    importTranscript,
  };
}

/** What a session says it was made from; null when it was not imported. */
async function importedFrom(path: string): Promise<Partial<ImportSource> | null> {
  const file = await openForReading(nodeFileSystem, path);
  try {
    const bytes = await nodeFileSystem.stat(file);
    for await (const { value } of entriesFromEnd(nodeFileSystem, file, path, bytes)) {
      const record = asSessionRecord(value, path);
      if (record?.kind !== 'import.done') return null;
      const source = asFields(asFields(record.data)?.['source']) ?? {};
      const { bytes: sourceBytes, linked } = source;
      return {
        start: asText(source['start']) ?? '',
        ...(typeof sourceBytes === 'number' ? { bytes: sourceBytes } : {}),
        ...(typeof linked === 'number' ? { linked } : {}),
      };
    }
    return null;
  } finally {
    await nodeFileSystem.close(file);
  }
}

/** Why what is there must stay, or undefined when it is an earlier state of the same transcript. */
function refusalOf(known: Partial<ImportSource> | null, source: ImportSource): string | undefined {
  if (known === null) return 'a session of this name is there that was recorded, not imported';
  if (known.start !== source.start)
    return 'a session of this name is there that was made from another conversation';
  if ((known.linked ?? 0) > source.linked)
    return `the session has ${known.linked} lines of the conversation, the transcript only ${source.linked}`;
  if ((known.bytes ?? 0) > source.bytes)
    return `the session was made from ${known.bytes} bytes, the transcript has only ${source.bytes}`;
  return undefined;
}

/** Does something to the directory of the store. */
async function storing<T>(what: string, path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (JsonlError.isInstance(cause)) throw cause;
    const code = isFull(cause) ? 'ORCH_JSONL_DISK_FULL' : 'ORCH_JSONL_WRITE_FAILED';
    throw new JsonlError(code, `Cannot ${what}: ${reasonOf(cause)}`, { path }, cause);
  }
}

function heldError(id: string, pid: number | undefined): JsonlError {
  const who = pid === undefined ? 'another process' : `process ${pid}`;
  const message = `Session ${id} is being written by ${who}: wait until it is closed`;
  return new JsonlError('ORCH_JSONL_SESSION_HELD', message, { id, pid });
}

function existsError(id: string, path: string): JsonlError {
  const message = `Cannot create session ${id}: ${path} is there already; resume it, or take another id`;
  return new JsonlError('ORCH_JSONL_SESSION_EXISTS', message, { id, path });
}

function notFoundError(id: string, directory: string): JsonlError {
  const message = `There is no session ${id} in ${directory}; list() names those there are`;
  return new JsonlError('ORCH_JSONL_SESSION_NOT_FOUND', message, { id, directory });
}
