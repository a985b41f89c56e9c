/**
 * Reading a plan file from disk into a compiled graph, and looking at it.
 *
 * @module
 */
export { loadPlan } from './load-plan.js';
export type { LoadedPlan } from './load-plan.js';
export { explainGraph, formatProblem, showTask } from '@orch/coordinator/plan';
export type { NodeExplanation, ShownTask } from '@orch/coordinator/plan';
