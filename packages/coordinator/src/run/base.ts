import type { Graph, TaskNode } from '../graph/graph.js';
import type { Workspace } from '../seams/workspace.js';
import type { RunState, TaskState } from '../state/state.js';
import { dependenciesOf, nodeById, taskNodes } from './instances.js';
import { stamp } from './integrate.js';

export type Base =
  | { readonly kind: 'commit'; readonly commit: string }
  | { readonly kind: 'conflicted'; readonly task: string; readonly files: readonly string[] };

/**
 * What a task sees: a pure function of the plan and of committed results. The last integrating
 * barrier's commit (else the run's base), then the results of what it needs, merged in plan order. A task
 * whose result did not merge starts from what it conflicted with.
 */
export async function baseOf(
  graph: Graph,
  state: RunState,
  node: TaskNode,
  task: TaskState,
  workspace: Workspace,
): Promise<Base> {
  if (node.base === 'start' && task.onto === undefined)
    return { kind: 'commit', commit: state.base };
  let tip = task.onto ?? lastBarrierCommit(graph, state, node) ?? state.base;
  if (node.base === 'integration' && task.onto === undefined)
    return { kind: 'commit', commit: state.integration?.tip ?? tip };
  const nodes = taskNodes(graph);
  // Graphs are sorted by what waits for what; the plan's own order is kept beside it. Sorting is
  // stable, so items of one fan-out stay as they are in its list.
  const orderOf = (one: TaskState): number => nodes.get(one.node)?.order ?? 0;
  const needed = [...dependenciesOf(node, task, nodes, state).tasks].sort(
    (a, b) => orderOf(a.task) - orderOf(b.task),
  );
  for (const { task: dependency } of needed) {
    const commit = dependency.result?.commit;
    if (commit === undefined || commit === tip) continue;
    const merged = await workspace.merge({
      tip,
      commit,
      message: `${stamp(state)}Bring ${dependency.label} to ${task.label}`,
      at: state.startedAt,
    });
    if (merged.kind === 'conflicted')
      return { kind: 'conflicted', task: dependency.label, files: merged.files };
    tip = merged.commit;
  }
  return { kind: 'commit', commit: tip };
}

function lastBarrierCommit(graph: Graph, state: RunState, node: TaskNode): string | undefined {
  let commit: string | undefined;
  for (const id of node.after) {
    if (nodeById(graph, id)?.kind === 'barrier') commit = state.barriers[id]?.commit ?? commit;
  }
  return commit;
}
