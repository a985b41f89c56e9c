import type { Graph } from '../graph/graph.js';
import type { Journal } from '../journal/journal.js';
import type { Workspace } from '../seams/workspace.js';
import type { RunState, TaskState } from '../state/state.js';

/**
 * A resumed run that had ended with failures tries them again: the tasks that did not succeed, and
 * every merge, gate and barrier that was decided after them. An interrupted run just goes on.
 */
export async function reopen(
  journal: Journal,
  graph: Graph,
  before: RunState,
  workspace: Pick<Workspace, 'merge'>,
): Promise<void> {
  if (before.status !== 'ended' && !before.cancelled && !before.closed) return;
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
  const kept = await mergeable(tasks, before, workspace);
  await journal.append({
    type: 'run.reopened',
    tasks: tasks.map((task) => task.id).filter((id) => !kept.includes(id)),
    nodes,
    ...(kept.length > 0 ? { kept } : {}),
  });
}

/** Tasks whose result conflicted, and merges with what is merged now. */
async function mergeable(
  tasks: readonly TaskState[],
  { integration, base, startedAt }: RunState,
  workspace: Pick<Workspace, 'merge'>,
): Promise<readonly string[]> {
  const found: string[] = [];
  for (const { id, label, verdict, result } of tasks) {
    if (verdict !== 'conflicted' || !result) continue;
    const merged = await workspace.merge({
      tip: integration?.tip ?? base,
      commit: result.commit,
      message: `Try ${label}`,
      at: startedAt,
    });
    if (merged.kind !== 'conflicted') found.push(id);
  }
  return found;
}
