import { checkGlob } from './check-glob.js';
import { listWords, quote } from './describe.js';
import type { Locations } from './locations.js';
import { formatPath, type Path } from './path.js';
import { pathFault } from './plan-files.js';
import type { PlanProblemCode, Report } from './problem.js';
import type { PlanDocument } from './schema/plan.js';

interface Context {
  readonly document: PlanDocument;
  readonly locations: Locations;
  readonly report: Report;
  /** Paths that lost a key to another problem: that something is missing there is no further one. */
  readonly damaged: ReadonlySet<string>;
}

/** Checks which keys outside the tasks go together, and the names of files and branches. */
export function checkPlan(context: Context): void {
  checkForm(context);
  checkDefinitions(context);
  checkInputs(context);
  checkDelivery(context);
  const { document } = context;
  for (const [index, path] of (document.workspace?.copy ?? []).entries()) {
    checkPath(context, path, ['workspace', 'copy', index]);
  }
  for (const [name, gate] of Object.entries(document.gates ?? {})) {
    for (const [index, path] of (gate.protect ?? []).entries()) {
      checkGlob(path, ['gates', name, 'protect', index], context.locations, context.report);
    }
  }
}

function refuse(
  { report, locations }: Context,
  path: Path,
  code: PlanProblemCode,
  message: string,
): void {
  report.add(locations.key(path), path, { code, message });
}

function checkForm(context: Context): void {
  const { document } = context;
  if (document.tasks !== undefined && document.waves !== undefined) {
    const message = 'expected tasks: or waves:, received both';
    refuse(context, ['waves'], 'ORCH_PLAN_CONFLICTING_KEYS', message);
  }
  const isEmpty = document.tasks === undefined && document.waves === undefined;
  if (isEmpty && !context.damaged.has('')) {
    const message = 'the plan has no tasks; expected tasks: or waves:';
    context.report.add(context.locations.value([]), [], { code: 'ORCH_PLAN_MISSING_KEY', message });
  }
  for (const [index, wave] of (document.waves ?? []).entries()) {
    const barrier = wave.barrier ?? 'integrate';
    if (barrier === 'integrate' || (wave.gates ?? []).length === 0) continue;
    const message = `gates of a wave check its merged tree; barrier: ${barrier} merges nothing`;
    refuse(context, ['waves', index, 'gates'], 'ORCH_PLAN_CONFLICTING_KEYS', message);
  }
}

function checkDefinitions(context: Context): void {
  for (const [name, gate] of Object.entries(context.document.gates ?? {})) {
    checkCommand(context, gate, ['gates', name], `the gate ${quote(name)}`);
  }
  for (const [name, agent] of Object.entries(context.document.agents ?? {})) {
    const path = ['agents', name];
    if (agent.use === 'command') {
      checkCommand(context, agent, path, `the agent ${quote(name)}`);
      for (const key of ['model', 'effort', 'tools', 'allow', 'deny', 'system', 'turns'] as const) {
        if (agent[key] === undefined) continue;
        const message = `${key}: has no meaning for an agent that is a command`;
        refuse(context, [...path, key], 'ORCH_PLAN_CONFLICTING_KEYS', message);
      }
      continue;
    }
    if (agent.use !== 'claude') {
      context.report.add(context.locations.value([...path, 'use']), [...path, 'use'], {
        code: 'ORCH_PLAN_WRONG_VALUE',
        message: `expected claude or command, received ${quote(agent.use)}`,
        expected: 'claude or command',
        received: agent.use,
      });
    }
    for (const key of ['run', 'sh', 'expect'] as const) {
      if (agent[key] === undefined) continue;
      const message = `${key}: belongs to use: command`;
      refuse(context, [...path, key], 'ORCH_PLAN_CONFLICTING_KEYS', message);
    }
  }
}

function checkCommand(
  context: Context,
  owner: { readonly run?: unknown; readonly sh?: unknown },
  path: Path,
  what: string,
): void {
  if (owner.run !== undefined && owner.sh !== undefined) {
    const message = `expected run or sh, received both`;
    refuse(context, [...path, 'sh'], 'ORCH_PLAN_CONFLICTING_KEYS', message);
  }
  const isEmpty = owner.run === undefined && owner.sh === undefined;
  if (isEmpty && !context.damaged.has(formatPath(path))) {
    const message = `${what} has no command; expected run or sh`;
    context.report.add(context.locations.key(path), path, {
      code: 'ORCH_PLAN_MISSING_KEY',
      message,
    });
  }
}

function checkInputs(context: Context): void {
  const seen = new Map<string, string>();
  for (const [name, input] of Object.entries(context.document.inputs ?? {})) {
    const path = ['inputs', name];
    if (input.default !== undefined && typeof input.default !== input.type) {
      context.report.add(context.locations.value([...path, 'default']), [...path, 'default'], {
        code: 'ORCH_PLAN_WRONG_TYPE',
        message: `expected a default of type ${input.type}, received a ${typeof input.default}`,
      });
    }
    if (input.default !== undefined && input.required === true) {
      const message = 'an input with a default is never missing; drop required: or default:';
      refuse(context, [...path, 'required'], 'ORCH_PLAN_CONFLICTING_KEYS', message);
    }
    const other = seen.get(name.toLowerCase());
    if (other !== undefined) {
      const message = `${quote(name)} and ${quote(other)} differ in case only`;
      refuse(context, path, 'ORCH_PLAN_DUPLICATE_NAME', message);
    }
    seen.set(name.toLowerCase(), name);
  }
}

function checkDelivery(context: Context): void {
  const deliver = context.document.deliver ?? {};
  const given = (['branch', 'merge'] as const).filter((key) => deliver[key] !== undefined);
  if (given.length > 1) {
    const message = `expected branch or merge, received ${listWords(given, 'and')}`;
    refuse(context, ['deliver', 'merge'], 'ORCH_PLAN_CONFLICTING_KEYS', message);
  }
  for (const key of given) {
    const branch = deliver[key] ?? '';
    if (isBranchName(branch)) continue;
    context.report.add(context.locations.value(['deliver', key]), ['deliver', key], {
      code: 'ORCH_PLAN_WRONG_VALUE',
      message: `expected a branch name that git accepts, received ${quote(branch)}`,
    });
  }
}

/** The rules of `git check-ref-format --branch`. */
function isBranchName(name: string): boolean {
  if (/[\s~^:?*[\\\p{Cc}]|\.\.|@\{|\/\/|^[-/]|[/.]$/u.test(name) || name === '@') return false;
  return name.split('/').every((part) => !part.startsWith('.') && !part.endsWith('.lock'));
}

function checkPath(context: Context, path: string, at: Path): void {
  const fault = pathFault(path);
  if (fault === undefined) return;
  context.report.add(context.locations.value(at), at, {
    code: 'ORCH_PLAN_FILE_PATH',
    message: fault,
  });
}
