import * as z from 'zod';
import { agents, defaults } from './agents.js';
import { run } from './command.js';
import { gates } from './gates.js';
import { output } from './outputs.js';
import { taskLists } from './tasks.js';
import {
  branch,
  count,
  duration,
  file,
  glob,
  listOf,
  oneOf,
  path,
  reserved,
  usd,
  variable,
  words,
} from './words.js';

const argument = z.string({ error: 'a text; quote numbers' });

const input = z.strictObject({
  type: oneOf('string', 'number', 'boolean'),
  default: z.union([z.string(), z.number(), z.boolean()]).optional(),
  required: z.boolean().optional(),
});

const limits = z.strictObject({
  parallel: z
    .union([z.literal('auto'), count('a whole number above 0', 1)])
    .optional()
    .meta({ description: 'Attempts at one time. Default: auto.' }),
  usd: usd.optional(),
  wall: duration.optional().meta({ description: 'Wall clock of the whole run.' }),
  tokens: reserved(z.unknown()),
  quota: reserved(words),
});

const workspace = z.strictObject({
  setup: z
    .union([words, listOf(argument), listOf(listOf(argument))])
    .optional()
    .meta({
      description: 'One command, or a list of argument lists, run in each fresh workspace.',
    }),
  copy: listOf(path)
    .optional()
    .meta({ description: 'Untracked files copied into every workspace, never into a result.' }),
  setup_key: reserved(listOf(glob)),
  cache: reserved(listOf(path)),
});

const deliver = z.strictObject({
  branch: branch.optional().meta({ description: 'Default: orch/<run>.' }),
  merge: branch.optional(),
  pr: reserved(z.unknown()),
});

const unattended = z.strictObject({
  approve: words.optional().meta({ description: 'stop; anything else is reserved.' }),
  permission: words.optional().meta({ description: 'deny; anything else is reserved.' }),
  quota: words.optional().meta({ description: 'park; anything else is reserved.' }),
});

const notification = z.strictObject({
  on: listOf(words),
  run: run.optional(),
  secrets: listOf(words).optional(),
});

const planKeys = {
  version: z.literal(1, { error: '1' }),
  name: words,
  use: listOf(file)
    .optional()
    .meta({ description: 'Files whose gates, agents and defaults are merged into this plan.' }),
  inputs: z.record(variable, input).optional(),
  limits: limits.optional(),
  defaults: defaults.optional(),
  workspace: workspace.optional(),
  gates: gates.optional(),
  agents: agents.optional(),
  deliver: deliver.optional(),
  derived: reserved(listOf(z.strictObject({ paths: listOf(glob), run }))),
  notify: reserved(listOf(notification)),
  unattended: unattended.optional(),
  services: reserved(z.unknown()),
  repos: reserved(z.unknown()),
} as const;

/** What plans are read with. Outputs have a check of their own (`compile-output.ts`). */
export const planSchema = z.strictObject({ ...planKeys, ...taskLists(z.unknown()) });

/** The same for editors, with outputs. */
export const editorSchema = z.strictObject({ ...planKeys, ...taskLists(output) });

/** A file named by `use:`. */
export const partSchema = z.strictObject({
  version: z.literal(1, { error: '1' }).optional(),
  gates: gates.optional(),
  agents: agents.optional(),
  defaults: defaults.optional(),
});

export type PlanDocument = z.output<typeof planSchema>;
export type WaveDocument = NonNullable<PlanDocument['waves']>[number];
export type TaskDocument = WaveDocument['tasks'][number];
export type AgentDocument = NonNullable<PlanDocument['agents']>[string];
export type PartDocument = z.output<typeof partSchema>;
