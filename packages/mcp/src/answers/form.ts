import { isJsonObject, type Json, type JsonObject } from '../json.js';

/** The fields of the form that the content does not have get their defaults. */
export function withDefaults(schema: JsonObject, content: JsonObject): JsonObject {
  const filled: Record<string, Json | undefined> = { ...content };
  for (const [name, field] of fieldsOf(schema))
    if (!Object.hasOwn(filled, name) && field['default'] !== undefined)
      // Defined, not assigned: the name is the server's, and may be __proto__.
      Object.defineProperty(filled, name, {
        value: field['default'],
        enumerable: true,
        configurable: true,
        writable: true,
      });
  return filled;
}

/** What is wrong with the content by the form's own schema; undefined if nothing is. */
export function faultOf(schema: JsonObject, content: JsonObject): string | undefined {
  const fields = fieldsOf(schema);
  const required = Array.isArray(schema['required']) ? (schema['required'] as Json[]) : [];
  for (const name of required)
    if (typeof name === 'string' && (!Object.hasOwn(content, name) || content[name] === undefined))
      return `${JSON.stringify(name)} is missing`;
  for (const [name, value] of Object.entries(content)) {
    const field = fields.get(name);
    if (field === undefined) return `${JSON.stringify(name)} is not in the form`;
    if (value !== undefined && !fits(field, value))
      return `${JSON.stringify(name)} is not what the form asks for`;
  }
  return undefined;
}

function fieldsOf(schema: JsonObject): ReadonlyMap<string, JsonObject> {
  const properties = schema['properties'];
  const fields = new Map<string, JsonObject>();
  if (!isJsonObject(properties)) return fields;
  for (const [name, field] of Object.entries(properties))
    if (isJsonObject(field)) fields.set(name, field);
  return fields;
}

/** The few kinds of fields that a form can have. */
function fits(field: JsonObject, value: Json): boolean {
  switch (field['type']) {
    case 'string':
      return (
        typeof value === 'string' &&
        isWithin(field, 'minLength', 'maxLength', Array.from(value).length) &&
        isChoice(field, value)
      );
    case 'number':
    case 'integer':
      return (
        typeof value === 'number' &&
        Number.isFinite(value) &&
        (field['type'] === 'number' || Number.isInteger(value)) &&
        isWithin(field, 'minimum', 'maximum', value)
      );
    case 'boolean':
      return typeof value === 'boolean';
    case 'array': {
      const { items } = field;
      if (!Array.isArray(value)) return false;
      const chosen = value as readonly Json[];
      return (
        isWithin(field, 'minItems', 'maxItems', chosen.length) &&
        chosen.every(
          (one) => typeof one === 'string' && (!isJsonObject(items) || isChoice(items, one)),
        )
      );
    }
    default:
      return false;
  }
}

function isWithin(field: JsonObject, least: string, most: string, amount: number): boolean {
  const { [least]: low, [most]: high } = field;
  return (typeof low !== 'number' || amount >= low) && (typeof high !== 'number' || amount <= high);
}

/** Choices are a list of values (`enum`), or of objects with a title (`oneOf`, `anyOf`) and a `const`. */
function isChoice(field: JsonObject, value: string): boolean {
  if (Array.isArray(field['enum'])) return (field['enum'] as Json[]).includes(value);
  const titled = field['oneOf'] ?? field['anyOf'];
  if (!Array.isArray(titled)) return true;
  return (titled as Json[]).some((one) => isJsonObject(one) && one['const'] === value);
}
