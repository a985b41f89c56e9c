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
 * Whether a task is paired with another, directly or further on: with `verify: each fix` and
 * `fix: each triage`, verify is paired with fix and with triage.
 */
export function isPairedWith(table: TaskTable, entry: TaskEntry, other: TaskEntry): boolean {
  let one = nextPaired(table, entry);
  // As many steps as there are tasks end every cycle.
  for (let steps = table.size; one !== undefined && one !== entry && steps > 0; steps--) {
    if (one === other) return true;
    one = nextPaired(table, one);
  }
  return false;
}

/** For each task the one over whose list it goes: itself, or the last one it is paired with. */
export function findOrigins(table: TaskTable): ReadonlyMap<TaskEntry, TaskEntry> {
  const origins = new Map<TaskEntry, TaskEntry>();
  for (const entry of table.values()) {
    const chain = new Set<TaskEntry>();
    let last = entry;
    for (let one: TaskEntry | undefined = entry; one !== undefined && !chain.has(one);) {
      chain.add(one);
      last = origins.get(one) ?? one;
      one = origins.has(one) ? undefined : nextPaired(table, one);
    }
    for (const one of chain) origins.set(one, last);
  }
  return origins;
}

function nextPaired(table: TaskTable, entry: TaskEntry): TaskEntry | undefined {
  return entry.task.each === undefined ? undefined : table.get(entry.task.each);
}
