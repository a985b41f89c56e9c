import type { Plan } from '../plan/plan.js';
import { createReport, sortProblems, type PlanProblem } from '../plan/problem.js';
import { compileGraph } from './compile-graph.js';
import type { Graph } from './graph.js';
import { coerceInputs } from './graph-inputs.js';

/** What a plan is compiled with. */
export interface CompileOptions {
  /** Values of `--input name=value`, as texts. */
  readonly inputs?: { readonly [name: string]: string };
  /** Kept in the graph for people: where the plan came from. Default: the plan's file. */
  readonly source?: string;
}

/**
 * Compiles a plan to the graph that is run: defaults applied, agents resolved, waves turned into
 * edges, every reference parsed and checked. The same plan and inputs give the same graph and hash.
 * After `readPlan`, only `inputs` can be at fault.
 */
export function compilePlan(
  plan: Plan,
  options: CompileOptions = {},
): { readonly graph: Graph } | { readonly problems: readonly PlanProblem[] } {
  const report = createReport();
  const inputs = coerceInputs(plan, options.inputs ?? {}, report);
  const graph = compileGraph(plan, inputs, options.source ?? plan.file, report);
  if (report.problems.length === 0) return { graph };
  return { problems: sortProblems(report.problems, plan.file) };
}
