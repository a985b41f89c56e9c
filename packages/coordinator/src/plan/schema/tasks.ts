import * as z from 'zod';
import { settingKeys } from './agents.js';
import { expect, run, sh } from './command.js';
import {
  count,
  duration,
  file,
  glob,
  listOf,
  name,
  oneOf,
  reserved,
  variable,
  words,
} from './words.js';

const json: z.ZodType = z.json();

/** Named values. `${{ … }}` inside them is resolved. */
export const values = z.record(variable, json);

const prompt = z.union([words, z.strictObject({ file, with: values.optional() })]).meta({
  description: 'What the agent is asked: a text, or a file with named values.',
});

const placed = z.strictObject({ from: words, to: words });

const taskKeys = {
  id: name,
  title: words.optional(),
  prompt: prompt.optional(),
  run: run.optional(),
  sh: sh.optional(),
  expect: expect.optional(),
  inputs: z
    .union([values, listOf(placed)])
    .optional()
    .meta({
      description:
        'Named values for the prompt, the environment (ORCH_INPUT_<NAME>) and stdin. The list form, which places files, is reserved.',
    }),
  needs: listOf(name).optional(),
  each: name.optional().meta({ description: 'One per finished item of that fan-out.' }),
  foreach: z
    .union([words, listOf(json)])
    .optional()
    .meta({ description: 'A list, or a reference to one.' }),
  as: variable.optional().meta({ description: 'Name of the item. Default: item.' }),
  key: words.optional().meta({ description: 'Identity of an item, a reference to part of it.' }),
  max: count('a whole number above 0', 1).optional(),
  matrix: z.record(variable, listOf(json).min(1, { error: 'at least one value' })).optional(),
  if: z.union([words, z.boolean()]).optional(),
  effect: oneOf('diff', 'none').optional(),
  writes: z.union([words, listOf(glob)]).optional(),
  gates: listOf(name).optional(),
  session: oneOf('new', 'continue').optional(),
  locks: listOf(name).optional(),
  trust: oneOf('trusted', 'untrusted').optional(),
  ...settingKeys,
  approve: reserved(
    z.strictObject({
      show: listOf(words).optional(),
      timeout: duration.optional(),
      reject: name.optional(),
    }),
  ),
  loop: reserved(
    z.strictObject({
      until: z.union([words, listOf(name)]),
      max: count('a whole number above 0', 1).optional(),
    }),
  ),
  services: reserved(listOf(name)),
  repo: reserved(words),
  plan: reserved(file),
  reads: reserved(listOf(glob)),
  accept_risk: reserved(words),
} as const;

const waveKeys = {
  name,
  barrier: oneOf('integrate', 'join', 'none')
    .optional()
    .meta({ description: 'Default: integrate.' }),
  gates: listOf(name).optional(),
  approve: reserved(z.unknown()),
} as const;

/** `tasks` and `waves`; `output` is the schema that outputs of tasks are held against. */
export function taskLists<T extends z.ZodType>(output: T) {
  const task = z.strictObject({ ...taskKeys, output: output.optional() });
  const tasks = listOf(task).min(1, { error: 'at least one task' });
  const wave = z.strictObject({ ...waveKeys, tasks });
  const waves = listOf(wave)
    .min(1, { error: 'at least one wave' })
    .max(100, { error: 'at most 100 waves' });
  return { tasks: tasks.optional(), waves: waves.optional() };
}
