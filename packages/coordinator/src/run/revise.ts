import type { Graph } from '../graph/graph.js';
import type { NewEvent } from '../state/event.js';
import type { RunState, TaskState } from '../state/state.js';
import { captureAttempt } from './finish-attempt.js';
import { recoverEnd } from './attempt.js';
import type { RunContext } from './context.js';
import { taskNodes } from './instances.js';
import { repairIntegrationRef } from './integrate.js';

/** An edited plan, and how to make it the recorded one. */
export interface Revision {
  readonly graph: Graph;
  /** Attempts at once; undefined: as before. */
  readonly parallel: number | undefined;
  /** Puts the plan on disk. Called when everything that needs the old one is done. */
  readonly record: () => Promise<void>;
}

/**
 * Puts an edited plan in the place of the recorded one, which `context` has. First whatever the old plan
 * left half done is brought to the record: a finished attempt becomes a result that can answer the new
 * plan, an unfinished one is lost and can go on.
 */
export async function revise(context: RunContext, revision: Revision): Promise<void> {
  const { journal } = context;
  await repairIntegrationRef(context);
  const nodes = taskNodes(context.graph);
  for (const task of Object.values(journal.state().tasks)) {
    const node = nodes.get(task.node);
    if (!node || task.phase !== 'running' || task.attempts.at(-1)?.verdict !== undefined) continue;
    const finished = await recoverEnd(context, task.id);
    if (finished !== undefined) await captureAttempt(context, node, task.id, finished, undefined);
  }
  await revision.record();
  const { graph, parallel } = revision;
  const removed = removedTasks(graph, journal.state()).map((task) => removal(task));
  await journal.append(
    {
      type: 'plan.revised',
      plan: graph.hash,
      ...(parallel === undefined ? {} : { parallel }),
      tasks: staticTasks(graph),
    },
    ...removed,
  );
}

/** Says of a task that the plan has it no more, or of an item that its list (`made` or not) has not. */
export const removal = ({ id, item }: TaskState, made = true): NewEvent => ({
  type: 'task.skipped',
  task: id,
  cause: 'removed',
  reason: !item
    ? 'the plan was revised and has it no more'
    : made
      ? 'the list it comes from has it no more'
      : 'the list it comes from was not made',
});

/** Tasks of the record for which the plan has no place. */
function removedTasks(graph: Graph, state: RunState): readonly TaskState[] {
  const nodes = taskNodes(graph);
  return Object.values(state.tasks).filter((task) => {
    const node = nodes.get(task.node);
    // A fan-out as a whole gives way to its items when they are known.
    return !node || (task.item !== undefined && !node.fanOut);
  });
}

/** Tasks that are known before anything ran; items of fan-outs come with `task.expanded`. */
export const staticTasks = (
  graph: Graph,
): { readonly id: string; readonly label: string; readonly wave?: string }[] =>
  graph.nodes
    .filter((node) => node.kind === 'task' && !node.fanOut)
    .map((node) => ({
      id: node.id,
      label: node.id,
      ...(node.kind === 'task' && node.wave !== undefined ? { wave: node.wave } : {}),
    }));
