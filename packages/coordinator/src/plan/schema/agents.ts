import * as z from 'zod';
import { expect, run, sh } from './command.js';
import { servers } from './servers.js';
import {
  count,
  duration,
  environment,
  listOf,
  name,
  oneOf,
  path,
  reserved,
  usd,
  words,
} from './words.js';

const rules = listOf(words);

/** What shapes an agent's work; the same keys stand in agents, tasks and `defaults`. */
export const agentKeys = {
  model: words.optional(),
  effort: words.optional(),
  tools: rules.optional().meta({ description: 'The tools that exist at all; [] for none.' }),
  allow: rules.optional().meta({ description: 'Permission rules. The nearest list counts.' }),
  deny: rules.optional().meta({ description: 'Permission rules. Lists of all levels add up.' }),
  system: words.optional().meta({ description: 'Added to the system prompt.' }),
  turns: count('a whole number above 0', 1).optional(),
  mcp: servers,
  skills: reserved(rules),
  subagents: reserved(z.unknown()),
  add_dirs: reserved(listOf(path)),
} as const;

export const agent = z.strictObject({
  use: z.string({ error: 'claude or command' }).meta({ description: 'claude or command.' }),
  run: run.optional().meta({ description: 'For use: command. The prompt arrives on stdin.' }),
  sh: sh.optional().meta({ description: 'For use: command. The prompt arrives on stdin.' }),
  expect: expect.optional(),
  ...agentKeys,
});

export const agents = z.record(name, agent);

/** Settings of a task that `defaults` may give for all tasks. */
export const settingKeys = {
  agent: name.optional().meta({ description: 'A name of agents:, or claude (the default).' }),
  ...agentKeys,
  env: environment.optional(),
  usd: usd.optional().meta({ description: 'Budget of one attempt in US dollars.' }),
  timeout: duration.optional().meta({ description: 'Wall clock of one attempt. Default: 1h.' }),
  idle: duration.optional().meta({
    description: 'Longest silence of an agent. Default: 15m; for commands: timeout.',
  }),
  retry: z
    .strictObject({
      transient: count('a whole number, 0 or more', 0).optional(),
      gate: count('a whole number, 0 or more', 0).optional(),
    })
    .optional()
    .meta({ description: 'Default: { transient: 5, gate: 2 }.' }),
  on_failure: oneOf('block', 'continue', 'stop')
    .optional()
    .meta({ description: 'Default: block.' }),
  denials: oneOf('fail_if_unverified', 'fail', 'ignore').optional(),
  project: oneOf('memory', 'trusted', 'none').optional().meta({
    description:
      "What of the repository's own agent configuration loads. Default: memory (CLAUDE.md, skills, agents).",
  }),
  base: oneOf('needs', 'start', 'integration').optional().meta({ description: 'Default: needs.' }),
  writes_outside: oneOf('fail', 'warn').optional().meta({ description: 'Default: fail.' }),
  isolation: z
    .string({ error: 'clone, none or sandbox' })
    .optional()
    .meta({ description: 'clone (default); none for commands. sandbox is reserved.' }),
  secrets: reserved(listOf(words)),
  network: reserved(words),
  tokens: reserved(count('a whole number above 0', 1)),
} as const;

export const defaults = z.strictObject(settingKeys);
