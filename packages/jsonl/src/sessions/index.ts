/**
 * Recorded sessions: what was said and done in one attempt of an agent, one JSON line each; a store
 * of them; what they cost; and transcripts of Claude Code taken in as such sessions.
 *
 * ```ts
 * import { openSessionStore, redactValues } from '@orch/jsonl/sessions';
 *
 * const store = openSessionStore('sessions', { redact: redactValues(['s3cret-token']) });
 * const session = await store.create('fix.1');
 * session.record('message.user', { text: 'the token is s3cret-token' });
 * await session.end({ outcome: 'completed' }); // on the disk
 * await session.close();
 * for (const { id, title, outcome } of await store.list()) console.log(id, title, outcome);
 * ```
 *
 * Guarantees: records are numbered and stand in the order of the calls; when `end` resolves,
 * everything is on the disk; what `sessionEnd` gives is on the disk; declared secrets are replaced
 * before the first write; kinds that are not known are kept. Of a store, one process at a time
 * writes a session, and nothing removes what is being written; a message of a model counts once, in
 * however many lines and sessions it stands; tokens without a known price have no cost, which is
 * said; an import is there whole or not at all.
 *
 * It does not: know what the data of a kind must look like, keep several hosts apart, know discounts,
 * or write anything into the files of Claude Code.
 *
 * @module
 */
export { openSession, type SessionOptions, type SessionWriter } from './session-writer.js';
export {
  readSession,
  sessionEnd,
  type RecordedSession,
  type SessionReadOptions,
} from './session-reader.js';
export type { SessionKind, SessionRecord } from './session-record.js';
export { redactValues, type Redactor } from './redact-values.js';

export { openSessionStore, type SessionStoreOptions } from './file-session-store.js';
export type {
  HeldSession,
  ImportOutcome,
  SearchHit,
  SessionStore,
  StatsOptions,
  StoreTotals,
} from './session-store.js';
export type { SessionFacts } from './session-facts.js';
export type { CleanupOptions, CleanupPlan, CleanupResult, Expired } from './cleanup.js';

export { findTranscripts, type TranscriptFiles } from './find-transcripts.js';
export type {
  ImportedFile,
  ImportOptions,
  ImportSource,
  WrittenImport,
} from './import-transcript.js';
export type { BrokenLink } from './transcript-chain.js';

export {
  createPricing,
  readPriceTable,
  type Cost,
  type Price,
  type PriceTable,
  type Pricing,
  type Rates,
} from './price-table.js';
export {
  createUsageLedger,
  type MissingPrice,
  type ModelUsage,
  type UsageLedger,
  type UsageTotals,
} from './usage-ledger.js';
export type { TokenCounts } from './token-counts.js';
