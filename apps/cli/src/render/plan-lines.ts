import type { NodeExplanation, ShownTask } from '@orch/core/plan';
import { duration } from './duration.js';
import { behindGutter, oneLine } from './neutral.js';
import type { Screen } from './screen.js';

const reasons: { readonly [reason in NodeExplanation['waitsFor'][number]['reason']]: string } = {
  needs: 'it needs it',
  each: 'one for each of its items, as soon as that item is there',
  barrier: 'an earlier wave ends there',
  merges: 'it merges its result',
  checks: 'it checks that merge',
  'ends-wave': 'it ends that wave',
};

/** What one node of the graph waits for, starts from and does. */
export function explainLines(screen: Screen, node: NodeExplanation): readonly string[] {
  const indent = '  '.repeat(Math.min(node.level, 8));
  const starts = node.startsFrom;
  const title = node.title === undefined ? '' : ` ${oneLine(node.title)}`;
  const facts = [
    ...waits(node),
    starts
      ? `starts from ${starts.commit === 'start' ? "the run's base" : starts.commit}${starts.plus.length > 0 ? ` with ${starts.plus.join(', ')}` : ''}`
      : '',
    node.integrates && node.integrates.length > 0
      ? `waits for and merges ${node.integrates.join(', ')}`
      : '',
    node.gates.length > 0 ? `checked by ${node.gates.join(', ')}` : '',
    node.servers.length > 0 ? `is handed the MCP servers ${node.servers.join(', ')}` : '',
    node.locks.length > 0 ? `never beside others with the lock ${node.locks.join(', ')}` : '',
  ];
  return [
    `${indent}${screen.style('bold', node.id)} ${screen.style('dim', node.kind)}${title}`,
    ...facts.filter(Boolean).map((fact) => `${indent}  ${oneLine(fact)}`),
  ];
}

/** What is merged is named once, where the merging is said. */
const waits = ({ waitsFor, integrates }: NodeExplanation): readonly string[] =>
  waitsFor.flatMap(({ node, reason }) =>
    reason === 'merges' && integrates?.includes(node)
      ? []
      : [`waits for ${node}: ${reasons[reason]}`],
  );

/** The question of a task as its agent gets it, with tools and limits. */
export function shownTaskLines(screen: Screen, task: ShownTask): readonly string[] {
  const { driver, ...settings } = task.agent;
  const agent = Object.entries(settings).map(
    ([name, value]) => `${name}: ${typeof value === 'string' ? value : JSON.stringify(value)}`,
  );
  const facts: readonly (readonly [string, string | undefined])[] = [
    ['agent', [driver, ...agent].join(', ')],
    ['fan-out', task.fanOut],
    ['if', task.if],
    ['effect', task.effect],
    ['writes', task.writes],
    ['output', task.output && JSON.stringify(task.output)],
    ['gates', task.gates.join(', ')],
    ...Object.entries(task.inputs).map(([name, value]) => [`input ${name}`, value] as const),
    ['environment', task.environment.join(', ')],
    ['trust', task.trust],
    ['limits', `${duration(task.timeoutMs)}, silent for at most ${duration(task.idleMs)}`],
    [task.shell ? 'shell' : 'command', task.argv?.join(' ')],
  ];
  const title = task.title === undefined ? '' : ` ${oneLine(task.title)}`;
  return [
    `${screen.style('bold', task.id)}${title} ${screen.style('dim', `${task.at.file}:${task.at.line}`)}`,
    ...facts.flatMap(([name, value]) =>
      value === undefined || value === ''
        ? []
        : [`${screen.style('dim', name.padEnd(12))}${oneLine(value)}`],
    ),
    ...(task.prompt === undefined ? [] : ['', ...behindGutter(task.prompt, '  │ ')]),
  ];
}
