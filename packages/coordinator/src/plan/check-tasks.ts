import { checkGlob } from './check-glob.js';
import { listWords, quote } from './describe.js';
import type { Locations } from './locations.js';
import { formatPath, type Path } from './path.js';
import type { PlanProblemCode, Report } from './problem.js';
import type { AgentDocument, PlanDocument, TaskDocument } from './schema/plan.js';
import { listTasks, tasksById, type ListedTask } from './task-list.js';

/** Keys that only shape an agent. */
const AGENT_KEYS = [
  'agent',
  'model',
  'effort',
  'tools',
  'allow',
  'deny',
  'system',
  'turns',
  'usd',
  'session',
  'denials',
  'project',
] as const;

interface Context {
  readonly document: PlanDocument;
  readonly locations: Locations;
  readonly report: Report;
  /** Paths that lost a key to another problem: that something is missing there is no further one. */
  readonly damaged: ReadonlySet<string>;
}

/** Checks which keys of a task go together. */
export function checkTasks(context: Context): void {
  const tasks = listTasks(context.document);
  const byId = tasksById(tasks);
  for (const listed of tasks) {
    if (context.report.isFull()) return;
    checkWork(context, listed);
    checkFanOut(context, listed);
    checkSession(context, listed, byId);
    checkEffect(context, listed);
  }
}

function refuse(context: Context, path: Path, code: PlanProblemCode, message: string): void {
  context.report.add(context.locations.key(path), path, { code, message });
}

function checkWork(context: Context, { task, path }: ListedTask): void {
  const given = (['prompt', 'run', 'sh'] as const).filter((key) => task[key] !== undefined);
  const [first, second] = given;
  if (first === undefined && !context.damaged.has(formatPath(path))) {
    context.report.add(context.locations.value(path), path, {
      code: 'ORCH_PLAN_MISSING_KEY',
      message: `the task ${quote(task.id)} has nothing to do; expected one of prompt, run or sh`,
      expected: 'one of prompt, run or sh',
    });
  }
  if (second !== undefined) {
    const message = `expected one of prompt, run or sh, received ${listWords(given, 'and')}`;
    refuse(context, [...path, second], 'ORCH_PLAN_CONFLICTING_KEYS', message);
  }
  const isCommand = task.prompt === undefined && first !== undefined;
  if (isCommand) {
    for (const key of AGENT_KEYS.filter((one) => task[one] !== undefined)) {
      const message = `${key}: has no meaning for a command; it shapes agents`;
      refuse(context, [...path, key], 'ORCH_PLAN_CONFLICTING_KEYS', message);
    }
  } else if (task.expect !== undefined) {
    const message = 'expect: has no meaning for a prompt; it is about the exit code of a command';
    refuse(context, [...path, 'expect'], 'ORCH_PLAN_CONFLICTING_KEYS', message);
  } else {
    checkAgentOf(context, task, path);
  }
}

/** Settings of a model mean nothing to an agent that is a command. */
function checkAgentOf(context: Context, task: TaskDocument, path: Path): void {
  const name = task.agent ?? context.document.defaults?.agent ?? 'claude';
  const agents: { readonly [name: string]: AgentDocument } = context.document.agents ?? {};
  if (!Object.hasOwn(agents, name) || agents[name]?.use !== 'command') return;
  for (const key of ['model', 'effort', 'tools', 'allow', 'deny', 'system', 'turns'] as const) {
    if (task[key] === undefined) continue;
    const message = `${key}: has no meaning for ${quote(name)}, which is a command`;
    refuse(context, [...path, key], 'ORCH_PLAN_CONFLICTING_KEYS', message);
  }
}

function checkFanOut(context: Context, { task, path }: ListedTask): void {
  const given = (['each', 'foreach', 'matrix'] as const).filter((key) => task[key] !== undefined);
  const [, second] = given;
  if (second !== undefined) {
    const message = `expected one of each, foreach or matrix, received ${listWords(given, 'and')}`;
    refuse(context, [...path, second], 'ORCH_PLAN_CONFLICTING_KEYS', message);
  }
  const owners = { as: ['foreach'], key: ['foreach', 'matrix'], max: ['foreach'] } as const;
  for (const key of ['as', 'key', 'max'] as const) {
    const isOwned = owners[key].some((owner) => task[owner] !== undefined);
    if (task[key] === undefined || isOwned) continue;
    const message = `${key}: belongs to ${listWords(owners[key])}:, which this task does not have`;
    refuse(context, [...path, key], 'ORCH_PLAN_FAN_OUT', message);
  }
}

function checkSession(
  context: Context,
  { task, path }: ListedTask,
  byId: ReadonlyMap<string, ListedTask>,
): void {
  if (task.session !== 'continue') return;
  const [only, ...more] = task.needs ?? [];
  const of = task.each ?? (more.length === 0 ? only : undefined);
  const at = [...path, 'session'];
  if (of === undefined) {
    const message =
      'session: continue needs each:, or needs: with one task, to know which conversation';
    refuse(context, at, 'ORCH_PLAN_CONFLICTING_KEYS', message);
    return;
  }
  const target = byId.get(of)?.task;
  if (target === undefined) return;
  if (target.prompt === undefined) {
    const message = `session: continue: ${quote(of)} has no conversation, it is a command`;
    refuse(context, at, 'ORCH_PLAN_CONFLICTING_KEYS', message);
  } else if (task.each === undefined && isFanOut(target)) {
    const message = `session: continue: ${quote(of)} is many conversations; use each: ${of}`;
    refuse(context, at, 'ORCH_PLAN_CONFLICTING_KEYS', message);
  }
}

export function isFanOut(task: TaskDocument): boolean {
  return task.foreach !== undefined || task.matrix !== undefined || task.each !== undefined;
}

function checkEffect(context: Context, { task, path }: ListedTask): void {
  if (task.effect === 'none' && task.writes !== undefined) {
    const message = 'effect: none and writes: contradict each other';
    refuse(context, [...path, 'writes'], 'ORCH_PLAN_CONFLICTING_KEYS', message);
  }
  if (task.writes_outside !== undefined && task.writes === undefined) {
    const message = 'writes_outside: has no meaning without writes:';
    refuse(context, [...path, 'writes_outside'], 'ORCH_PLAN_CONFLICTING_KEYS', message);
  }
  const shows = task.output !== undefined || (task.gates ?? []).length > 0;
  const isDamaged = context.damaged.has(formatPath(path));
  if (task.prompt !== undefined && task.effect === 'none' && !shows && !isDamaged) {
    const message = `nothing could show that ${quote(task.id)} succeeded; give it an output: or gates:`;
    refuse(context, [...path, 'effect'], 'ORCH_PLAN_EFFECT', message);
  }
  for (const [index, glob] of (Array.isArray(task.writes) ? task.writes : []).entries()) {
    checkGlob(glob, [...path, 'writes', index], context.locations, context.report);
  }
}
