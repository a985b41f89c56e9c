import type { Json, JsonObject } from '../json.js';
import { describe, quote } from '../plan/describe.js';
import type { Path } from '../plan/path.js';
import type { Plan } from '../plan/plan.js';
import type { Report } from '../plan/problem.js';
import { TYPE_NAMES } from '../plan/schema/outputs.js';
import { nearest } from '../plan/suggestion.js';
import type { OutputSpec } from './graph.js';
import { isObject, kindOf } from './json-kind.js';
import { findUnsupported } from './schema-support.js';

/** Fields that would read as something else after the task's id. */
const SPECIAL = ['json', 'lines', 'schema', 'junit'];

/**
 * What a task hands on. Rules of the short form: a type name is a type; a mapping is a closed object
 * whose fields are required unless the name ends in `?`; a list with one type or mapping is a list of
 * it; a list of two or more values is an enumeration.
 */
export function compileOutput(
  plan: Plan,
  output: Json | undefined,
  path: Path,
  isCommand: boolean,
  report: Report,
): OutputSpec | undefined {
  if (output === undefined) return undefined;
  const say: Say = (at, message, suggestion) => {
    report.add(plan.locations.value(at), at, { code: 'ORCH_PLAN_OUTPUT', message, suggestion });
  };
  if (isObject(output) && SPECIAL.some((key) => Object.hasOwn(output, key))) {
    return compileSpecial(plan, output, path, isCommand, report, say);
  }
  if (isCommand) {
    const message =
      'the output of a command comes from its stdout; write { json: stdout, schema: … }';
    say(path, message);
    return undefined;
  }
  if (!isObject(output)) {
    say(path, `expected a mapping of fields, received ${describe(output)}`);
    return undefined;
  }
  return { kind: 'schema', from: 'agent', schema: compileShortForm(output, path, say) };
}

type Say = (path: Path, message: string, suggestion?: string) => void;

function compileSpecial(
  plan: Plan,
  output: JsonObject,
  path: Path,
  isCommand: boolean,
  report: Report,
  say: Say,
): OutputSpec | undefined {
  const { json, lines, schema } = output;
  const special = SPECIAL.filter((key) => Object.hasOwn(output, key));
  const [other] = Object.keys(output).filter((key) => !SPECIAL.includes(key));
  if (other !== undefined) {
    const names = special.join(' and ');
    say(
      [...path, other],
      `${quote(other)} cannot stand beside ${names}, which is no field but a form`,
    );
    return undefined;
  }
  for (const [key, value] of [
    ['json', json],
    ['lines', lines],
  ] as const) {
    if (value === undefined || value === 'stdout') continue;
    say([...path, key], `expected ${key}: stdout, received ${describe(value)}`);
    return undefined;
  }
  if (json !== undefined && lines !== undefined) {
    say([...path, 'lines'], 'expected json or lines, received both');
    return undefined;
  }
  if (!isCommand && schema === undefined) {
    say(path, 'only a command has a stdout; an agent hands on declared fields');
    return undefined;
  }
  if (!isCommand && (json ?? lines) !== undefined) {
    say(path, 'only a command has a stdout; an agent takes { schema: file.json } or fields');
    return undefined;
  }
  if (lines !== undefined) {
    if (schema === undefined) return { kind: 'lines' };
    say([...path, 'schema'], 'lines are a list of texts; a schema belongs to json: stdout');
    return undefined;
  }
  const at = [...path, 'schema'];
  const from = isCommand ? 'stdout' : 'agent';
  if (isCommand && json === undefined) {
    say(path, 'the output of a command comes from its stdout; add json: stdout');
    return undefined;
  }
  if (schema === undefined) return { kind: 'schema', from, schema: {} };
  if (typeof schema === 'string' && !isTypeName(schema)) {
    const found = readSchemaFile(plan, schema, at, isCommand, report, say);
    return found && { kind: 'schema', from, schema: found };
  }
  if (!isCommand) {
    say(at, 'schema: takes a file; fields stand directly under output:');
    return undefined;
  }
  return { kind: 'schema', from, schema: compileShortForm(schema, at, say) };
}

function readSchemaFile(
  plan: Plan,
  name: string,
  path: Path,
  isCommand: boolean,
  report: Report,
  say: Say,
): JsonObject | undefined {
  const file = plan.schemas.get(name);
  // A file that is not there was reported when it was read.
  if (file === undefined) return undefined;
  const unsupported = findUnsupported(file.value);
  for (const { path: at, message } of unsupported) {
    report.add(file.locations.key(at), at, { code: 'ORCH_PLAN_OUTPUT', message });
  }
  if (unsupported.length > 0 || !isObject(file.value)) return undefined;
  if (!isCommand && file.value['type'] !== 'object') {
    // It becomes the arguments of a tool call, which are an object always.
    say(path, `what an agent hands on is a mapping; ${name} does not say type: object`);
    return undefined;
  }
  return file.value;
}

function compileShortForm(form: Json, path: Path, say: Say): JsonObject {
  if (isObject(form)) return compileFields(form, path, say);
  if (Array.isArray(form)) return compileList(form as readonly Json[], path, say);
  if (typeof form === 'string') {
    if (isTypeName(form)) return { type: form };
    const message = `expected a type (${TYPE_NAMES.join(', ')}), received ${quote(form)}`;
    say(path, message, nearest(form, TYPE_NAMES));
    return {};
  }
  say(path, `expected a type, a list or a mapping, received ${describe(form)}`);
  return {};
}

function compileFields(form: JsonObject, path: Path, say: Say): JsonObject {
  const properties: { [name: string]: Json } = {};
  const required: string[] = [];
  for (const [key, field] of Object.entries(form)) {
    const name = key.endsWith('?') ? key.slice(0, -1) : key;
    const at = [...path, key];
    if (!/^[A-Za-z_][\w-]*$/.test(name)) {
      say(at, `expected a field name of letters, digits, _ and -, received ${quote(key)}`);
    } else if (Object.hasOwn(properties, name)) {
      say(at, `the field ${quote(name)} is declared twice`);
    } else {
      properties[name] = compileShortForm(field, at, say);
      if (name === key) required.push(name);
    }
  }
  if (Object.keys(form).length === 0) say(path, 'expected at least one field, received none');
  return { type: 'object', properties, required, additionalProperties: false };
}

function compileList(form: readonly Json[], path: Path, say: Say): JsonObject {
  const [only, ...more] = form;
  if (only === undefined) {
    say(path, 'expected [type] or the values of an enumeration, received an empty list');
    return {};
  }
  if (more.length === 0) return { type: 'array', items: compileShortForm(only, [...path, 0], say) };
  const seen = new Set<Json>();
  for (const [index, value] of form.entries()) {
    const at = [...path, index];
    if (typeof value === 'object') {
      say(at, `expected the values of an enumeration, received ${describe(value)}`);
    } else if (typeof value === 'string' && isTypeName(value)) {
      say(at, `${value} is a type; a list of two or more values is an enumeration`);
    } else if (seen.has(value)) {
      say(at, `${describe(value)} stands here twice`);
    }
    seen.add(value);
  }
  const kinds = new Set(form.map((value) => kindOf(value)));
  const [kind] = kinds;
  return kinds.size === 1 && kind !== undefined ? { type: kind, enum: form } : { enum: form };
}

function isTypeName(text: string): boolean {
  return (TYPE_NAMES as readonly string[]).includes(text);
}
