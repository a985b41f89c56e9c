import * as z from 'zod';
import { file } from './words.js';

/** Types of the short form. */
export const TYPE_NAMES = ['string', 'integer', 'number', 'boolean'] as const;

export type ShortForm =
  string | number | boolean | readonly ShortForm[] | { readonly [name: string]: ShortForm };

/**
 * `{ n: integer, severity: [low, high], files: [string], note?: string }`. What it means, and what is
 * wrong with it, is decided in `graph/compile-output.ts`; this schema is for editors.
 */
export const shortForm: z.ZodType<ShortForm> = z.lazy(() =>
  z.union([
    z.string(),
    z.number(),
    z.boolean(),
    z.array(shortForm),
    z.record(z.string(), shortForm),
  ]),
);

export const output = z
  .union([
    z.strictObject({ schema: file }),
    z.strictObject({ json: z.literal('stdout'), schema: shortForm.optional() }),
    z.strictObject({ lines: z.literal('stdout') }),
    shortForm,
  ])
  .meta({
    description:
      'What the task hands on: field types, { schema: file.json }, or for commands { json: stdout } and { lines: stdout }.',
  });
