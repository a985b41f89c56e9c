import { isList, isObject, type Json, type JsonObject } from '../json.js';

/** A value that Claude Code does not take. Where it takes the rest of a file, it is caught on the way up. */
export class Wrong extends Error {}

/** Returns what Claude Code makes of a value; undefined: the key goes, the file stays. Throws {@link Wrong}. */
export type Check = (value: Json) => Json | undefined;

export function text(value: Json): Json {
  if (typeof value === 'string') return value;
  throw new Wrong('expected a text');
}

export function flag(value: Json): Json {
  if (typeof value === 'boolean') return value;
  throw new Wrong('expected true or false');
}

export const number =
  (fits: (value: number) => boolean, expected: string): Check =>
  (value) => {
    if (typeof value === 'number' && fits(value)) return value;
    throw new Wrong(`expected ${expected}`);
  };

export const oneOf =
  (...options: readonly string[]): Check =>
  (value) => {
    if (typeof value === 'string' && options.includes(value)) return value;
    throw new Wrong(`expected one of ${options.join(', ')}`);
  };

export const list =
  (item: Check): Check =>
  (value) => {
    if (isList(value)) return value.flatMap((one) => item(one) ?? []);
    throw new Wrong('expected a list');
  };

/** Items that are wrong are left out. */
export const listOfGood =
  (item: Check): Check =>
  (value) => {
    if (isList(value)) return value.flatMap((one) => lenient(item)(one) ?? []);
    throw new Wrong('expected a list');
  };

export const map =
  (item: Check): Check =>
  (value) =>
    entries(value, (_, inner) => item(inner));

export const object =
  (
    fields: Readonly<Record<string, Check>>,
    more: { readonly required?: readonly string[]; readonly others?: 'keep' | 'strip' } = {},
  ): Check =>
  (value) => {
    const { required = [], others = 'keep' } = more;
    const checked = entries(value, (key, inner) => {
      if (Object.hasOwn(fields, key)) return fields[key]?.(inner);
      return others === 'keep' ? inner : undefined;
    });
    for (const key of required) {
      if (!Object.hasOwn(checked, key)) throw new Wrong(`expected the key ${key}`);
    }
    return checked;
  };

/** What is wrong goes, and the rest stays. */
export const lenient =
  (check: Check): Check =>
  (value) => {
    try {
      return check(value);
    } catch (error) {
      if (error instanceof Wrong) return undefined;
      throw error;
    }
  };

/** `null` is as if the key were not there. */
export const nullable =
  (check: Check): Check =>
  (value) =>
    value === null ? undefined : check(value);

export const either =
  (...checks: readonly Check[]): Check =>
  (value) => {
    for (const check of checks) {
      try {
        return check(value);
      } catch (error) {
        if (!(error instanceof Wrong)) throw error;
      }
    }
    throw new Wrong('expected something else');
  };

export function entries(
  value: Json,
  make: (key: string, inner: Json) => Json | undefined,
): JsonObject {
  if (!isObject(value)) throw new Wrong('expected an object');
  const made = Object.entries(value).map(([key, inner]) => [key, make(key, inner)] as const);
  return Object.fromEntries(
    made.filter((pair): pair is readonly [string, Json] => pair[1] !== undefined),
  );
}
