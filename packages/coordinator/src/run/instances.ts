import type { Graph, Node, TaskNode } from '../graph/graph.js';
import type { RunState, TaskState } from '../state/state.js';

/** The task nodes of a graph by id. */
export function taskNodes(graph: Graph): ReadonlyMap<string, TaskNode> {
  return new Map(graph.nodes.filter((node) => node.kind === 'task').map((node) => [node.id, node]));
}

export const nodeById = (graph: Graph, id: string): Node | undefined =>
  graph.nodes.find((node) => node.id === id);

/** Instances of a node: itself, or its items once they are known (`undefined` before that). */
export function instancesOf(node: TaskNode, state: RunState): readonly TaskState[] | undefined {
  if (!node.fanOut) {
    const task = state.tasks[node.id];
    return task ? [task] : undefined;
  }
  const items = state.expansions[node.id];
  const itself = state.tasks[node.id];
  // A fan-out that failed or was skipped as a whole stands for itself; an empty list holds up nobody.
  if (items?.length === 0 && itself?.phase === 'ended' && itself.skipped !== 'empty')
    return [itself];
  return items?.map((id) => state.tasks[id]).filter((task) => task !== undefined);
}

/**
 * The instance of `nodeId` that belongs to `task`: the item with the same key where both are items of
 * one fan-out, else the node's only instance.
 */
export function pairedInstance(
  nodeId: string,
  task: TaskState,
  state: RunState,
): TaskState | undefined {
  const suffix = task.item?.id.slice(task.node.length);
  return (
    (suffix === undefined ? undefined : state.tasks[`${nodeId}${suffix}`]) ?? state.tasks[nodeId]
  );
}

/** What an instance waits for: the paired item of `each`, and every instance of its `needs`. */
export function dependenciesOf(
  node: TaskNode,
  task: TaskState,
  nodes: ReadonlyMap<string, TaskNode>,
  state: RunState,
): {
  readonly ready: boolean;
  readonly tasks: readonly { readonly task: TaskState; readonly fanOut: boolean }[];
} {
  const tasks: { task: TaskState; fanOut: boolean }[] = [];
  let ready = true;
  if (node.fanOut?.kind === 'each') {
    const paired = pairedInstance(node.fanOut.of, task, state);
    if (paired) tasks.push({ task: paired, fanOut: false });
    else ready = false;
  }
  for (const id of node.needs) {
    const needed = nodes.get(id);
    const instances = needed && instancesOf(needed, state);
    if (instances === undefined) ready = false;
    else
      for (const instance of instances)
        tasks.push({ task: instance, fanOut: instance.item !== undefined });
  }
  return { ready: ready && tasks.every((needed) => needed.task.phase === 'ended'), tasks };
}

/** The node that an instance id belongs to: the task's own, or the fan-out of an item `<node>-<8 hex>`. */
export function nodeOfInstance(graph: Graph, instance: string): TaskNode | undefined {
  const nodes = taskNodes(graph);
  return nodes.get(instance) ?? nodes.get(instance.replace(/-[0-9a-f]{8}$/, ''));
}

/**
 * The conversation that `session: continue` goes on with, and the workspace it happened in: that of
 * the paired item, or of the first task it needs. Undefined for a conversation of its own.
 */
export function continuedFrom(
  graph: Graph,
  node: TaskNode,
  task: TaskState,
  state: RunState,
): { readonly session: string; readonly place: string } | undefined {
  if (node.session !== 'continue') return undefined;
  const of = node.fanOut?.kind === 'each' ? node.fanOut.of : node.needs[0];
  const before = of === undefined ? undefined : pairedInstance(of, task, state);
  const attempt = before?.attempts.at(-1);
  const nodeBefore = before && taskNodes(graph).get(before.node);
  if (!before || !attempt || !nodeBefore) return undefined;
  const place = continuedFrom(graph, nodeBefore, before, state)?.place ?? before.id;
  return { session: attempt.session, place };
}
