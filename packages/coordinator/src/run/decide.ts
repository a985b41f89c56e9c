import type { BarrierNode, GateNode, Graph, MergeNode, TaskNode } from '../graph/graph.js';
import type { AttemptMode, StopCause } from '../state/event.js';
import type { AttemptState, RunState, TaskState } from '../state/state.js';
import { instancesOf, taskNodes } from './instances.js';
import { nextAttempt } from './next-attempt.js';
import { expansionOf, isFailure, readiness, stopReason, type Because } from './readiness.js';

/** Something to start now. `id` is unique among what can be in flight at one time. */
export type Action =
  /** Its list is known now; with `skip`, it never will be. */
  | {
      readonly kind: 'expand';
      readonly id: string;
      readonly node: TaskNode;
      readonly skip?: Because;
    }
  | { readonly kind: 'skip'; readonly id: string; readonly task: string; readonly because: Because }
  /** Everything it waits for is there; the condition is checked when it starts. */
  | {
      readonly kind: 'attempt';
      readonly id: string;
      readonly node: TaskNode;
      readonly task: string;
      readonly mode: AttemptMode;
      readonly nth: number;
    }
  /** An attempt that a dead leader left unfinished. */
  | {
      readonly kind: 'recover';
      readonly id: string;
      readonly node: TaskNode;
      readonly task: string;
    }
  | {
      readonly kind: 'fail';
      readonly id: string;
      readonly task: string;
      readonly verdict: NonNullable<TaskState['verdict']>;
      readonly reasons: readonly string[];
      readonly cause?: StopCause;
    }
  | { readonly kind: 'merge'; readonly id: string; readonly node: MergeNode }
  | { readonly kind: 'gate'; readonly id: string; readonly node: GateNode }
  | {
      readonly kind: 'barrier';
      readonly id: string;
      readonly node: BarrierNode;
      readonly failed: string | undefined;
    }
  | { readonly kind: 'deliver'; readonly id: string }
  | { readonly kind: 'end'; readonly id: string; readonly next?: string };

/** What limits starting, beside the record. */
export interface Capacity {
  readonly inFlight: ReadonlySet<string>;
  readonly parallel: number;
  /** The leader is stopping: no new attempt starts. */
  readonly draining: boolean;
  /** The run's wall-clock limit has passed. */
  readonly overtime: boolean;
}

/**
 * The whole scheduler: from the record and the capacity to what starts now. Pure, and the same for a
 * fresh run and a resumed one. It knows edges, locks, slots and budgets; it does not know waves.
 */
export function decide(graph: Graph, state: RunState, capacity: Capacity): readonly Action[] {
  const nodes = taskNodes(graph);
  const actions: Action[] = [];
  const add = (action: Action): void => {
    if (!capacity.inFlight.has(action.id)) actions.push(action);
  };
  const running = Object.values(state.tasks).filter((task) => task.phase === 'running');
  const heldLocks = new Set(running.flatMap((task) => nodes.get(task.node)?.locks ?? []));
  const starting = [...capacity.inFlight].filter(
    (id) =>
      id.startsWith('attempt:') && state.tasks[id.slice('attempt:'.length)]?.phase === 'waiting',
  );
  for (const id of starting) {
    const node = nodes.get(state.tasks[id.slice('attempt:'.length)]?.node ?? '');
    for (const lock of node?.locks ?? []) heldLocks.add(lock);
  }
  let slots = capacity.parallel - running.length - starting.length;
  // More may be running on record than fit at once: a reopened run takes up all that finished unjudged.
  const underWay = new Set(
    [...capacity.inFlight].flatMap((id) =>
      id.startsWith('attempt:') ? [id.slice('attempt:'.length)] : [],
    ),
  );
  const locksOf = (id: string): readonly string[] =>
    nodes.get(state.tasks[id]?.node ?? '')?.locks ?? [];
  const fits = (id: string): boolean =>
    underWay.size < capacity.parallel &&
    ![...underWay].some((other) => locksOf(other).some((lock) => locksOf(id).includes(lock)));
  const stopped = stopReason(graph, state, nodes, capacity.overtime);
  let open = false;

  for (const node of graph.nodes) {
    if (node.kind !== 'task') continue;
    const instances = instancesOf(node, state);
    if (instances === undefined) {
      open = true;
      const expansion = stopped === undefined ? expansionOf(node, nodes, state) : { skip: stopped };
      if (expansion) add({ kind: 'expand', id: `expand:${node.id}`, node, ...expansion });
      continue;
    }
    for (const task of instances) {
      if (task.phase === 'ended') continue;
      open = true;
      if (task.phase === 'running') {
        const last = task.attempts.at(-1);
        if (last && last.verdict === undefined) {
          if (underWay.has(task.id) || !fits(task.id)) continue;
          underWay.add(task.id);
          add({ kind: 'recover', id: `attempt:${task.id}`, node, task: task.id });
          continue;
        }
        const next = nextAttempt(node, task);
        if (next.kind === 'failed')
          add({
            kind: 'fail',
            id: `fail:${task.id}`,
            task: task.id,
            verdict: next.verdict,
            reasons: next.reasons,
            ...(stopped !== undefined && last && wasCutShort(last) ? { cause: stopped.cause } : {}),
          });
        else if (!capacity.draining && stopped === undefined) {
          if (underWay.has(task.id) || !fits(task.id)) continue;
          underWay.add(task.id);
          add({
            kind: 'attempt',
            id: `attempt:${task.id}`,
            node,
            task: task.id,
            mode: next.mode,
            nth: next.nth,
          });
        } else if (stopped !== undefined)
          add({
            kind: 'fail',
            id: `fail:${task.id}`,
            task: task.id,
            verdict: stopped.cause === 'budget' ? 'exhausted' : 'cancelled',
            reasons: [stopped.reason, ...(task.attempts.at(-1)?.reasons ?? [])],
            cause: stopped.cause,
          });
        continue;
      }
      const gate = readiness(node, task, nodes, state);
      if (gate.kind === 'skip')
        add({ kind: 'skip', id: `skip:${task.id}`, task: task.id, because: gate });
      else if (stopped !== undefined)
        add({ kind: 'skip', id: `skip:${task.id}`, task: task.id, because: stopped });
      else if (
        gate.kind === 'ready' &&
        !capacity.draining &&
        slots > 0 &&
        !node.locks.some((lock) => heldLocks.has(lock))
      ) {
        if (capacity.inFlight.has(`attempt:${task.id}`)) continue;
        slots -= 1;
        for (const lock of node.locks) heldLocks.add(lock);
        add({
          kind: 'attempt',
          id: `attempt:${task.id}`,
          node,
          task: task.id,
          mode: 'first',
          nth: 0,
        });
      }
    }
  }

  // Nothing is merged any more of a run that a person ended; what is in flight is let to its end.
  for (const node of state.cancelled ? [] : graph.nodes) {
    if (node.kind === 'task') continue;
    const done =
      node.kind === 'merge'
        ? state.merges[node.id]?.finished === true
        : node.kind === 'gate'
          ? state.gateNodes[node.id] !== undefined
          : state.barriers[node.id] !== undefined;
    if (done) continue;
    open = true;
    if (node.kind === 'merge') {
      if (
        allEnded(node.tasks, nodes, state) &&
        node.after.every((id) => isDecided(id, graph, state))
      ) {
        add({ kind: 'merge', id: `merge:${node.id}`, node });
      }
    } else if (node.kind === 'gate') {
      if (state.merges[node.merge]?.finished) add({ kind: 'gate', id: `gate:${node.id}`, node });
    } else if (node.needs.every((id) => isDecided(id, graph, state))) {
      add({
        kind: 'barrier',
        id: `barrier:${node.id}`,
        node,
        failed: barrierFailure(node, nodes, state),
      });
    }
  }

  if (open || capacity.inFlight.size > 0) return actions;
  if (
    state.delivery?.done === undefined &&
    state.delivery?.refused === undefined &&
    wantsDelivery(graph, state)
  ) {
    return [{ kind: 'deliver', id: 'deliver' }];
  }
  const limited = Object.values(state.tasks).some(
    (task) => task.stopped === 'budget' || task.skipped === 'budget',
  );
  const next = limited && stopped?.cause === 'budget' ? stopped.next : undefined;
  return [{ kind: 'end', id: 'end', ...(next === undefined ? {} : { next }) }];
}

