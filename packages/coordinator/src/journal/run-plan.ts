import { open, readFile, rename, writeFile } from 'node:fs/promises';
import { CoordinatorError } from '../errors.js';
import type { Graph } from '../graph/graph.js';
import { hashGraph } from '../graph/graph-hash.js';
import type { RunLayout } from './layout.js';

/** Records the compiled plan of a run, whole or not at all. */
export async function writeRunPlan(layout: RunLayout, graph: Graph): Promise<void> {
  const temporary = `${layout.plan}.new`;
  await writeFile(temporary, `${JSON.stringify(graph, null, 2)}\n`, { mode: 0o600 });
  const file = await open(temporary, 'r+');
  await file.sync();
  await file.close();
  await rename(temporary, layout.plan);
}

/**
 * The compiled plan of a run, as it was recorded.
 * @throws CoordinatorError `ORCH_RUN_PLAN_BROKEN` when the file is missing, cut off, or not what was written
 */
export async function readRunPlan(layout: RunLayout): Promise<Graph> {
  let graph: Partial<Graph> | null;
  try {
    graph = JSON.parse(await readFile(layout.plan, 'utf8')) as Partial<Graph> | null;
  } catch (error) {
    throw broken(layout, error instanceof Error ? error.message : String(error), error);
  }
  const { hash, ...content } = graph ?? {};
  if (hash === undefined || hash !== hashOf(content))
    throw broken(layout, 'its content does not have the hash that stands in it');
  return graph as Graph;
}

/** Whatever else stands in the file has no hash. */
function hashOf(content: Partial<Graph>): string | undefined {
  try {
    return hashGraph(content as Graph);
  } catch {
    return undefined;
  }
}

const broken = (layout: RunLayout, reason: string, cause?: unknown): CoordinatorError =>
  new CoordinatorError(
    'ORCH_RUN_PLAN_BROKEN',
    `The recorded plan ${layout.plan} cannot be used: ${reason}. Journal and results are not touched. ` +
      `Give the plan again: orch resume ${layout.run} --plan FILE`,
    { file: layout.plan },
    cause,
  );
