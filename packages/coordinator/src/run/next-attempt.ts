import type { TaskNode } from '../graph/graph.js';
import type { AttemptMode } from '../state/event.js';
import type { TaskState } from '../state/state.js';
import type { TaskVerdict } from '../state/verdict.js';

/** What follows an ended attempt. */
export type Next =
  | {
      readonly kind: 'attempt';
      readonly mode: AttemptMode;
      /** How many tries of this kind came before. */ readonly nth: number;
    }
  | { readonly kind: 'failed'; readonly verdict: TaskVerdict; readonly reasons: readonly string[] };

/**
 * Decides from the record alone whether a task gets another attempt:
 * - a lost attempt goes on (same conversation, same workspace), as often as it is lost;
 * - a throttled one goes on, at most `retry.transient` times;
 * - a failed gate goes back to the same conversation, at most `retry.gate` times; a gate that could
 *   not run, and a command that has no conversation, end the task.
 */
export function nextAttempt(node: TaskNode, task: TaskState): Next {
  const last = task.attempts.at(-1);
  if (!last) return { kind: 'attempt', mode: 'first', nth: 0 };
  const continues = node.agent.driver === 'claude';
  const count = (mode: AttemptMode): number =>
    task.attempts.filter((attempt) => attempt.mode === mode).length;
  if (last.verdict === 'lost') {
    return { kind: 'attempt', mode: continues ? 'continue' : 'retry', nth: count('continue') };
  }
  if (last.verdict === 'throttled') {
    const tries = task.attempts.filter((attempt) => attempt.verdict === 'throttled').length;
    if (tries <= node.retry.transient)
      return { kind: 'attempt', mode: continues ? 'continue' : 'retry', nth: tries };
    return {
      kind: 'failed',
      verdict: 'exhausted',
      reasons: [...last.reasons, `given up after ${tries} tries`],
    };
  }
  const gates = Object.values(last.gates);
  const repairable =
    (last.verdict === 'gate_failed' || last.verdict === 'denied') &&
    gates.some((gate) => gate.result.verdict === 'failed') &&
    gates.every((gate) => gate.result.verdict !== 'error');
  if (repairable && continues && count('repair') < node.retry.gate) {
    return { kind: 'attempt', mode: 'repair', nth: count('repair') };
  }
  return { kind: 'failed', verdict: last.verdict ?? 'failed', reasons: last.reasons };
}
