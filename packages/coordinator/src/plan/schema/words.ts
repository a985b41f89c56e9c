import * as z from 'zod';
import { parseDurationMs } from '../duration.js';

/**
 * Scalars of the grammar. Each carries, as its error, what is expected in words; problems are built
 * from that (`schema-problems.ts`).
 */
function text(expected: string, pattern: RegExp): z.ZodString {
  return z.string({ error: expected }).regex(pattern, { error: expected });
}

export const NAME_PATTERN = /^[a-z0-9][a-z0-9-]{0,63}$/;

/** Task ids, wave names, gate and agent names. */
export const name = text('a name of a-z, 0-9 and -, at most 64 characters', NAME_PATTERN);

/** Names of inputs and items: they become `ORCH_INPUT_<NAME>`. */
export const variable = text(
  'a name of letters, digits and _, not starting with a digit',
  /^[A-Za-z_][A-Za-z0-9_]{0,63}$/,
);

export const DURATION_EXPECTED = 'a duration such as 90s, 10m, 3h or 1h30m, at most 500h';
/** Timers hold 31 bits of milliseconds: a longer wait would end at once. */
const MAX_DURATION_MS = 500 * 3_600_000;
export const duration = text(
  DURATION_EXPECTED,
  /^(?=.*[1-9])(\d{1,7}h)?(\d{1,7}m)?(\d{1,7}s)?$/,
).refine((value) => parseDurationMs(value) <= MAX_DURATION_MS, { error: DURATION_EXPECTED });

export const words = text('a text that is not empty', /\S/);
export const path = text('a path relative to the repository', /\S/);
export const glob = text('a glob relative to the repository', /\S/);
export const file = text('a path relative to the plan', /\S/);
export const branch = text('a branch name', /\S/);

export const usd = z
  .number({ error: 'an amount of US dollars above 0' })
  .positive({ error: 'an amount of US dollars above 0' });

export function count(expected: string, least: number): z.ZodInt {
  return z.int({ error: expected }).min(least, { error: expected });
}

export function oneOf<const T extends readonly [string, ...string[]]>(
  ...values: T
): z.ZodEnum<{ [K in T[number]]: K }> {
  return z.enum(values);
}

export function listOf<T extends z.ZodType>(item: T): z.ZodArray<T> {
  return z.array(item);
}

/** Environment variables. `ORCH_` is ours. */
export const environment = z.record(
  text('an environment name that does not start with ORCH_', /^(?!ORCH_)[A-Za-z_][A-Za-z0-9_]*$/),
  z.string({ error: 'a text; quote numbers' }),
);

/** Grammar that is reserved: valid to an editor, refused with a reason by `not-yet.ts`. */
export function reserved<T extends z.ZodType>(schema: T): z.ZodOptional<T> {
  return schema.optional().meta({ description: RESERVED });
}

export const RESERVED = 'Reserved. It does not work in this version.';
