import { isJsonObject, type Json, type JsonObject } from '../json.js';
import { headerValue } from './envelope.js';

const mark = 'x-mcp-header';

/** A parameter of a tool that also goes into an HTTP header. */
export interface MarkedParameter {
  readonly path: readonly string[];
  /** Without `Mcp-Param-`. */
  readonly header: string;
}

/** Where a schema may hold schemas that are no fixed place in the arguments: a mark there has no meaning. */
const elsewhere = new Set([
  'items',
  'prefixItems',
  'contains',
  'additionalProperties',
  'additionalItems',
  'unevaluatedProperties',
  'unevaluatedItems',
  'propertyNames',
  'patternProperties',
  'dependentSchemas',
  'oneOf',
  'anyOf',
  'allOf',
  'not',
  'if',
  'then',
  'else',
  '$defs',
  'definitions',
]);
const carried = new Set<Json | undefined>(['string', 'integer', 'boolean']);
/** Deeper than any schema that is meant well. */
const depthMost = 100;

/** The marked parameters of a tool, or undefined if a mark is not valid: then the tool may not be used over HTTP. */
export function markedParameters(inputSchema: JsonObject): readonly MarkedParameter[] | undefined {
  const marked: MarkedParameter[] = [];
  const known = new Set<string>();

  function isValid(schema: Json | undefined, path: readonly string[], isFixed: boolean): boolean {
    if (path.length > depthMost) return false;
    if (Array.isArray(schema))
      return (schema as readonly Json[]).every((one) => isValid(one, path, isFixed));
    if (!isJsonObject(schema)) return true;
    if (mark in schema) {
      const header = schema[mark];
      if (!isFixed || path.length === 0 || !carried.has(schema['type'])) return false;
      if (typeof header !== 'string' || !/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(header))
        return false;
      if (known.has(header.toLowerCase())) return false;
      known.add(header.toLowerCase());
      marked.push({ path, header });
    }
    return Object.entries(schema).every(([key, value]) => {
      if (key === 'properties' && isJsonObject(value))
        return Object.entries(value).every(([name, one]) => isValid(one, [...path, name], isFixed));
      if (!elsewhere.has(key)) return true;
      // Some hold a schema, some a list of them, some an object of them.
      const inner = [...path, key];
      return (
        isValid(value, inner, false) &&
        (!isJsonObject(value) ||
          Object.values(value).every((one) => !isJsonObject(one) || isValid(one, inner, false)))
      );
    });
  }

  return isValid(inputSchema, [], true) ? marked : undefined;
}

/** The headers of a call. What is left out, or null, or cannot be written exactly, has none. */
export function parameterHeaders(
  marked: readonly MarkedParameter[],
  args: Json | undefined,
): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const { path, header } of marked) {
    let value: Json | undefined = args;
    for (const key of path)
      value = isJsonObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
    const name = `mcp-param-${header.toLowerCase()}`;
    if (typeof value === 'string') headers[name] = headerValue(value);
    else if (typeof value === 'boolean' || Number.isSafeInteger(value))
      headers[name] = JSON.stringify(value);
  }
  return headers;
}
