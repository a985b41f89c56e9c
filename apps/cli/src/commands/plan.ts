import { explainPlan, showTask } from '@orch/core/plan';
import { exitCode } from '../exit-codes.js';
import type { Screen } from '../render/screen.js';
import { UsageError } from '../usage-error.js';
import { readPlanFile } from './plan-file.js';

interface PlanFlags {
  readonly json?: boolean;
  readonly input?: Readonly<Record<string, string>>;
}

/** `orch plan check FILE`: everything that is wrong, or one line. Executes nothing. */
export async function planCheckCommand(screen: Screen, file: string, flags: PlanFlags): Promise<number> {
  const graph = await readPlanFile(screen, file, flags.input ?? {}, flags.json ?? false);
  if (!graph) return exitCode.usage;
  const tasks = graph.nodes.filter((node) => node.kind === 'task').length;
  if (flags.json) screen.line(JSON.stringify({ ok: true, name: graph.name, tasks, hash: graph.hash }));
  else screen.line(`${screen.style('green', '✔')} ${file}: ${tasks} ${tasks === 1 ? 'task' : 'tasks'}, ${Object.keys(graph.gates).length} gates`);
  return exitCode.ok;
}

/** `orch plan explain FILE`: what waits for what, and why. */
export async function planExplainCommand(screen: Screen, file: string, flags: PlanFlags): Promise<number> {
  const graph = await readPlanFile(screen, file, flags.input ?? {}, flags.json ?? false);
  if (!graph) return exitCode.usage;
  const explained = explainPlan(graph);
  if (flags.json) screen.line(JSON.stringify(explained));
  else for (const line of explained.lines) screen.line(line);
  return exitCode.ok;
}

/** `orch plan show FILE TASK`: the question as the agent will get it. */
export async function planShowCommand(screen: Screen, file: string, task: string, flags: PlanFlags): Promise<number> {
  const graph = await readPlanFile(screen, file, flags.input ?? {}, flags.json ?? false);
  if (!graph) return exitCode.usage;
  const shown = showTask(graph, task);
  if (!shown) throw new UsageError(`${file} has no task "${task}". Its tasks: ${graph.nodes.filter((node) => node.kind === 'task').map((node) => node.id).join(', ')}`);
  if (flags.json) screen.line(JSON.stringify(shown));
  else for (const line of shown.lines) screen.line(line);
  return exitCode.ok;
}
