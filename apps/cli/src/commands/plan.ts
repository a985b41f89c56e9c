import { explainGraph, showTask } from '@orch/core/plan';
import { exitCode } from '../exit-codes.js';
import { explainLines, shownTaskLines } from '../render/plan-lines.js';
import { counted } from '../render/run-lines.js';
import type { Screen } from '../render/screen.js';
import { UsageError } from '../usage-error.js';
import { readPlanFile } from './plan-file.js';

interface PlanFlags {
  readonly json?: boolean;
  readonly input?: Readonly<Record<string, string>>;
}

/** `orch plan check FILE`: everything that is wrong, or one line. Executes nothing. */
export async function planCheckCommand(
  screen: Screen,
  file: string,
  flags: PlanFlags,
): Promise<number> {
  const { nodes, gates, name, hash } = await readPlanFile(screen, file, flags.input ?? {});
  const tasks = nodes.filter((node) => node.kind === 'task').length;
  if (flags.json) screen.json({ ok: true, name, tasks, hash });
  else
    screen.line(
      `${screen.style('green', '✔')} ${file}: ${counted(tasks, 'task')}, ${counted(Object.keys(gates).length, 'gate')}`,
    );
  return exitCode.ok;
}

/** `orch plan explain FILE`: what waits for what, and why. */
export async function planExplainCommand(
  screen: Screen,
  file: string,
  flags: PlanFlags,
): Promise<number> {
  const explained = explainGraph(await readPlanFile(screen, file, flags.input ?? {}));
  if (flags.json) screen.json(explained);
  else
    for (const node of explained) for (const line of explainLines(screen, node)) screen.line(line);
  return exitCode.ok;
}

/** `orch plan show FILE TASK`: the question as the agent will get it. */
export async function planShowCommand(
  screen: Screen,
  file: string,
  task: string,
  flags: PlanFlags,
): Promise<number> {
  const graph = await readPlanFile(screen, file, flags.input ?? {});
  const shown = showTask(graph, task);
  if (!shown) {
    const ids = graph.nodes.filter((node) => node.kind === 'task').map((node) => node.id);
    throw new UsageError(`${file} has no task "${task}". Its tasks: ${ids.join(', ')}`);
  }
  if (flags.json) screen.json(shown);
  else for (const line of shownTaskLines(screen, shown)) screen.line(line);
  return exitCode.ok;
}
