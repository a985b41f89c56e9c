/**
 * Recorded sessions: what was said and done in one attempt of an agent, one JSON line each.
 *
 * ```ts
 * import { openSession, redactValues, sessionEnd } from '@orch/jsonl/sessions';
 *
 * const session = await openSession('fix.1.jsonl', { redact: redactValues(['s3cret-token']) });
 * session.record('text', { text: 'the token is s3cret-token' });
 * await session.end({ outcome: 'completed' }); // on the disk
 * await session.close();
 * console.log(await sessionEnd('fix.1.jsonl')); // { outcome: 'completed' }
 * ```
 *
 * Guarantees: records are numbered and stand in the order of the calls; when `end` resolves,
 * everything is on the disk; what `sessionEnd` gives is on the disk; declared secrets are replaced
 * before the first write; kinds that are not known are kept.
 *
 * It does not: know what the data of a kind must look like, or let two writers share a session.
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
