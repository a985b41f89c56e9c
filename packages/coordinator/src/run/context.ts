import type { Graph } from '../graph/graph.js';
import type { Journal } from '../journal/journal.js';
import type { Agent, AgentProgress } from '../seams/agent.js';
import type { Clock, Ids } from '../seams/clock.js';
import type { Gate } from '../seams/gate.js';
import type { Setup } from '../seams/setup.js';
import type { Workspace } from '../seams/workspace.js';
import type { AttemptState, TaskState } from '../state/state.js';

/** What the leader of a run works with. */
export interface RunContext {
  readonly graph: Graph;
  readonly journal: Journal;
  readonly agent: Agent;
  readonly workspace: Workspace;
  readonly gate: Gate;
  readonly setup: Setup;
  readonly clock: Clock;
  readonly ids: Ids;
  /** Aborted when the leader stops. What runs is then ended and recorded as lost, to be continued. */
  readonly stop: AbortSignal;
  /** Aborted when the run is cancelled. */
  readonly cancel: AbortSignal;
  /** Aborted when `limits.wall` has passed. What runs is ended as by `stop`; what is verified is still merged. */
  readonly deadline: AbortSignal;
  readonly onProgress: (task: string, attempt: number, progress: AgentProgress) => void;
}

/** Everything that ends a running attempt from outside. */
export const interruption = (
  context: Pick<RunContext, 'stop' | 'cancel' | 'deadline'>,
): AbortSignal => AbortSignal.any([context.stop, context.cancel, context.deadline]);

/** A task that the journal knows. */
export function taskOf(context: RunContext, id: string): TaskState {
  const task = context.journal.state().tasks[id];
  if (!task) throw new Error(`task ${id} is not in the journal`);
  return task;
}

/** An attempt that the journal knows. */
export function attemptOf(context: RunContext, id: string, number: number): AttemptState {
  const attempt = taskOf(context, id).attempts.find((candidate) => candidate.attempt === number);
  if (!attempt) throw new Error(`attempt ${number} of ${id} is not in the journal`);
  return attempt;
}
