import { JsonlError } from '../errors.js';

/**
 * What a session record tells of. Other kinds are written and read just the same.
 *
 * `attempt`: what was asked of the agent, and which one · `session.started`: the agent is up ·
 * `message.user`: what somebody said to it · `text`, `thinking`: what it said · `tool.called`,
 * `tool.returned` · `denied`: a refused tool call · `retrying`: it asks the model again · `usage`: tokens
 * of one message of the model · `compaction`: what was said before was replaced by a summary ·
 * `notice`: anything the driver has to say · `output`: a line of a command · `end`: how the attempt
 * ended · `import`, `import.done`: what a session was made from, and what was found in it.
 */
export type SessionKind =
  | 'attempt'
  | 'session.started'
  | 'message.user'
  | 'text'
  | 'thinking'
  | 'tool.called'
  | 'tool.returned'
  | 'denied'
  | 'retrying'
  | 'usage'
  | 'compaction'
  | 'notice'
  | 'output'
  | 'end'
  | 'import'
  | 'import.done'
  | (string & Record<never, never>);

/** One line of a recorded session. */
export interface SessionRecord {
  /** Format. Fields may be added under the same number. */
  readonly v: 1;
  /** Place in the session, from 1. This, and not `at`, is the order. */
  readonly seq: number;
  /** When it was recorded: ISO 8601, UTC, milliseconds. */
  readonly at: string;
  readonly kind: SessionKind;
  /** The content, in the form that the kind has for every agent. */
  readonly data: unknown;
  /** The driver's own event it was made from, if it was kept. */
  readonly raw?: unknown;
}

/**
 * The record that a parsed line is, or `undefined` when it is none.
 *
 * @throws JsonlError `ORCH_JSONL_SESSION_VERSION` for a record of a newer format
 */
export function asSessionRecord(value: unknown, path: string): SessionRecord | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const record = value as Partial<Record<keyof SessionRecord, unknown>>;
  const { v, seq, at, kind } = record;
  if (typeof v !== 'number' || typeof seq !== 'number' || typeof kind !== 'string')
    return undefined;
  if (v > 1) {
    throw new JsonlError(
      'ORCH_JSONL_SESSION_VERSION',
      `Cannot read session ${path}: expected records of format 1, received ${v}; use a newer version of @orch/jsonl`,
      { path, expected: 1, received: v },
    );
  }
  const fits =
    v === 1 &&
    Number.isSafeInteger(seq) &&
    seq >= 1 &&
    kind !== '' &&
    typeof at === 'string' &&
    'data' in record;
  return fits ? (value as SessionRecord) : undefined;
}
