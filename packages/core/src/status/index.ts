/**
 * Reading runs without leading them: cheap enough for a cold command.
 *
 * @module
 */
export { cancelRun, findRepositoryRoot, findRun, listRuns, readGraph, readRun } from './runs.js';
export type { RunRecord } from './runs.js';
export { explainTask, findTask } from './why.js';
export type { Explanation } from './why.js';
export { attemptLog } from './log.js';
export { summarize } from '@orch/coordinator/state';
export type { AttemptState, Event, RunState, Summary, TaskState } from '@orch/coordinator/state';
