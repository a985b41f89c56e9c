import type { Graph } from '@orch/coordinator';
import { chooseParallelism } from './parallelism.js';

/** What a run is going to be, before anything starts. */
export interface RunPreview {
  /** Tasks in the plan; a fan-out counts once. */
  readonly tasks: number;
  readonly fanOuts: number;
  /** Tasks whose agent asks a model. */
  readonly paidTasks: number;
  readonly parallel: number;
  readonly parallelReason: string;
  readonly isolation: string;
  /** The plan's budget. */
  readonly usd?: number;
}

/** How this version keeps agents apart; the screen says what it is not. */
export const isolationLevel =
  'clone (a private clone for each task; this is no security boundary: agents can read what you can)';

/** Looks at a compiled plan; starts nothing. */
export function runPreview(graph: Graph, parallel: number | 'auto' | undefined): RunPreview {
  const tasks = graph.nodes.filter((node) => node.kind === 'task');
  const chosen = chooseParallelism(parallel ?? graph.limits.parallel);
  return {
    tasks: tasks.length,
    fanOuts: tasks.filter((task) => task.fanOut).length,
    paidTasks: tasks.filter((task) => task.agent.driver === 'claude').length,
    parallel: chosen.parallel,
    parallelReason: chosen.reason,
    isolation: isolationLevel,
    ...(graph.limits.usd === undefined ? {} : { usd: graph.limits.usd }),
  };
}
