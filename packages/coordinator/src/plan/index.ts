/**
 * Plans: from the text of `orch.yaml` to the graph that is run, with every mistake found at once and
 * shown where it is.
 *
 * ```ts
 * import { readFile } from 'node:fs/promises';
 * import { compilePlan, formatProblem, readPlan } from '@orch/coordinator/plan';
 *
 * const text = await readFile('orch.yaml', 'utf8');
 * const read = await readPlan({ file: 'orch.yaml', text, readFile: (path) => readFile(path, 'utf8') });
 * const result = 'plan' in read ? compilePlan(read.plan, { inputs: { label: 'bug' } }) : read;
 * if ('problems' in result) console.error(result.problems.map(formatProblem).join('\n'));
 * else console.log(result.graph.hash);
 * ```
 *
 * Guarantees: a key that does not work is an error, never ignored; every problem has a file, a line
 * and a column, in prompt files too; nothing is executed; size, depth and work are bounded, whatever
 * the text; inserted values are never expanded again.
 * It does not run anything, and it does not know settings, credentials or git.
 *
 * @module
 */
export { readPlan } from './read-plan.js';
export type { ReadPlanResult } from './read-plan.js';
export type { Plan, SchemaFile } from './plan.js';
export type { PlanSource } from './plan-files.js';
export type { PlanProblem, PlanProblemCode } from './problem.js';
export { formatProblem } from './format-problem.js';
export { planJsonSchema } from './json-schema.js';
export { joinCommand, splitCommand } from './split-command.js';
export type { SplitCommand } from './split-command.js';
export { compilePlan } from '../graph/compile-plan.js';
export type { CompileOptions } from '../graph/compile-plan.js';
export { explainGraph, showTask } from '../graph/explain.js';
export type { NodeExplanation, ShownTask, WaitReason } from '../graph/explain.js';
export type { Graph } from '../graph/graph.js';
