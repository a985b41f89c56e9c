import type { Json, JsonObject } from '../json.js';
import { isObject, kindOf, own } from './json-kind.js';

/** What is known about a value before there is one: a JSON Schema. `{}`: nothing. */
export type ValueType = JsonObject;

export const UNKNOWN: ValueType = {};
export const TEXT: ValueType = { type: 'string' };

/** The type of a field or item, or why there is none. */
export type Step =
  | { readonly type: ValueType }
  /** There is no such field; these there are. */
  | { readonly fields: readonly string[] }
  /** The value has no fields or items at all. */
  | { readonly scalar: string };

export function stepInto(type: ValueType, key: string | number): Step {
  const kinds = kindsOf(type);
  if (kinds === undefined) return { type: UNKNOWN };
  if (typeof key === 'number') {
    if (!kinds.includes('array')) return { scalar: listKinds(kinds) };
    return { type: isObject(type['items']) ? type['items'] : UNKNOWN };
  }
  if (!kinds.includes('object')) return { scalar: listKinds(kinds) };
  const { properties, additionalProperties } = type;
  const field = isObject(properties) ? own(properties, key) : undefined;
  if (isObject(field)) return { type: field };
  if (isObject(additionalProperties)) return { type: additionalProperties };
  // A schema that lists fields and does not say that others may come means these fields.
  if (additionalProperties === true || !isObject(properties)) return { type: UNKNOWN };
  return { fields: Object.keys(properties) };
}

/**
 * JSON types that a value may have, integers as numbers. Without null, because any value may turn
 * out to be missing. `undefined`: nothing is known.
 */
export function kindsOf(type: ValueType): readonly string[] | undefined {
  const values = allowedValues(type);
  const named = type['type'];
  const all: readonly Json[] = values
    ? values.map((value) => kindOf(value))
    : Array.isArray(named)
      ? (named as readonly Json[])
      : [named ?? null];
  const kinds = all
    .filter((kind) => typeof kind === 'string')
    .filter((kind) => kind !== 'null')
    .map((kind) => (kind === 'integer' ? 'number' : kind));
  return kinds.length === 0 ? undefined : [...new Set(kinds)];
}

/** The values an enumeration or constant allows. */
export function allowedValues(type: ValueType): readonly Json[] | undefined {
  const { enum: listed, const: only } = type;
  if (Array.isArray(listed)) return listed as readonly Json[];
  return only === undefined ? undefined : [only];
}

const KIND_WORDS: { readonly [kind: string]: string } = {
  string: 'a text',
  number: 'a number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a mapping',
};

export function listKinds(kinds: readonly string[]): string {
  return kinds.map((kind) => KIND_WORDS[kind] ?? kind).join(' or ');
}

/** The type that all these values have in common. */
export function typeOfValues(values: readonly Json[]): ValueType {
  const kinds = new Set(values.map((value) => kindOf(value)));
  const [kind] = kinds;
  if (kind === undefined || kinds.size > 1) return UNKNOWN;
  const lists = values.filter((value) => Array.isArray(value)) as readonly (readonly Json[])[];
  if (kind === 'array') return { type: 'array', items: typeOfValues(lists.flat()) };
  if (kind !== 'object') return { type: kind };
  const objects = values.filter(isObject);
  const names = [...new Set(objects.flatMap((one) => Object.keys(one)))];
  const properties = names.map((name): [string, ValueType] => [
    name,
    typeOfValues(objects.flatMap((one) => (Object.hasOwn(one, name) ? [one[name] ?? null] : []))),
  ]);
  return {
    type: 'object',
    properties: Object.fromEntries(properties),
    additionalProperties: false,
  };
}
