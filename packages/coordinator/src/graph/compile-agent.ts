import type { Plan } from '../plan/plan.js';
import type { Report } from '../plan/problem.js';
import type { AgentDocument, TaskDocument } from '../plan/schema/plan.js';
import { compileCommand, type Command } from './compile-command.js';
import { compileServers } from './compile-servers.js';
import type { AgentSettings } from './graph.js';
import { own } from './json-kind.js';
import { TASK_DEFAULTS } from './task-defaults.js';

export type AgentCommands = ReadonlyMap<string, Command>;

/** The commands of agents with `use: command`. Their arguments take no references. */
export function compileAgentCommands(plan: Plan, report: Report): AgentCommands {
  const commands = new Map<string, Command>();
  for (const [name, agent] of Object.entries(plan.document.agents ?? {})) {
    if (agent.use !== 'command') continue;
    const command = compileCommand({ plan, report }, agent, ['agents', name]);
    if (command) commands.set(name, command);
  }
  return commands;
}

/**
 * Who works on a prompt, and how. The nearest setting counts: task, then agent, then `defaults`.
 * Only `deny` adds up over all three, because a narrower rule must not vanish.
 */
export function compileAgent(
  plan: Plan,
  task: TaskDocument,
  commands: AgentCommands,
): AgentSettings {
  const defaults = plan.document.defaults ?? {};
  const name = task.agent ?? defaults.agent ?? 'claude';
  const agents: { readonly [name: string]: AgentDocument } = plan.document.agents ?? {};
  const agent = own(agents, name);
  const usd = task.usd ?? defaults.usd;
  const project = task.project ?? defaults.project ?? TASK_DEFAULTS.project;
  const mcp = compileServers([task, agent ?? {}, defaults]);
  const command = commands.get(name);
  if (command !== undefined) {
    const expect = agent?.expect ?? 'zero';
    return {
      driver: 'command',
      project,
      command: { ...command, expect },
      ...mcp,
      ...(usd === undefined ? {} : { usd }),
    };
  }
  const levels = [task, agent ?? {}, defaults];
  const first = <K extends 'model' | 'effort' | 'tools' | 'allow' | 'system' | 'turns'>(
    key: K,
  ): { [P in K]?: NonNullable<TaskDocument[K]> } => {
    const found = levels.map((level) => level[key]).find((value) => value !== undefined);
    return found === undefined
      ? {}
      : ({ [key]: found } as { [P in K]: NonNullable<TaskDocument[K]> });
  };
  const deny = [...new Set(levels.flatMap((level) => level.deny ?? []))];
  return {
    driver: 'claude',
    ...first('model'),
    ...first('effort'),
    ...first('tools'),
    ...(task.effect === 'none' ? {} : { allow: TASK_DEFAULTS.allow }),
    ...first('allow'),
    ...(deny.length === 0 ? {} : { deny }),
    ...mcp,
    ...first('system'),
    ...first('turns'),
    ...(usd === undefined ? {} : { usd }),
    project,
  };
}
