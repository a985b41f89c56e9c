import type { JsonlErrorCode } from '../errors.js';
import type { PriceTable } from './price-table.js';
import type { CleanupOptions, CleanupPlan, CleanupResult } from './cleanup.js';
import type { TranscriptFiles } from './find-transcripts.js';
import type { ImportOptions, WrittenImport } from './import-transcript.js';
import type { SessionFacts } from './session-facts.js';
import type { SessionKind, SessionRecord } from './session-record.js';
import type { SessionWriter } from './session-writer.js';
import type { UsageTotals } from './usage-ledger.js';

/** A place of many sessions. `openSessionStore` keeps them in files; others may keep them elsewhere. */
export interface SessionStore {
  /**
   * Begins a session and holds it until its writer is closed or its process has ended. Nobody else
   * can write or remove it meanwhile. Without an id it gets a new one (a UUID).
   *
   * @throws JsonlError `ORCH_JSONL_SESSION_EXISTS`, `ORCH_JSONL_SESSION_HELD`, and as `openSession`
   */
  create(id?: string): Promise<HeldSession>;
  /**
   * Goes on with a session after its last whole record, and holds it as `create` does.
   *
   * @throws JsonlError `ORCH_JSONL_SESSION_NOT_FOUND`, `ORCH_JSONL_SESSION_HELD`, and as `openSession`
   */
  resume(id: string): Promise<HeldSession>;
  /** Adds one record to a session that is there: resumes it, records, and closes it. On the disk when it resolves. */
  append(id: string, kind: SessionKind, data: unknown, raw?: unknown): Promise<void>;
  /**
   * All sessions, the one that was written last first. One that cannot be read is among them, with
   * what is known of its file: see `newerFormat` and `unreadable`.
   */
  list(): Promise<readonly SessionFacts[]>;
  /** @throws JsonlError `ORCH_JSONL_SESSION_NOT_FOUND`, and as `read` */
  facts(id: string): Promise<SessionFacts>;
  /**
   * The records of a session, one after the other, as far as they are written. Damage is passed over.
   *
   * @throws JsonlError `ORCH_JSONL_SESSION_NOT_FOUND`, `ORCH_JSONL_SESSION_VERSION`, and as `read`
   */
  records(id: string): AsyncIterable<SessionRecord>;
  /**
   * Where a text stands in what was said and done, in any case. Not looked at: raw events, tokens, and
   * what cannot be read; `list` says of which sessions nothing can, `stats` where one cannot go on.
   */
  search(text: string): AsyncIterable<SearchHit>;
  /** A session as Markdown, in pieces that end with a line. Nothing in it acts on who reads it. */
  exportMarkdown(id: string, options?: { readonly prices?: PriceTable }): AsyncIterable<string>;
  /**
   * What sessions used and cost: those that are named, else all. A message counts once in all of them.
   *
   * @throws JsonlError as `records`, for a session that is named
   */
  stats(options?: StatsOptions): Promise<StoreTotals>;
  /** What a cleanup would remove. Removes nothing. @throws RangeError */
  planCleanup(options: CleanupOptions): Promise<CleanupPlan>;
  /** Removes what a plan lists, except what is being written or was written since. */
  cleanUp(plan: CleanupPlan): Promise<CleanupResult>;
  /**
   * Takes in transcripts of Claude Code (see `findTranscripts`), each as one session under the name of
   * its file. Taking one in again replaces what was made from an earlier state of it.
   *
   * @throws JsonlError `ORCH_JSONL_TRANSCRIPT_INVALID`, `ORCH_JSONL_SESSION_HELD`, as `read` and `openWriter`
   */
  importTranscript(files: TranscriptFiles, options?: ImportOptions): Promise<ImportOutcome>;
}

/** A session that this process alone may write. */
export interface HeldSession extends SessionWriter {
  readonly id: string;
}

export interface SearchHit {
  readonly session: string;
  readonly seq: number;
  readonly at: string;
  readonly kind: SessionKind;
  /** The text around what was found, on one line. */
  readonly excerpt: string;
}

export interface StatsOptions {
  /** @default all of the store */
  readonly sessions?: readonly string[];
  /** Counts before the built-in list prices and what agents reported. */
  readonly prices?: PriceTable;
}

/** What the sessions of a store used. */
export interface StoreTotals extends UsageTotals {
  /**
   * Sessions that could not be read, or not to their end, and why: what is not known of them is not in
   * the totals. Absent when all were read.
   */
  readonly unreadable?: readonly { readonly id: string; readonly code: JsonlErrorCode }[];
}

export type ImportOutcome =
  /** `replaced`: the session was there, made from an earlier state of the same transcript. */
  | ({ readonly kind: 'imported' | 'replaced'; readonly id: string } & WrittenImport)
  /** The transcript has nothing that the session does not have. Nothing was changed. */
  | ({ readonly kind: 'unchanged'; readonly id: string } & WrittenImport)
  /** A session of this id is there that was not made from this transcript, or from more of it. Nothing was changed. */
  | ({ readonly kind: 'kept'; readonly id: string; readonly reason: string } & WrittenImport);
