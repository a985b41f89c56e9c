import type { AttemptState, RunState, TaskState } from './state.js';

/** A task of which nothing was tried yet. */
export const waiting = (task: {
  id: string;
  label: string;
  wave?: string;
  node?: string;
}): TaskState => ({
  id: task.id,
  node: task.node ?? task.id,
  label: task.label,
  ...(task.wave === undefined ? {} : { wave: task.wave }),
  phase: 'waiting',
  attempts: [],
  before: 0,
  reasons: [],
  warnings: [],
  earlier: [],
});

/** A task that was removed, and is there again. What it did before is kept. */
export function again(task: TaskState): TaskState {
  const { verdict: _verdict, skipped: _skipped, ...rest } = task;
  return { ...rest, phase: 'waiting', reasons: [] };
}

export function withTask(
  state: RunState,
  id: string,
  change: (task: TaskState) => TaskState,
): RunState {
  const task = state.tasks[id] ?? waiting({ id, label: id });
  return { ...state, tasks: { ...state.tasks, [id]: change(task) } };
}

export function withAttempt(
  state: RunState,
  at: { readonly task: string; readonly attempt: number },
  change: (attempt: AttemptState) => AttemptState,
): RunState {
  return withTask(state, at.task, (task) => ({
    ...task,
    attempts: task.attempts.map((attempt) =>
      attempt.attempt === at.attempt ? change(attempt) : attempt,
    ),
  }));
}

export function withMerge(
  state: RunState,
  node: string,
  change: (merge: RunState['merges'][string]) => RunState['merges'][string],
): RunState {
  const merge = state.merges[node] ?? { tip: null, landed: {}, conflicted: {}, finished: false };
  return { ...state, merges: { ...state.merges, [node]: change(merge) } };
}
