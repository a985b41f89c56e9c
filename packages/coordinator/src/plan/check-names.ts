import { quote } from './describe.js';
import type { Locations } from './locations.js';
import type { Path } from './path.js';
import type { PlanProblemCode, Report } from './problem.js';
import type { PlanDocument } from './schema/plan.js';
import { nearest } from './suggestion.js';
import { edgesOf, listTasks, tasksById, type ListedTask } from './task-list.js';

/** Roots of references, and the node that merges at the end. */
const RESERVED_IDS = ['inputs', 'matrix', 'run', 'env', 'final-merge'];

/**
 * What every object of the language has: `constructor`, in plain names. A record of tasks or gates would
 * answer with that for a name that is not in it yet.
 */
const INHERITED: ReadonlySet<string> = new Set(Object.getOwnPropertyNames(Object.prototype));

export interface NameContext {
  readonly document: PlanDocument;
  readonly locations: Locations;
  readonly report: Report;
  /** Names that are defined, even where the definition itself is at fault. */
  readonly gateNames: ReadonlySet<string>;
  readonly agentNames: ReadonlySet<string>;
}

/** Checks that names are unique and that what is named exists, in the right wave. */
export function checkNames(context: NameContext): void {
  const { document } = context;
  const tasks = listTasks(document);
  const byId = tasksById(tasks);
  checkIds(context, tasks);
  checkDefined(context, 'gate', Object.keys(document.gates ?? {}));
  checkDefined(context, 'agent', Object.keys(document.agents ?? {}));
  for (const listed of tasks) {
    if (context.report.isFull()) return;
    checkEdges(context, listed, byId);
    checkGates(context, listed.task.gates, [...listed.path, 'gates']);
    checkAgent(context, listed.task.agent, [...listed.path, 'agent']);
  }
  checkAgent(context, document.defaults?.agent, ['defaults', 'agent']);
  const waves = new Set<string>();
  for (const [index, wave] of (document.waves ?? []).entries()) {
    checkGates(context, wave.gates, ['waves', index, 'gates']);
    if (INHERITED.has(wave.name)) {
      const path = ['waves', index, 'name'];
      inherited(context, context.locations.value(path), path, 'wave', wave.name);
    }
    if (waves.has(wave.name)) double(context, 'wave', wave.name, ['waves', index, 'name']);
    waves.add(wave.name);
  }
}

function checkIds(context: NameContext, tasks: readonly ListedTask[]): void {
  const seen = new Set<string>();
  for (const { task, path } of tasks) {
    if (RESERVED_IDS.includes(task.id)) {
      context.report.add(context.locations.value([...path, 'id']), [...path, 'id'], {
        code: 'ORCH_PLAN_RESERVED_NAME',
        message: `a task cannot be called ${quote(task.id)}; reserved are ${RESERVED_IDS.join(', ')}`,
      });
    }
    if (INHERITED.has(task.id)) {
      const at = [...path, 'id'];
      inherited(context, context.locations.value(at), at, 'task', task.id);
    }
    if (seen.has(task.id)) double(context, 'task', task.id, [...path, 'id']);
    seen.add(task.id);
  }
}

function checkDefined(
  context: NameContext,
  kind: 'gate' | 'agent',
  names: readonly string[],
): void {
  for (const name of names.filter((one) => INHERITED.has(one))) {
    const path = [`${kind}s`, name];
    inherited(context, context.locations.key(path), path, kind, name);
  }
}

function inherited(
  { report }: NameContext,
  spot: ReturnType<Locations['key']>,
  path: Path,
  kind: string,
  name: string,
): void {
  report.add(spot, path, {
    code: 'ORCH_PLAN_RESERVED_NAME',
    message: `${kind === 'agent' ? 'an' : 'a'} ${kind} cannot be called ${quote(name)}: JavaScript gives every object that name; choose another one`,
  });
}

function double({ report, locations }: NameContext, kind: string, name: string, path: Path): void {
  report.add(locations.value(path), path, {
    code: 'ORCH_PLAN_DUPLICATE_NAME',
    message: `there is a ${kind} called ${quote(name)} already`,
  });
}

function checkEdges(
  { report, locations }: NameContext,
  listed: ListedTask,
  byId: ReadonlyMap<string, ListedTask>,
): void {
  for (const { to, path } of edgesOf(listed, byId)) {
    const target = byId.get(to);
    if (target === undefined) {
      const others = [...byId.keys()].filter((id) => id !== listed.task.id);
      report.add(locations.value(path), path, {
        code: 'ORCH_PLAN_UNKNOWN_TASK',
        message: `there is no task ${quote(to)}`,
        received: to,
        suggestion: nearest(to, others),
      });
    } else if ((target.wave ?? 0) > (listed.wave ?? 0)) {
      report.add(locations.value(path), path, {
        code: 'ORCH_PLAN_WAVE_ORDER',
        message: `${quote(to)} is in a later wave; a task cannot wait for a wave that waits for it`,
      });
    }
  }
}

function checkGates(context: NameContext, gates: readonly string[] | undefined, path: Path): void {
  for (const [index, gate] of (gates ?? []).entries()) {
    if (!context.gateNames.has(gate)) {
      unknown(context, 'ORCH_PLAN_UNKNOWN_GATE', 'gate', gate, context.gateNames, [...path, index]);
    }
  }
}

function checkAgent(context: NameContext, agent: string | undefined, path: Path): void {
  const names = context.agentNames;
  if (agent === undefined || agent === 'claude' || names.has(agent)) return;
  unknown(context, 'ORCH_PLAN_UNKNOWN_AGENT', 'agent', agent, names, path);
}

function unknown(
  { report, locations }: NameContext,
  code: PlanProblemCode,
  kind: string,
  name: string,
  known: ReadonlySet<string>,
  path: Path,
): void {
  report.add(locations.value(path), path, {
    code,
    message: `there is no ${kind} ${quote(name)}; define it under ${kind}s:`,
    expected: known.size === 0 ? undefined : `one of ${[...known].slice(0, 50).join(', ')}`,
    received: name,
    suggestion: nearest(name, known),
  });
}
