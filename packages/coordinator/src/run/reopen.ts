import type { Graph } from '../graph/graph.js';
import type { Journal } from '../journal/journal.js';
import type { RunState } from '../state/state.js';

/**
 * A resumed run that had ended with failures tries them again: the tasks that did not succeed, and
 * every merge, gate and barrier that was decided after them. An interrupted run just goes on.
 */
export async function reopen(journal: Journal, graph: Graph, before: RunState): Promise<void> {
  if (before.status !== 'ended' && !before.cancelled) return;
  const tasks = Object.values(before.tasks).filter(
    (task) => task.phase === 'ended' && task.verdict !== 'succeeded' && task.skipped !== 'removed',
  );
  // What an earlier barrier let through stays: later results stand on its commit.
  const settled = new Set(
    graph.nodes.flatMap((node) =>
      node.kind === 'barrier' && before.barriers[node.id]?.passed ? [node.id, ...node.needs] : [],
    ),
  );
  const nodes = graph.nodes
    .filter((node) => node.kind !== 'task' && !settled.has(node.id))
    .map((node) => node.id);
  await journal.append({ type: 'run.reopened', tasks: tasks.map((task) => task.id), nodes });
}
