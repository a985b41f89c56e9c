import * as z from 'zod';
import { words } from './words.js';

const element = z.string({ error: 'a text; quote numbers' });

/** An argv, or one line that is split by the rule of `split-command.ts`. */
export const run = z
  .union([words, z.array(element).min(1, { error: 'at least the program' })])
  .meta({
    description:
      'The command: a list of arguments, or one line split at white space, with quotes and backslash and nothing else of a shell.',
  });

/** A line for `sh -c`. */
export const sh = words.meta({ description: 'A line for the shell. References never stand here.' });

export const expect = z
  .enum(['zero', 'any'])
  .meta({ description: 'any: the exit code is data, not a failure. Default: zero.' });
