import type { Json } from '../json.js';
import { compileGraph } from '../graph/compile-graph.js';
import { isObject } from '../graph/json-kind.js';
import { checkCycles } from './check-cycles.js';
import { checkNames } from './check-names.js';
import { checkPlan } from './check-plan.js';
import { checkShape } from './check-shape.js';
import { checkServers } from './check-servers.js';
import { checkTasks } from './check-tasks.js';
import { findUnused } from './find-unused.js';
import { takeOutReserved } from './not-yet.js';
import { parseYaml } from './parse-yaml.js';
import { formatPath, type Path } from './path.js';
import { readPlanFiles, type PlanSource } from './plan-files.js';
import { mergeParts } from './plan-parts.js';
import type { Plan } from './plan.js';
import { createReport, sortProblems, type PlanProblem, type Report } from './problem.js';
import { guardScalars } from './scalar-guards.js';
import { planSchema } from './schema/plan.js';
import { createSourceText } from './source-text.js';
import { listTasks } from './task-list.js';

/** A plan without a fault, or everything that is wrong with it, by position. */
export type ReadPlanResult =
  | { readonly plan: Plan; readonly warnings: readonly PlanProblem[] }
  | { readonly problems: readonly PlanProblem[] };

/**
 * Reads and checks a plan. It executes nothing, reads only files that the plan names, through
 * `readFile`, and never throws for what a plan may hold. All problems are found at once: whatever is
 * unusable is set aside, and the rest is still checked.
 */
export async function readPlan(source: PlanSource): Promise<ReadPlanResult> {
  const report = createReport();
  const plan = await readChecked(source, report);
  if (plan === undefined || report.problems.length > 0) {
    return { problems: sortProblems(report.problems, source.file) };
  }
  const warnings = createReport();
  findUnused(plan, warnings);
  return { plan, warnings: sortProblems(warnings.problems, source.file) };
}

async function readChecked(source: PlanSource, report: Report): Promise<Plan | undefined> {
  const text = createSourceText(source.file, source.text);
  if (/\.[cm]?[jt]s$/.test(source.file)) {
    report.add(text.spotAt(0), [], {
      code: 'ORCH_PLAN_NOT_YET',
      message:
        'not yet: a plan as a program is reserved and does not work in this version; write YAML or JSON',
    });
    return undefined;
  }
  const parsed = parseYaml(text, report);
  if (parsed === undefined) return undefined;
  guardScalars(parsed.value, parsed.locations, report);
  const rest = takeOutReserved(parsed.value, parsed.locations, report);
  if (rest === undefined) return undefined;
  const shape = checkShape(planSchema, 'plan', rest.document, parsed.locations, report);
  if (shape.document === undefined || report.isFull()) return undefined;

  const { document, locations, isPartial } = await mergeParts(
    source,
    shape.document,
    parsed.locations,
    report,
  );
  const removed = [...rest.removed, ...shape.removed];
  const damaged = new Set(removed.map((path) => formatPath(path.slice(0, -1))));
  const context = { document, locations, report, damaged };
  checkPlan(context);
  checkTasks(context);
  checkServers(context);
  if (!isPartial) {
    const gateNames = namesOf(parsed.value, 'gates', document.gates);
    const agentNames = namesOf(parsed.value, 'agents', document.agents);
    checkNames({ ...context, gateNames, agentNames });
  }
  checkCycles(listTasks(document), locations, report);
  const files = await readPlanFiles(source, document as Json, locations, report);
  const plan: Plan = { file: source.file, document, locations, ...files };
  compileChecked(plan, isPartial ? [...removed, []] : removed, report);
  return plan;
}

/**
 * Compiles for the sake of the problems. Where a definition was set aside, what refers to it would be
 * reported without being wrong: then only those problems count that no definition can cause.
 */
function compileChecked(plan: Plan, removed: readonly Path[], report: Report): void {
  const isWhole = !removed.some(isDefinition);
  const isFirst = report.problems.length === 0;
  const found = createReport();
  compileGraph(plan, {}, plan.file, found);
  for (const problem of found.problems) {
    // A cycle of the graph is one of the tasks, which was reported with its place.
    if (problem.code === 'ORCH_PLAN_CYCLE' && !isFirst) continue;
    if (isWhole || isIndependent(problem, removed)) report.adopt(problem);
  }
}

function isIndependent({ code, path }: PlanProblem, removed: readonly Path[]): boolean {
  if (code === 'ORCH_PLAN_COMMAND' || code === 'ORCH_PLAN_REFERENCE_SYNTAX') return true;
  // Whether a task is a command decides what its output may be.
  const isOfWhole = (gone: Path): boolean =>
    !path.startsWith(`${formatPath(gone.slice(0, -1))}.`) || !WORK.has(String(gone.at(-1)));
  return code === 'ORCH_PLAN_OUTPUT' && removed.every(isOfWhole);
}

const WORK: ReadonlySet<string> = new Set(['prompt', 'run', 'sh']);

/** Names that the plan defines, even where the definition itself was set aside. */
function namesOf(document: Json, section: string, merged: object | undefined): ReadonlySet<string> {
  const raw = isObject(document) ? document[section] : undefined;
  return new Set([...Object.keys(isObject(raw) ? raw : {}), ...Object.keys(merged ?? {})]);
}

/** Whether other parts of a plan build on what stands at a path. */
function isDefinition(path: Path): boolean {
  const [section, ...rest] = path;
  if (section === undefined || section === 'inputs') return true;
  if (section !== 'defaults' && section !== 'tasks' && section !== 'waves') return false;
  const key = rest.find((one) => typeof one === 'string' && one !== 'tasks');
  return key === undefined || DEFINING.has(String(key));
}

/** Keys of a task, and of `defaults`, that give something a name, a type or an edge. */
const DEFINING: ReadonlySet<string> = new Set([
  'id',
  'needs',
  'each',
  'foreach',
  'matrix',
  'as',
  'output',
  'env',
  'inputs',
  'prompt',
  'run',
  'sh',
]);
