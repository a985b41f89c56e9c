import type { EventFacts } from '../events/claude-events.js';
import { excerpt, type Json } from '../json.js';
import type { Tier } from '../table/read-layers.js';
import type { RunnableHook } from '../trust/load-table.js';
import { answerLimit, readAnswer, shapeAnswer, type Answer, type AnswerFault } from './answer.js';

/**
 * Why a hook gave no answer. On an event that can be blocked each of them blocks.
 *
 * `crash`: ended with an exit code other than 0 and 2, or threw · `signal` · `missing`: could not be started, or
 * 126 and 127 · `timeout` · `flood`: printed too much · `invalid`: printed what is no answer · `tampered`: a
 * copy in the store is not what was approved · `unreachable`: no good answer over HTTP · `cancelled`.
 */
export type FailureKind =
  | 'crash'
  | 'signal'
  | 'missing'
  | 'timeout'
  | 'flood'
  | 'invalid'
  | 'tampered'
  | 'unreachable'
  | 'cancelled';

/** What one hook did for one event. */
export interface HookResult {
  readonly hook: string;
  readonly tier: Tier;
  readonly source: string;
  readonly where: string;
  readonly kind: RunnableHook['spec']['kind'];
  readonly answer?: Answer;
  readonly failure?: { readonly kind: FailureKind; readonly message: string };
  readonly exitCode?: number;
  readonly durationMs: number;
}

/** What a runner has to say; the engine adds whose it is, and how long it took. */
export type Ran =
  | { readonly answer: Answer; readonly exitCode?: number }
  | {
      readonly failure: { readonly kind: FailureKind; readonly message: string };
      readonly exitCode?: number;
    };

/** One event on its way to a hook. */
export interface Delivery {
  readonly event: string;
  readonly facts: EventFacts;
  /** One line of JSON without its line break. */
  readonly payload: string;
  readonly timeoutMs: number;
  /** Complete: nothing else reaches the hook. */
  readonly env: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

export const failed = (kind: FailureKind, message: string, exitCode?: number): Ran => ({
  failure: { kind, message },
  ...(exitCode === undefined ? {} : { exitCode }),
});

/** By Claude Code's exit codes, but that everything unusual is a failure. */
export function readExit(
  { event, facts }: Pick<Delivery, 'event' | 'facts'>,
  exit: { readonly code: number | null; readonly signal: string | null },
  stdout: string,
  stderr: string,
): Ran {
  const { code, signal } = exit;
  if (code === null) return failed('signal', `it was ended by ${signal ?? 'a signal'}`);
  const said = excerpt(stderr);
  if (code === 0) return readText(stdout, event, facts);
  // A reason may stand in JSON as well; whatever it says, 2 blocks.
  if (code === 2) {
    const answer = readAnswer(stdout, event, facts);
    const reason =
      said !== '' ? said : 'fault' in answer ? undefined : (answer.reason ?? answer.stopReason);
    return {
      answer: { decision: 'deny', reason: reason ?? 'it ended with exit code 2' },
      exitCode: code,
    };
  }
  const missing = code === 127 || code === 126;
  return failed(
    missing ? 'missing' : 'crash',
    `it ended with exit code ${code}${missing ? ' (a program is not there, or may not run)' : ''}${said === '' ? '' : `: ${said}`}`,
    code,
  );
}

/** An answer in the text that a hook printed. */
export function readText(text: string, event: string, facts: EventFacts): Ran {
  if (text.length > answerLimit) return flooded();
  return orFailure(readAnswer(text, event, facts));
}

/** An answer in a value that a hook handed over. */
export function readValue(value: Json | undefined, event: string, facts: EventFacts): Ran {
  return orFailure(shapeAnswer(value, event, facts));
}

export const flooded = (): Ran => failed('flood', `it printed more than ${answerLimit} bytes`);

export const timedOut = (timeoutMs: number): Ran =>
  failed('timeout', `it did not answer within ${timeoutMs} ms`);

const orFailure = (read: Answer | AnswerFault): Ran =>
  'fault' in read ? failed('invalid', read.fault) : { answer: read };
