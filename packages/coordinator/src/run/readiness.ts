import type { Graph, TaskNode } from '../graph/graph.js';
import type { SkipCause, StopCause } from '../state/event.js';
import type { RunState, TaskState } from '../state/state.js';
import { dependenciesOf, instancesOf } from './instances.js';

/** Why something is not tried. */
export interface Because {
  readonly cause: SkipCause;
  readonly reason: string;
}

/** Why nothing more is tried. */
export interface Stopped extends Because {
  readonly cause: StopCause;
  /** What to change before it can go on. */
  readonly next?: string;
}

/** Why no further attempt may start at all, if so. */
export function stopReason(
  graph: Graph,
  state: RunState,
  nodes: ReadonlyMap<string, TaskNode>,
  overtime: boolean,
): Stopped | undefined {
  if (state.cancelled) return { cause: 'cancelled', reason: `cancelled by ${state.cancelled.by}` };
  const raise = (limit: string): string =>
    `raise ${limit} in ${graph.source}, then: orch resume ${state.run} --plan ${shellWord(graph.source)}`;
  if (overtime)
    return {
      cause: 'budget',
      reason: 'the time limit of the run (limits.wall) has passed',
      next: raise('limits.wall'),
    };
  if (
    graph.limits.usd !== undefined &&
    state.mode === 'run' &&
    state.usd.known >= graph.limits.usd
  ) {
    return {
      cause: 'budget',
      reason: `the run's budget of $${graph.limits.usd.toFixed(2)} is spent ($${state.usd.known.toFixed(2)})`,
      next: raise('limits.usd'),
    };
  }
  for (const task of Object.values(state.tasks)) {
    if (task.phase === 'ended' && isFailure(task) && nodes.get(task.node)?.onFailure === 'stop') {
      return {
        cause: 'stopped',
        reason: `${task.label} ended ${task.verdict ?? 'failed'} and stops the run (on_failure: stop)`,
      };
    }
  }
  return undefined;
}

/** A text as one argument of a shell. */
const shellWord = (text: string): string =>
  /^[\w./:=@%+-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;

/** It was tried and did not succeed. */
export const isFailure = (task: TaskState): boolean =>
  task.phase === 'ended' && task.verdict !== 'succeeded' && task.verdict !== 'skipped';

type Readiness =
  { readonly kind: 'wait' } | { readonly kind: 'ready' } | ({ readonly kind: 'skip' } & Because);

export function readiness(
  node: TaskNode,
  task: TaskState,
  nodes: ReadonlyMap<string, TaskNode>,
  state: RunState,
): Readiness {
  for (const id of node.after) {
    const barrier = state.barriers[id];
    if (barrier && !barrier.passed)
      return {
        kind: 'skip',
        cause: 'barrier',
        reason: `${id} was not passed: ${barrier.reason ?? 'it failed'}`,
      };
  }
  const dependencies = dependenciesOf(node, task, nodes, state);
  for (const { task: needed, fanOut } of dependencies.tasks) {
    if (needed.phase !== 'ended') continue;
    const policy = nodes.get(needed.node)?.onFailure ?? 'block';
    if (isFailure(needed) && policy !== 'continue') {
      return {
        kind: 'skip',
        cause: 'dependency',
        reason: `${needed.label} ended ${needed.verdict ?? 'failed'}`,
      };
    }
    // One item of many that its condition left out does not hold up those who need the others.
    if (needed.verdict === 'skipped' && !fanOut)
      return { kind: 'skip', cause: 'dependency', reason: `${needed.label} was skipped` };
  }
  const passed = node.after.every((id) => state.barriers[id]?.passed === true);
  return dependencies.ready && passed ? { kind: 'ready' } : { kind: 'wait' };
}

/** A fan-out is expanded when what its list comes from is there, and skipped when that will never be. */
export function expansionOf(
  node: TaskNode,
  nodes: ReadonlyMap<string, TaskNode>,
  state: RunState,
): { readonly skip?: Because } | undefined {
  if (node.fanOut?.kind === 'each')
    return state.expansions[node.fanOut.of] === undefined ? undefined : {};
  for (const id of node.after) {
    const barrier = state.barriers[id];
    if (!barrier) return undefined;
    if (!barrier.passed)
      return {
        skip: {
          cause: 'barrier',
          reason: `${id} was not passed: ${barrier.reason ?? 'it failed'}`,
        },
      };
  }
  for (const id of node.needs) {
    const needed = nodes.get(id);
    const instances = needed && instancesOf(needed, state);
    if (!needed || !instances?.every((task) => task.phase === 'ended')) return undefined;
    for (const task of instances) {
      if (isFailure(task) && needed.onFailure !== 'continue') {
        return {
          skip: { cause: 'dependency', reason: `${task.label} ended ${task.verdict ?? 'failed'}` },
        };
      }
      if (task.verdict === 'skipped' && task.item === undefined) {
        return { skip: { cause: 'dependency', reason: `${task.label} was skipped` } };
      }
    }
  }
  return {};
}
