import * as z from 'zod';
import { run, sh } from './command.js';
import {
  count,
  duration,
  environment,
  glob,
  listOf,
  name,
  oneOf,
  reserved,
  words,
} from './words.js';

/** A check at a checkpoint: it passes when its command exits with 0. */
export const gate = z.strictObject({
  run: run.optional(),
  sh: sh.optional(),
  timeout: duration.optional().meta({ description: 'Default: 10m.' }),
  protect: listOf(glob)
    .optional()
    .meta({ description: 'Files that come from the base, not from the tree being checked.' }),
  env: environment.optional(),
  parse: reserved(oneOf('junit')),
  ast: reserved(
    z.strictObject({ parse: z.boolean().optional(), forbid: listOf(words).optional() }),
  ),
  judge: reserved(words),
  agent: reserved(name),
  votes: reserved(count('a whole number above 0', 1)),
});

export const gates = z.record(name, gate);
