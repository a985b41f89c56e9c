import { explainGraph, showTask, type NodeExplanation, type ShownTask } from '@orch/core/plan';
import { exitCode } from '../exit-codes.js';
import { duration, neutral, type Screen } from '../render/screen.js';
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
  const explained = explainGraph(graph);
  if (flags.json) screen.line(JSON.stringify(explained));
  else for (const node of explained) for (const line of explainLines(screen, node)) screen.line(line);
  return exitCode.ok;
}

/** `orch plan show FILE TASK`: the question as the agent will get it. */
export async function planShowCommand(screen: Screen, file: string, task: string, flags: PlanFlags): Promise<number> {
  const graph = await readPlanFile(screen, file, flags.input ?? {}, flags.json ?? false);
  if (!graph) return exitCode.usage;
  const shown = showTask(graph, task);
  if (!shown) throw new UsageError(`${file} has no task "${task}". Its tasks: ${graph.nodes.filter((node) => node.kind === 'task').map((node) => node.id).join(', ')}`);
  if (flags.json) screen.line(JSON.stringify(shown));
  else for (const line of showLines(screen, shown)) screen.line(line);
  return exitCode.ok;
}

const reasons: { readonly [reason in NodeExplanation['waitsFor'][number]['reason']]: string } = {
  needs: 'it needs it',
  each: 'one for each of its items, as soon as that item is there',
  barrier: 'an earlier wave ends there',
  merges: 'it merges its result',
  checks: 'it checks that merge',
  'ends-wave': 'it ends that wave',
};

function explainLines(screen: Screen, node: NodeExplanation): readonly string[] {
  const indent = '  '.repeat(Math.min(node.level, 8));
  const starts = node.startsFrom;
  return [
    `${indent}${screen.style('bold', node.id)} ${screen.style('dim', node.kind)}${node.title === undefined ? '' : ` ${neutral(node.title)}`}`,
    ...node.waitsFor.map(({ node: other, reason }) => `${indent}  waits for ${other}: ${reasons[reason]}`),
    ...(starts ? [`${indent}  starts from ${starts.commit === 'start' ? 'the run’s base' : starts.commit}${starts.plus.length > 0 ? ` with ${starts.plus.join(', ')}` : ''}`] : []),
    ...(node.integrates && node.integrates.length > 0 ? [`${indent}  merges ${node.integrates.join(', ')}`] : []),
    ...(node.gates.length > 0 ? [`${indent}  checked by ${node.gates.join(', ')}`] : []),
    ...(node.locks.length > 0 ? [`${indent}  never beside others with the lock ${node.locks.join(', ')}`] : []),
  ];
}

function showLines(screen: Screen, task: ShownTask): readonly string[] {
  const fact = (name: string, value: string | undefined): readonly string[] => (value === undefined || value === '' ? [] : [`${screen.style('dim', name.padEnd(12))}${neutral(value)}`]);
  const { driver, ...settings } = task.agent;
  return [
    `${screen.style('bold', task.id)}${task.title === undefined ? '' : ` ${neutral(task.title)}`} ${screen.style('dim', `${task.at.file}:${task.at.line}`)}`,
    ...fact('agent', [driver, ...Object.entries(settings).map(([name, value]) => `${name}: ${typeof value === 'string' ? value : JSON.stringify(value)}`)].join(', ')),
    ...fact('fan-out', task.fanOut),
    ...fact('if', task.if),
    ...fact('effect', task.effect),
    ...fact('writes', task.writes),
    ...fact('output', task.output && JSON.stringify(task.output)),
    ...fact('gates', task.gates.join(', ')),
    ...Object.entries(task.inputs).flatMap(([name, value]) => fact(`input ${name}`, value)),
    ...fact('environment', task.environment.join(', ')),
    ...fact('trust', task.trust),
    ...fact('limits', `${duration(task.timeoutMs)}, silent for at most ${duration(task.idleMs)}`),
    ...fact(task.shell ? 'shell' : 'command', task.argv?.join(' ')),
    ...(task.prompt === undefined ? [] : ['', ...neutral(task.prompt).split('\n').map((line) => `    ${line}`)]),
  ];
}