/** Its agent had finished; the run was stopped while its gates ran. */
const wasCutShort = ({ end, verdict }: AttemptState): boolean =>
  end?.outcome === 'completed' && (verdict === 'exhausted' || verdict === 'cancelled');

const allEnded = (
  ids: readonly string[],
  nodes: ReadonlyMap<string, TaskNode>,
  state: RunState,
): boolean =>
  ids.every((id) => {
    const node = nodes.get(id);
    const instances = node && instancesOf(node, state);
    return instances?.every((task) => task.phase === 'ended') === true;
  });

function isDecided(id: string, graph: Graph, state: RunState): boolean {
  const node = graph.nodes.find((candidate) => candidate.id === id);
  switch (node?.kind) {
    case 'task':
      return instancesOf(node, state)?.every((task) => task.phase === 'ended') === true;
    case 'merge':
      return state.merges[id]?.finished === true;
    case 'gate':
      return state.gateNodes[id] !== undefined;
    case 'barrier':
      return state.barriers[id] !== undefined;
    case undefined:
      return true;
  }
}

function barrierFailure(
  barrier: BarrierNode,
  nodes: ReadonlyMap<string, TaskNode>,
  state: RunState,
): string | undefined {
  for (const id of barrier.needs) {
    const gate = state.gateNodes[id];
    if (gate && gate.result.verdict !== 'passed')
      return `gate ${id} ${gate.result.verdict === 'failed' ? 'failed' : 'could not run'}`;
    const node = nodes.get(id);
    for (const task of (node && instancesOf(node, state)) ?? []) {
      if (isFailure(task) && node?.onFailure !== 'continue')
        return `${task.label} ended ${task.verdict ?? 'failed'}`;
    }
  }
  for (const id of barrier.needs) {
    const conflicted = Object.keys(state.merges[id]?.conflicted ?? {})[0];
    if (conflicted !== undefined)
      return `${state.tasks[conflicted]?.label ?? conflicted} does not merge`;
  }
  return undefined;
}

/**
 * A branch gets whatever was verified and merged; somebody's own branch only a run without a failure.
 */
function wantsDelivery(graph: Graph, state: RunState): boolean {
  const tip = state.integration?.tip;
  if (tip === undefined || tip === state.base || state.cancelled) return false;
  const redGate = Object.values(state.gateNodes).some((gate) => gate.result.verdict !== 'passed');
  if (graph.deliver.to === 'branch') return !redGate;
  return (
    !redGate &&
    Object.values(state.tasks).every((task) => !isFailure(task)) &&
    Object.values(state.barriers).every((barrier) => barrier.passed)
  );
}
