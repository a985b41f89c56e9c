import type { Json } from '../json.js';
import type { Plan } from '../plan/plan.js';
import type { Report } from '../plan/problem.js';
import { foreachSources, listTasks, tasksById, type ListedTask } from '../plan/task-list.js';
import { compileOutput } from './compile-output.js';
import type { OutputSpec } from './graph.js';
import type { ValueType } from './value-type.js';

/** What other tasks need to know of a task. */
export interface TaskEntry extends ListedTask {
  readonly id: string;
  readonly isCommand: boolean;
  readonly isFanOut: boolean;
  /** Its `needs`, and the tasks whose outputs its `foreach` goes over. */
  readonly needs: readonly string[];
  readonly output: OutputSpec | undefined;
  /** Type of its output; `undefined` when it declares none. */
  readonly type: ValueType | undefined;
}

export type TaskTable = ReadonlyMap<string, TaskEntry>;

/** All tasks with their outputs, which are known before any reference is looked at. */
export function createTaskTable(plan: Plan, report: Report): TaskTable {
  const table = new Map<string, TaskEntry>();
  const byId = tasksById(listTasks(plan.document));
  for (const [id, listed] of byId) {
    const { task, path } = listed;
    const isCommand = task.prompt === undefined && (task.run ?? task.sh) !== undefined;
    const at = [...path, 'output'];
    const output = compileOutput(plan, task.output as Json | undefined, at, isCommand, report);
    const isFanOut = [task.each, task.foreach, task.matrix].some((key) => key !== undefined);
    const waits = [...(task.needs ?? []), ...foreachSources(task)];
    const needs = [...new Set(waits)].filter((one) => byId.has(one));
    table.set(id, { ...listed, id, isCommand, isFanOut, needs, output, type: typeOf(output) });
  }
  return table;
}

function typeOf(output: OutputSpec | undefined): ValueType | undefined {
  if (output === undefined) return undefined;
  return output.kind === 'schema' ? output.schema : { type: 'array', items: { type: 'string' } };
}

/**
 * The tasks that an `each` task is paired with, nearest first: with `verify: each fix` and
 * `fix: each triage`, verify is paired with fix and triage. Ends on a cycle.
 */
export function pairedTasks(table: TaskTable, entry: TaskEntry): readonly TaskEntry[] {
  const chain: TaskEntry[] = [];
  let of = entry.task.each;
  while (of !== undefined) {
    const next = table.get(of);
    if (next === undefined || next === entry || chain.includes(next)) break;
    chain.push(next);
    of = next.task.each;
  }
  return chain;
}
