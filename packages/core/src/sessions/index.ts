/**
 * The sessions of one repository: what agents said and did in its runs, and conversations of Claude
 * Code that were taken in. Starts no process and leads no run.
 *
 * ```ts
 * const sessions = await openRepositorySessions({ directory: process.cwd(), environment: process.env });
 * for (const { name, title } of await sessions.list()) console.log(name, title);
 * ```
 *
 * @module
 */
export { openRepositorySessions } from './repository-sessions.js';
export type {
  CleanupListing,
  ExpiredSession,
  FailedImport,
  ListedSession,
  RepositorySessions,
  SessionSearchHit,
  SessionsOptions,
  UsageReport,
} from './repository-sessions.js';
export { readPriceTable } from '@orch/jsonl/sessions';
export type {
  ImportOutcome,
  ModelUsage,
  PriceTable,
  SessionRecord,
  UsageTotals,
} from '@orch/jsonl/sessions';
