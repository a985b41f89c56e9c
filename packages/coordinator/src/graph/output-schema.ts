import type { Json, JsonObject } from '../json.js';
import { canonicalJson } from './canonical-json.js';
import { countCharacters, isObject, kindOf } from './json-kind.js';

/** A longer list of what is wrong with one output helps nobody. */
const MAX_PROBLEMS = 20;

/**
 * Whether a value fits a schema that {@link findUnsupported} accepted. Problems name the place and
 * what was expected and received; they never quote the value, which may be anything.
 *
 * Our own subset rather than a library's: what is not checked must be refused beforehand, keyword by
 * keyword, and an object with an unexpected property must stay an error for ever.
 */
export function checkOutput(
  schema: JsonObject,
  value: Json,
): { readonly ok: true } | { readonly ok: false; readonly problems: readonly string[] } {
  const problems: string[] = [];
  check(schema, value, '$', (message) => {
    if (problems.length < MAX_PROBLEMS) problems.push(message);
  });
  return problems.length === 0 ? { ok: true } : { ok: false, problems };
}

type Say = (message: string) => void;

function check(schema: JsonObject, value: Json, at: string, say: Say): void {
  const types = typesOf(schema);
  if (types !== undefined && !types.some((type) => hasType(value, type))) {
    say(`${at}: expected ${types.join(' or ')}, received ${kindOf(value)}`);
    return;
  }
  const { enum: allowed, const: only } = schema;
  if (Array.isArray(allowed) && !(allowed as readonly Json[]).some((one) => isSame(one, value))) {
    say(`${at}: expected one of ${canonicalJson(allowed)}, received another ${kindOf(value)}`);
  }
  if (only !== undefined && !isSame(only, value)) {
    say(`${at}: expected ${canonicalJson(only)}, received another ${kindOf(value)}`);
  }
  if (typeof value === 'number') checkNumber(schema, value, at, say);
  if (typeof value === 'string')
    checkSize(schema, countCharacters(value), 'Length', 'characters', at, say);
  if (Array.isArray(value)) checkList(schema, value as readonly Json[], at, say);
  else if (isObject(value)) checkObject(schema, value, at, say);
}

function checkNumber(schema: JsonObject, value: number, at: string, say: Say): void {
  const { minimum, maximum } = schema;
  if (typeof minimum === 'number' && value < minimum) {
    say(`${at}: expected at least ${minimum}, received ${value}`);
  }
  if (typeof maximum === 'number' && value > maximum) {
    say(`${at}: expected at most ${maximum}, received ${value}`);
  }
}

function checkSize(
  schema: JsonObject,
  size: number,
  noun: 'Length' | 'Items',
  unit: string,
  at: string,
  say: Say,
): void {
  const least = schema[`min${noun}`];
  const most = schema[`max${noun}`];
  if (typeof least === 'number' && size < least) {
    say(`${at}: expected at least ${least} ${unit}, received ${size}`);
  }
  if (typeof most === 'number' && size > most) {
    say(`${at}: expected at most ${most} ${unit}, received ${size}`);
  }
}

function checkList(schema: JsonObject, value: readonly Json[], at: string, say: Say): void {
  checkSize(schema, value.length, 'Items', 'items', at, say);
  const { items } = schema;
  if (!isObject(items)) return;
  for (const [index, item] of value.entries()) check(items, item, `${at}[${index}]`, say);
}

function checkObject(schema: JsonObject, value: JsonObject, at: string, say: Say): void {
  const properties = isObject(schema['properties']) ? schema['properties'] : {};
  const required = Array.isArray(schema['required']) ? (schema['required'] as readonly Json[]) : [];
  const { additionalProperties } = schema;
  for (const name of required) {
    if (typeof name === 'string' && !Object.hasOwn(value, name)) {
      say(`${at}: expected the property ${JSON.stringify(name)}, which is missing`);
    }
  }
  for (const [name, member] of Object.entries(value)) {
    const place = /^[A-Za-z_]\w{0,63}$/.test(name) ? `${at}.${name}` : `${at}[…]`;
    const own = Object.hasOwn(properties, name) ? properties[name] : undefined;
    if (isObject(own)) check(own, member, place, say);
    else if (additionalProperties === false) say(`${place}: this property is not expected`);
    else if (isObject(additionalProperties)) check(additionalProperties, member, place, say);
  }
}

function typesOf(schema: JsonObject): readonly string[] | undefined {
  const { type } = schema;
  if (typeof type === 'string') return [type];
  if (!Array.isArray(type)) return undefined;
  return (type as readonly Json[]).filter((one) => typeof one === 'string');
}

function hasType(value: Json, type: string): boolean {
  const kind = kindOf(value);
  if (type === 'integer') return Number.isInteger(value);
  return kind === type;
}

/** Scalars by identity; the canonical text only where both sides are structures. */
function isSame(left: Json, right: Json): boolean {
  if (typeof left !== 'object' || typeof right !== 'object') return left === right;
  return left === right || canonicalJson(left) === canonicalJson(right);
}
