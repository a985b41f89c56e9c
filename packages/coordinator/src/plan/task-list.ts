import { parseTemplate } from '../graph/parse-template.js';
import type { Json } from '../json.js';
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

/** Something that a task waits for, with the place that says so. */
export interface TaskEdge {
  readonly to: string;
  readonly path: Path;
}

/** What a task waits for: `needs`, `each`, and the tasks whose outputs its `foreach` goes over. */
export function edgesOf(
  listed: ListedTask,
  ids: { has: (id: string) => boolean },
): readonly TaskEdge[] {
  const { task, path } = listed;
  const needs = (task.needs ?? []).map((to, index) => ({ to, path: [...path, 'needs', index] }));
  const each = task.each === undefined ? [] : [{ to: task.each, path: [...path, 'each'] }];
  const sources = foreachSources(task).filter((to) => ids.has(to));
  return [...needs, ...each, ...sources.map((to) => ({ to, path: [...path, 'foreach'] }))];
}

/** First keys of all references in a `foreach`; not all of them are tasks. */
export function foreachSources({ foreach }: TaskDocument): readonly string[] {
  const parts = textsIn(foreach as Json).flatMap((text) => parseTemplate(text).parts);
  const roots = parts.flatMap((part) => (typeof part === 'string' ? [] : [String(part.keys[0])]));
  return [...new Set(roots)];
}

function textsIn(value: Json | undefined): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap((one) => textsIn(one));
}
