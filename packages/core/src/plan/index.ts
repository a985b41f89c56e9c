/**
 * Reading a plan file from disk into a compiled graph.
 *
 * @module
 */
export { loadPlan } from './load-plan.js';
export type { LoadedPlan } from './load-plan.js';
export { formatProblem } from '@orch/coordinator/plan';
