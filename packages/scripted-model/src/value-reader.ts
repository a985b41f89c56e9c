import { ScriptedModelError } from './errors.js';
import { isObject } from './json.js';
import type { Json, JsonObject } from './json.js';

/** Throws the error that says which place of a script is wrong, and how. */
export function refuse(path: string, expected: string, received: Json | undefined): never {
  const shown = received === undefined ? 'nothing' : JSON.stringify(received).slice(0, 80);
  throw new ScriptedModelError(
    'ORCH_SCRIPTED_MODEL_SCRIPT_INVALID',
    `script: ${path}: expected ${expected}, received ${shown}`,
    { path, expected, received: shown },
  );
}

/** An object with no other keys than the given ones. */
export function readObject(
  value: Json | undefined,
  path: string,
  keys: readonly string[],
): JsonObject {
  if (!isObject(value)) return refuse(path, 'an object', value);
  for (const key of Object.keys(value)) {
    if (!keys.includes(key)) refuse(`${path}.${key}`, `one of the keys ${keys.join(', ')}`, key);
  }
  return value;
}

/** A string. */
export function readString(value: Json | undefined, path: string): string {
  return typeof value === 'string' ? value : refuse(path, 'a string', value);
}

/** A whole number within bounds. */
export function readInteger(
  value: Json | undefined,
  path: string,
  bounds: { min: number; max: number },
): number {
  const fits =
    typeof value === 'number' &&
    Number.isInteger(value) &&
    value >= bounds.min &&
    value <= bounds.max;
  return fits ? value : refuse(path, `a whole number from ${bounds.min} to ${bounds.max}`, value);
}

/** A list. */
export function readList(value: Json | undefined, path: string): readonly Json[] {
  return Array.isArray(value) ? (value as readonly Json[]) : refuse(path, 'a list', value);
}

/** Bounds of anything counted. */
export const COUNT = { min: 0, max: Number.MAX_SAFE_INTEGER };

/** A string where the key is there. */
export function optionalString(from: JsonObject, key: string, path: string): string | undefined {
  return from[key] === undefined ? undefined : readString(from[key], `${path}.${key}`);
}
