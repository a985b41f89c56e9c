import type { Json, JsonObject } from '../json.js';
import { describe } from '../plan/describe.js';
import { isObject, kindOf, own } from './json-kind.js';

/** Something in a schema that outputs are not checked against. */
export interface Unsupported {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

const TYPES = ['string', 'integer', 'number', 'boolean', 'object', 'array', 'null'];

/** Say nothing about which values fit. */
const ANNOTATIONS = ['$schema', '$id', '$comment', 'title', 'description', 'default', 'examples'];

const isCount = (value: Json): boolean => Number.isInteger(value) && Number(value) >= 0;
const isNames = (value: Json): boolean =>
  Array.isArray(value) && (value as readonly Json[]).every((one) => typeof one === 'string');
const isType = (value: Json): boolean => typeof value === 'string' && TYPES.includes(value);

/** Supported keywords: what their value must look like, and how to say so. */
const KEYWORDS: { readonly [keyword: string]: readonly [(value: Json) => boolean, string] } = {
  type: [
    (value) => isType(value) || (Array.isArray(value) && value.length > 0 && value.every(isType)),
    `one or more of ${TYPES.join(', ')}`,
  ],
  enum: [(value) => Array.isArray(value) && value.length > 0, 'a list of values'],
  const: [() => true, 'a value'],
  properties: [isObject, 'a mapping of schemas'],
  required: [isNames, 'a list of names'],
  additionalProperties: [
    (value) => typeof value === 'boolean' || isObject(value),
    'true, false or a schema',
  ],
  items: [isObject, 'a schema'],
  minimum: [(value) => typeof value === 'number', 'a number'],
  maximum: [(value) => typeof value === 'number', 'a number'],
  minLength: [isCount, 'a count'],
  maxLength: [isCount, 'a count'],
  minItems: [isCount, 'a count'],
  maxItems: [isCount, 'a count'],
};

/**
 * What `checkOutput` would not check in this schema, keyword by keyword. Empty: every word of it
 * counts.
 */
export function findUnsupported(
  schema: Json,
  path: readonly (string | number)[] = [],
): Unsupported[] {
  if (!isObject(schema)) {
    return [{ path, message: `expected a JSON Schema object, received ${kindOf(schema)}` }];
  }
  const found: Unsupported[] = [];
  for (const [keyword, value] of Object.entries(schema)) {
    if (ANNOTATIONS.includes(keyword)) continue;
    const at = [...path, keyword];
    const rule = own(KEYWORDS, keyword);
    if (rule === undefined) {
      const supported = Object.keys(KEYWORDS).join(', ');
      const message = `the schema keyword ${JSON.stringify(keyword)} is not supported; supported are ${supported}`;
      found.push({ path: at, message });
    } else if (!rule[0](value)) {
      found.push({
        path: at,
        message: `${keyword}: expected ${rule[1]}, received ${describe(value)}`,
      });
    } else {
      found.push(
        ...subschemas(keyword, value, at).flatMap(([one, where]) => findUnsupported(one, where)),
      );
    }
  }
  return found;
}

function subschemas(
  keyword: string,
  value: Json,
  at: readonly (string | number)[],
): [Json, readonly (string | number)[]][] {
  if (keyword === 'properties' && isObject(value)) {
    return Object.entries(value).map(([name, one]) => [one, [...at, name]]);
  }
  if (keyword === 'items' || (keyword === 'additionalProperties' && isObject(value))) {
    return [[value, at]];
  }
  return [];
}

/**
 * Whether every value that fits is harmless as text: numbers, booleans, null and listed values, in
 * closed objects. Only such a schema takes the sting out of untrusted content; a free string does not.
 */
export function isStrict(schema: JsonObject): boolean {
  if (Array.isArray(schema['enum']) || schema['const'] !== undefined) return true;
  const { type } = schema;
  const types =
    typeof type === 'string' ? [type] : Array.isArray(type) ? (type as readonly Json[]) : [];
  return types.length > 0 && types.every((one) => isStrictType(schema, one));
}

function isStrictType(schema: JsonObject, type: Json): boolean {
  switch (type) {
    case 'integer':
    case 'number':
    case 'boolean':
    case 'null':
      return true;
    case 'array':
      return isObject(schema['items']) && isStrict(schema['items']);
    case 'object': {
      const properties = isObject(schema['properties']) ? Object.values(schema['properties']) : [];
      const closed = schema['additionalProperties'] === false;
      return closed && properties.every((one) => isObject(one) && isStrict(one));
    }
    default:
      return false;
  }
}
