/** A value that JSON can hold. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;

export interface JsonObject {
  readonly [key: string]: Json;
}

/**
 * More levels than this no output needs. JSON is read however deep it is, but what walks through a value or writes
 * it down breaks at some thousands of levels.
 */
export const deepest = 1000;

/** Whether a value has more levels than `deepest`. */
export const isTooDeep = (value: Json, room = deepest): boolean =>
  typeof value === 'object' &&
  value !== null &&
  (room === 0 || Object.values(value).some((item: Json) => isTooDeep(item, room - 1)));

/** The value as an object, or undefined when it is anything else. */
export function asObject(value: Json | undefined): JsonObject | undefined {
  return isObject(value) ? value : undefined;
}

/** The value as a list; empty when it is anything else. */
export function asList(value: Json | undefined): readonly Json[] {
  return isList(value) ? value : [];
}

export function asString(value: Json | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

export function asNumber(value: Json | undefined): number | undefined {
  return typeof value === 'number' ? value : undefined;
}

function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !isList(value);
}
