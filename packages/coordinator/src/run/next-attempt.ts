import type { TaskNode } from '../graph/graph.js';
import type { AttemptMode } from '../state/event.js';
import type { AttemptState, TaskState } from '../state/state.js';
import type { TaskVerdict } from '../state/verdict.js';

/** What follows an ended attempt. */
export type Next =
  | {
      readonly kind: 'attempt';
      readonly mode: AttemptMode;
      /** How many tries of this kind came before. */ readonly nth: number;
    }
  | { readonly kind: 'failed'; readonly verdict: TaskVerdict; readonly reasons: readonly string[] };

/** How often an agent that somebody else killed goes on by itself. */
const killsForgiven = 2;

/**
 * Decides from the record alone whether a task gets another attempt. Only what was tried since the run
 * was last opened, or its plan revised, counts against a limit:
 * - a lost attempt goes on (same conversation, same workspace), as often as it is lost with its leader,
 *   and twice when somebody else killed its agent;
 * - a throttled one goes on, at most `retry.transient` times;
 * - a failed gate goes back to the same conversation, at most `retry.gate` times; a gate that could
 *   not run, and a command that has no conversation, end the task;
 * - an answer of before that does not stand any more is asked for anew; one that still could not be
 *   checked is kept, and ends the task again.
 */
export function nextAttempt(node: TaskNode, task: TaskState): Next {
  const last = task.attempts.at(-1);
  if (!last) return { kind: 'attempt', mode: 'first', nth: 0 };
  const continues = hasConversation(node);
  const tried = task.attempts.slice(task.before);
  const count = (holds: (attempt: AttemptState) => boolean): number => tried.filter(holds).length;
  const goOn = continues ? 'continue' : 'retry';
  if (last.verdict === 'lost') {
    const kills = count(wasKilled);
    if (!wasKilled(last) || kills <= killsForgiven)
      return { kind: 'attempt', mode: goOn, nth: count((one) => one.mode === 'continue') };
    return givenUp('failed', last, kills);
  }
  if (last.verdict === 'throttled') {
    const tries = count((attempt) => attempt.verdict === 'throttled');
    if (tries <= node.retry.transient) return { kind: 'attempt', mode: goOn, nth: tries };
    return givenUp('exhausted', last, tries);
  }
  const gates = Object.values(last.gates);
  const repairable =
    (last.verdict === 'gate_failed' || last.verdict === 'denied') &&
    gates.some((gate) => gate.result.verdict === 'failed') &&
    gates.every((gate) => gate.result.verdict !== 'error');
  const repairs = count((attempt) => attempt.mode === 'repair');
  if (repairable && continues && repairs < node.retry.gate) {
    return { kind: 'attempt', mode: 'repair', nth: repairs };
  }
  if (tried.length === 0 && !isUnchecked(last)) return { kind: 'attempt', mode: 'retry', nth: 0 };
  return { kind: 'failed', verdict: last.verdict ?? 'failed', reasons: last.reasons };
}

/** Whether a later attempt can go on with the conversation of an earlier one. */
export const hasConversation = (node: TaskNode): boolean => node.agent.driver === 'claude';

/** Its agent was ended by a signal that nobody here sent: that end is on record, unlike one that died with its leader. */
const wasKilled = (attempt: AttemptState): boolean =>
  attempt.verdict === 'lost' && attempt.end?.outcome === 'lost';

/** It has a result, and nobody could say whether it is good: that is no reason to pay for another one. */
const isUnchecked = ({ verdict, captured, gates }: AttemptState): boolean =>
  captured !== undefined &&
  (verdict === 'error' ||
    (verdict === 'gate_failed' &&
      Object.values(gates).some((gate) => gate.result.verdict === 'error')));

const givenUp = (verdict: TaskVerdict, last: AttemptState, tries: number): Next => ({
  kind: 'failed',
  verdict,
  reasons: [...last.reasons, `given up after ${tries} tries`],
});
