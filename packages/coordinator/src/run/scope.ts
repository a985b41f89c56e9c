import type { Graph, TaskNode } from '../graph/graph.js';
import type { Scope } from '../graph/reference.js';
import type { Json } from '../json.js';
import type { RunState, TaskState } from '../state/state.js';
import { instancesOf, pairedInstance, taskNodes } from './instances.js';

/** The name under which a fan-out offers its item, also to the tasks paired with it by `each`. */
export function itemName(node: TaskNode, nodes: ReadonlyMap<string, TaskNode>): string | undefined {
  if (node.fanOut?.kind === 'foreach') return node.fanOut.as;
  const of = node.fanOut?.kind === 'each' ? nodes.get(node.fanOut.of) : undefined;
  return of && itemName(of, nodes);
}

/** What the references of one task instance mean, given what has been committed so far. */
export function scopeOf(
  graph: Graph,
  state: RunState,
  node: TaskNode,
  task: TaskState | undefined,
): Scope {
  const nodes = taskNodes(graph);
  const name = itemName(node, nodes);
  const item = task?.item;
  return {
    inputs: graph.inputs,
    run: { id: state.run, base: state.base },
    env: node.env,
    ...(item && name !== undefined ? { item: { name, value: item.value } } : {}),
    ...(item && name === 'matrix' ? { matrix: item.value } : {}),
    task: (id, all) => {
      const other = nodes.get(id);
      if (all)
        return (
          other &&
          instancesOf(other, state)
            ?.filter((instance) => instance.item)
            .map((instance) => instanceValue(instance))
        );
      const paired = task ? pairedInstance(id, task, state) : state.tasks[id];
      return paired?.result?.output;
    },
  };
}

/** An element of `${{ task.all }}`. */
const instanceValue = (task: TaskState): Json => ({
  key: task.item?.key ?? task.id,
  label: task.label,
  failed: task.verdict !== 'succeeded',
  output: task.result?.output ?? null,
});
