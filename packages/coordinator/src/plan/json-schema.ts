import * as z from 'zod';
import type { Json, JsonObject } from '../json.js';
import { isObject } from '../graph/json-kind.js';
import type { Path } from './path.js';
import { editorSchema, partSchema } from './schema/plan.js';

/**
 * The grammar as JSON Schema 2020-12, for editors. Reserved keys are in it and say so in their
 * description. It describes shape alone: names, references and edges are checked by `readPlan`.
 */
export function planJsonSchema(): JsonObject {
  const schema = z.toJSONSchema(editorSchema, { io: 'input', unrepresentable: 'any' });
  return { ...(schema as JsonObject), title: 'orch plan, version 1' };
}

const schemas = new Map<'plan' | 'part', JsonObject>();

/** The keys that the mapping at `path` may have, for suggestions. */
export function knownKeys(kind: 'plan' | 'part', path: Path): string[] {
  let root = schemas.get(kind);
  if (root === undefined) {
    root =
      kind === 'plan'
        ? planJsonSchema()
        : (z.toJSONSchema(partSchema, { io: 'input', unrepresentable: 'any' }) as JsonObject);
    schemas.set(kind, root);
  }
  let level: JsonObject[] = [root];
  for (const key of path) {
    level = level.flatMap((schema) => branches(schema, root)).flatMap((one) => step(one, key));
  }
  const keys = level
    .flatMap((schema) => branches(schema, root))
    .flatMap((one) => {
      return isObject(one['properties']) ? Object.keys(one['properties']) : [];
    });
  return [...new Set(keys)];
}

function step(schema: JsonObject, key: string | number): JsonObject[] {
  if (typeof key === 'number') return isObject(schema['items']) ? [schema['items']] : [];
  const properties: Json | undefined = schema['properties'];
  const found: Json | undefined = isObject(properties)
    ? properties[key]
    : schema['additionalProperties'];
  return isObject(found) ? [found] : [];
}

function branches(schema: JsonObject, root: JsonObject): JsonObject[] {
  const reference = schema['$ref'];
  if (typeof reference === 'string') {
    const name = reference.replace('#/$defs/', '');
    const definitions = root['$defs'];
    const found = isObject(definitions) ? definitions[name] : undefined;
    return isObject(found) ? [found] : [];
  }
  const options = schema['anyOf'];
  if (!Array.isArray(options)) return [schema];
  return (options as readonly Json[]).filter(isObject).flatMap((one) => branches(one, root));
}
