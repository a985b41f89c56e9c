import { checkGlob } from '../plan/check-glob.js';
import { quote } from '../plan/describe.js';
import { parseDurationMs } from '../plan/duration.js';
import type { Plan } from '../plan/plan.js';
import type { Report } from '../plan/problem.js';
import { compileAgent, type AgentCommands } from './compile-agent.js';
import { describeType } from './check-reference.js';
import { compileCommand } from './compile-command.js';
import { compileCondition } from './compile-condition.js';
import { compileFanOut, type CompiledFanOut } from './compile-fan-out.js';
import { compileInputs, type TaskInputs } from './compile-inputs.js';
import { compileServers } from './compile-servers.js';
import { compileText, compileValue } from './compile-template.js';
import type { AgentSettings, FanOut, TaskNode } from './graph.js';
import { isObject } from './json-kind.js';
import {
  noteUse,
  placeOf,
  type ItemName,
  type Namespace,
  type RootKind,
  type Use,
} from './namespace.js';
import type { Condition, Template } from './reference.js';
import type { TaskEntry, TaskTable } from './task-table.js';
import { TASK_DEFAULTS } from './task-defaults.js';
import { kindsOf, type ValueType } from './value-type.js';

export interface TaskContext {
  readonly plan: Plan;
  readonly report: Report;
  readonly table: TaskTable;
  readonly inputs: ValueType;
  readonly agentCommands: AgentCommands;
  /** See `findOrigins`. */
  readonly origins: ReadonlyMap<TaskEntry, TaskEntry>;
  /** Fan-outs over lists, compiled once for themselves and for the tasks paired with them. */
  readonly fanOuts: Map<TaskEntry, CompiledFanOut | undefined>;
}

export interface CompiledTask {
  readonly node: TaskNode;
  /** Outputs of other tasks that flow into it. */
  readonly uses: readonly Use[];
}

const VALUES: readonly RootKind[] = ['inputs', 'matrix', 'run', 'env', 'item', 'task'];

/** One task as a node, without its waves and its trust, which need the whole graph. */
export function compileTask(context: TaskContext, entry: TaskEntry): CompiledTask {
  const { plan, report, table } = context;
  const { task, path } = entry;
  const defaults = plan.document.defaults ?? {};
  const env = { ...defaults.env, ...task.env };
  const uses: Use[] = [];
  const outside: Namespace = {
    plan,
    report,
    table,
    self: entry,
    isInside: false,
    inputs: context.inputs,
    env: Object.keys(env),
    item: undefined,
    values: new Map(),
    uses,
  };
  const fanOut = fanOutOf(context, entry, outside);
  const inside: Namespace = { ...outside, isInside: true, item: itemOf(context, entry, outside) };
  const inputs = compileInputs(inside);
  const isFlow = task.session === 'continue';
  for (const of of isFlow ? (task.each === undefined ? (task.needs ?? []) : [task.each]) : []) {
    // A conversation that goes on carries everything that was said in it.
    uses.push({ of, isStrict: false });
  }
  const prompt = compilePrompt(inside, inputs);
  const condition = compileIf(inside);
  const writes = compileWrites(inside);
  const wave = entry.wave === undefined ? undefined : plan.document.waves?.[entry.wave]?.name;
  const { file, line, column } = plan.locations.value(path);
  const timeoutMs = durationOf(task.timeout ?? defaults.timeout) ?? TASK_DEFAULTS.timeoutMs;
  const idleMs = durationOf(task.idle ?? defaults.idle);
  const effect = task.effect ?? (entry.isCommand && writes === undefined ? 'none' : 'diff');
  const node: TaskNode = {
    kind: 'task',
    id: entry.id,
    ...(task.title === undefined ? {} : { title: task.title }),
    order: entry.order,
    ...(wave === undefined ? {} : { wave }),
    needs: entry.needs,
    after: [],
    ...(fanOut === undefined ? {} : { fanOut }),
    ...(condition === undefined ? {} : { if: condition }),
    agent: entry.isCommand ? commandAgent(inside) : compileAgent(plan, task, context.agentCommands),
    ...(prompt === undefined ? {} : { prompt }),
    inputs: inputs.templates,
    effect,
    ...(entry.output === undefined ? {} : { output: entry.output }),
    ...(writes === undefined ? {} : { writes }),
    writesOutside: task.writes_outside ?? defaults.writes_outside ?? TASK_DEFAULTS.writesOutside,
    gates: [...new Set(task.gates ?? [])],
    base: task.base ?? defaults.base ?? TASK_DEFAULTS.base,
    session: task.session ?? 'new',
    isolation:
      (task.isolation ?? (entry.isCommand ? defaults.isolation : undefined)) === 'none'
        ? 'none'
        : 'clone',
    locks: [...new Set(task.locks ?? [])],
    env,
    timeoutMs,
    idleMs: idleMs ?? (entry.isCommand ? timeoutMs : Math.min(TASK_DEFAULTS.idleMs, timeoutMs)),
    retry: {
      transient:
        task.retry?.transient ?? defaults.retry?.transient ?? TASK_DEFAULTS.retry.transient,
      gate: task.retry?.gate ?? defaults.retry?.gate ?? TASK_DEFAULTS.retry.gate,
    },
    onFailure: task.on_failure ?? defaults.on_failure ?? TASK_DEFAULTS.onFailure,
    denials: task.denials ?? defaults.denials ?? TASK_DEFAULTS.denials,
    trust: 'trusted',
    at: { file, line, column },
  };
  return { node, uses };
}

