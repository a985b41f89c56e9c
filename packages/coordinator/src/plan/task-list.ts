import type { Path } from './path.js';
import type { PlanDocument, TaskDocument } from './schema/plan.js';

/** A task with its place in the plan. */
export interface ListedTask {
  readonly task: TaskDocument;
  readonly path: Path;
  /** Position over the whole plan, from 0. */
  readonly order: number;
  /** Index in `waves`; absent in the `tasks:` form. */
  readonly wave: number | undefined;
}

/** Every task in plan order, whether it stands in `tasks:` or in a wave. */
export function listTasks(document: PlanDocument): readonly ListedTask[] {
  const groups = [
    { path: ['tasks'] as Path, wave: undefined, tasks: document.tasks ?? [] },
    ...(document.waves ?? []).map((wave, index) => ({
      path: ['waves', index, 'tasks'] as Path,
      wave: index,
      tasks: wave.tasks,
    })),
  ];
  return groups
    .flatMap(({ path, wave, tasks }) =>
      tasks.map((task, index) => ({ task, path: [...path, index], wave })),
    )
    .map((listed, order) => ({ ...listed, order }));
}

/** The first task of each id. Doubles are reported by `check-names.ts`. */
export function tasksById(tasks: readonly ListedTask[]): ReadonlyMap<string, ListedTask> {
  const byId = new Map<string, ListedTask>();
  for (const listed of tasks) {
    if (!byId.has(listed.task.id)) byId.set(listed.task.id, listed);
  }
  return byId;
}

/** What a task waits for, with the place of each edge. */
export function edgesOf({ task, path }: ListedTask): readonly { to: string; path: Path }[] {
  const edges = (task.needs ?? []).map((to, index) => ({ to, path: [...path, 'needs', index] as Path }));
  return task.each === undefined ? edges : [...edges, { to: task.each, path: [...path, 'each'] }];
}
