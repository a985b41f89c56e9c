/**
 * Runs a plan of coding agents and keeps the only truth about it: graph, schedule, journal, verdicts,
 * resume. It starts no process and touches no git itself; what it needs is handed in as small
 * interfaces ({@link CoordinatorParts}).
 *
 * ```ts
 * const coordinator = createCoordinator({ orchDirectory, agent, workspace, gate, setup, clock, ids, owners, version });
 * const state = await coordinator.start({ graph, base, branch: 'main', mode: 'run', parallel: 4 });
 * console.log(summarize(state).line);
 * ```
 *
 * Guarantees: each step is on disk before the next begins; no finished attempt runs again, whenever
 * the process dies; one leader per run; verdicts come from effects, outputs and gates alone.
 * It does not isolate agents, meter money or deliver over a network: that is the parts' work.
 *
 * @module
 */
export { createCoordinator } from './run/coordinator.js';
export type {
  Coordinator,
  CoordinatorParts,
  ResumeOptions,
  RunObserver,
  StartOptions,
} from './run/coordinator.js';
export { decide } from './run/decide.js';
export type { Action, Capacity } from './run/decide.js';
export type { Because } from './run/readiness.js';
export { nodeOfInstance } from './run/instances.js';
export { isDiskFull } from './disk-full.js';
export { readRunPlan } from './journal/run-plan.js';
export { readJournal } from './journal/journal.js';
export { sendCommand } from './journal/inbox.js';
export { runLayout } from './journal/layout.js';
export type { RunLayout } from './journal/layout.js';
export { CoordinatorError } from './errors.js';
export type { CoordinatorErrorCode } from './errors.js';
export type { Json, JsonObject } from './json.js';
export type {
  AgentSettings,
  BarrierNode,
  CommandSpec,
  FanOut,
  GateNode,
  GateSpec,
  Graph,
  MergeNode,
  Node,
  OutputSpec,
  Position,
  ServerUse,
  SetupSpec,
  TaskNode,
} from './graph/graph.js';
export type {
  Agent,
  AgentDenial,
  AgentEnd,
  AgentOutcome,
  AgentProgress,
  AgentRequest,
  AgentSpent,
  AgentUsage,
} from './seams/agent.js';
export type { Clock, Ids } from './seams/clock.js';
export type { Gate, GateResult, Receipt } from './seams/gate.js';
export type { Owner, Owners } from './seams/owner.js';
export type { Setup } from './seams/setup.js';
export type {
  Captured,
  ChangedFile,
  Delivered,
  Delivery,
  DeliveryIntent,
  Fingerprint,
  ForeignChange,
  Merged,
  Prepared,
  Workspace,
} from './seams/workspace.js';