function fanOutOf(
  context: TaskContext,
  entry: TaskEntry,
  namespace: Namespace,
): FanOut | undefined {
  const { task, path } = entry;
  if (task.each === undefined) {
    const found = listFanOut(context, entry, namespace);
    if (found) noteUse(namespace, found.item.sources, found.item.type);
    return found?.fanOut;
  }
  const target = context.table.get(task.each);
  if (target === undefined) return undefined;
  if (target.isFanOut) return { kind: 'each', of: target.id };
  const at = [...path, 'each'];
  context.report.add(context.plan.locations.value(at), at, {
    code: 'ORCH_PLAN_FAN_OUT',
    message: `${quote(target.id)} runs once; write needs: [${target.id}]`,
    suggestion: `needs: [${target.id}]`,
  });
  return undefined;
}

/** The item of the list that this task, or the first task it is paired with, goes over. */
function itemOf(context: TaskContext, entry: TaskEntry, outside: Namespace): ItemName | undefined {
  const origin = context.origins.get(entry) ?? entry;
  const env = { ...context.plan.document.defaults?.env, ...origin.task.env };
  return listFanOut(context, origin, { ...outside, self: origin, env: Object.keys(env) })?.item;
}

/** Compiled once, by whoever asks first; what it uses is noted by the fan-out task alone. */
function listFanOut(
  { fanOuts }: TaskContext,
  origin: TaskEntry,
  namespace: Namespace,
): CompiledFanOut | undefined {
  if (!fanOuts.has(origin)) fanOuts.set(origin, compileFanOut({ ...namespace, uses: [] }));
  return fanOuts.get(origin);
}

function compilePrompt(namespace: Namespace, inputs: TaskInputs): Template | undefined {
  const { self, plan } = namespace;
  const { prompt } = self.task;
  if (prompt === undefined) return undefined;
  const allowed: readonly RootKind[] = [...VALUES, 'with'];
  const inner: Namespace = { ...namespace, values: inputs.types };
  if (typeof prompt === 'string') {
    const at = [...self.path, 'prompt'];
    return compileText(inner, prompt, placeOf(plan, at, prompt, { allowed })).template;
  }
  const source = plan.prompts.get(prompt.file);
  if (source === undefined) return undefined;
  const path = [...self.path, 'prompt', 'file'];
  return compileText(inner, source.text, { path, spotAt: source.spotAt, allowed }).template;
}

function compileIf(namespace: Namespace): Condition | undefined {
  const { self, plan } = namespace;
  const condition = self.task.if;
  if (condition === undefined) return undefined;
  if (typeof condition === 'boolean') return { op: 'literal', value: condition };
  const at = [...self.path, 'if'];
  const allowed: readonly RootKind[] = ['inputs', 'matrix', 'run', 'item', 'task'];
  return compileCondition(namespace, condition, placeOf(plan, at, condition, { allowed }));
}

function compileWrites(namespace: Namespace): Template | undefined {
  const { self, plan, report } = namespace;
  const { writes } = self.task;
  if (writes === undefined) return undefined;
  const at = [...self.path, 'writes'];
  const { template, type } = compileValue(namespace, writes, at, { allowed: VALUES });
  const items: ValueType = isObject(type['items']) ? type['items'] : {};
  const isList = kindsOf(type)?.includes('array') ?? false;
  const kinds = kindsOf(isList ? items : type);
  if (kinds !== undefined && !kinds.includes('string')) {
    const message = `expected globs, received ${describeType(kinds)}`;
    report.add(plan.locations.value(at), at, { code: 'ORCH_PLAN_REFERENCE_TYPE', message });
  }
  if (template.kind !== 'literal') return template;
  if (typeof template.value !== 'string') return template;
  checkGlob(template.value, at, plan.locations, report);
  return { kind: 'literal', value: [template.value] };
}

function commandAgent(namespace: Namespace): AgentSettings {
  const { self, plan, report } = namespace;
  const command = compileCommand({ plan, report, namespace }, self.task, self.path);
  const expect = self.task.expect ?? 'zero';
  return {
    driver: 'command',
    project: 'none',
    command: { argv: command?.argv ?? [], shell: command?.shell ?? false, expect },
    // Its own only: `defaults` shape agents, and a token is for who asks for it.
    ...compileServers([self.task]),
  };
}

function durationOf(text: string | undefined): number | undefined {
  return text === undefined ? undefined : parseDurationMs(text);
}
