import type { StandardSchemaV1 } from '@standard-schema/spec';
import { isList, isObject, ownValue, type Json, type JsonObject } from './json.js';
import type { SettingPath } from './setting-path.js';

/** What a schema can tell about its settings, if it can be written as JSON Schema. */
export interface KnownSettings {
  /** The JSON Schema, or undefined: the library cannot make one. */
  readonly jsonSchema: JsonObject | undefined;
  /** Keys that an object may have. */
  keys(path: SettingPath): readonly string[] | undefined;
  /** Values that a setting may have, where there are only some. */
  options(path: SettingPath): readonly string[] | undefined;
  description(path: SettingPath): string | undefined;
}

/** Asks a schema for its JSON Schema, by the part of Standard Schema that libraries may have. */
export function knownSettings(schema: StandardSchemaV1): KnownSettings {
  const jsonSchema = convert(schema);
  const at = (path: SettingPath): readonly JsonObject[] => {
    let places: readonly JsonObject[] = jsonSchema ? variants(jsonSchema, jsonSchema) : [];
    for (const step of path) {
      places = places
        .flatMap((place) => inner(place, step))
        .flatMap((one) => variants(one, jsonSchema));
    }
    return places;
  };
  return {
    jsonSchema,
    keys(path) {
      const names = at(path).flatMap((place) => {
        const properties = ownValue(place, 'properties');
        return isObject(properties) ? Object.keys(properties) : [];
      });
      return names.length === 0 ? undefined : [...new Set(names)];
    },
    options(path) {
      const values = at(path).flatMap((place) => {
        const listed = ownValue(place, 'enum');
        const one = ownValue(place, 'const');
        return [...(isList(listed) ? listed : []), ...(one === undefined ? [] : [one])];
      });
      return values.length === 0 ? undefined : values.map(String);
    },
    description(path) {
      const [text] = at(path).flatMap((place) => ownValue(place, 'description') ?? []);
      return typeof text === 'string' ? text : undefined;
    },
  };
}

/** The part of the standard that a library may leave out. */
interface WithJsonSchema {
  readonly jsonSchema?: { readonly input?: (options: { readonly target: string }) => unknown };
}

function convert(schema: StandardSchemaV1): JsonObject | undefined {
  const { jsonSchema } = schema['~standard'] as WithJsonSchema;
  try {
    const converted = jsonSchema?.input?.({ target: 'draft-2020-12' });
    return isObject(converted) ? converted : undefined;
  } catch {
    // What a schema checks by code has no JSON Schema.
    return undefined;
  }
}

function inner(place: JsonObject, step: string | number): readonly JsonObject[] {
  const names = typeof step === 'number' ? ['items'] : ['properties', 'additionalProperties'];
  for (const name of names) {
    const found = ownValue(place, name);
    if (!isObject(found)) continue;
    const next: Json | undefined = name === 'properties' ? ownValue(found, String(step)) : found;
    if (isObject(next)) return [next];
  }
  return [];
}

/** Alternatives and references, opened. */
function variants(
  place: JsonObject,
  root: JsonObject | undefined,
  depth = 0,
): readonly JsonObject[] {
  if (depth > 8) return [];
  const reference = ownValue(place, '$ref');
  const target =
    typeof reference === 'string' && root
      ? resolve(root, reference.split('/').slice(1))
      : undefined;
  const more = ['anyOf', 'oneOf', 'allOf'].flatMap((name) => {
    const list = ownValue(place, name);
    return isList(list) ? list.filter(isObject) : [];
  });
  const opened = [...(target ? [target] : []), ...more];
  return [place, ...opened.flatMap((one) => variants(one, root, depth + 1))];
}

function resolve(root: JsonObject, steps: readonly string[]): JsonObject | undefined {
  let at: Json | undefined = root;
  for (const step of steps) at = isObject(at) ? ownValue(at, step) : undefined;
  return isObject(at) ? at : undefined;
}
