import type { RunOutcome } from '../state/event.js';
import type { RunState } from '../state/state.js';

/** The outcome of a run in which nothing is left to do, by what a person has to act on first. */
export function outcomeOf(state: RunState): RunOutcome {
  const tasks = Object.values(state.tasks);
  const has = (verdict: string): boolean => tasks.some((task) => task.verdict === verdict);
  if (state.cancelled) return 'cancelled';
  if (has('conflicted') || state.delivery?.refused) return 'conflicted';
  if (
    tasks.some(
      (task) =>
        task.verdict === 'exhausted' &&
        task.stopped === undefined &&
        task.attempts.at(-1)?.verdict === 'throttled',
    )
  )
    return 'throttled';
  if (
    has('exhausted') ||
    tasks.some((task) => task.verdict === 'skipped' && task.skipped === 'budget')
  ) {
    return 'exhausted';
  }
  const failed = tasks.some(
    (task) =>
      task.verdict !== undefined && task.verdict !== 'succeeded' && task.verdict !== 'skipped',
  );
  const red = Object.values(state.gateNodes).some((gate) => gate.result.verdict !== 'passed');
  const blocked = Object.values(state.barriers).some((barrier) => !barrier.passed);
  return failed || red || blocked ? 'failed' : 'succeeded';
}
