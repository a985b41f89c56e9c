/**
 * The state of a run as a pure fold over its journal, with no import of Node: the same code serves
 * resume, the CLI, the server and a browser.
 *
 * ```ts
 * import { emptyState, reduce, summarize } from '@orch/coordinator/state';
 * const state = events.reduce(reduce, emptyState);
 * console.log(summarize(state).line);
 * ```
 *
 * Guarantees: deterministic; events of unknown types are ignored; every released journal folds for ever.
 *
 * @module
 */
export { emptyState, reduce } from './reduce.js';
export { summarize } from './summary.js';
export type { Summary } from './summary.js';
export { judge } from './verdict.js';
export type { Evidence, Judgement, TaskVerdict } from './verdict.js';
export type { AttemptState, GateCheck, MergeState, RunState, TaskState } from './state.js';
export type {
  AttemptMode,
  Command,
  Event,
  EventBodies,
  EventType,
  Item,
  NewEvent,
  RunOutcome,
  SkipCause,
  StopCause,
  UnknownEvent,
} from './event.js';
