import type { Json } from '../json.js';
import type { Path } from '../plan/path.js';
import { checkReference } from './check-reference.js';
import { isObject } from './json-kind.js';
import { placeOf, refuse, type Namespace, type Place } from './namespace.js';
import { parseTemplate } from './parse-template.js';
import type { Reference, Template } from './reference.js';
import { TEXT, typeOfValues, UNKNOWN, type ValueType } from './value-type.js';

/** A template, and what is known about the value it will have. */
export interface TypedTemplate {
  readonly template: Template;
  readonly type: ValueType;
}

/** Text with holes. A bad hole is reported and left out. */
export function compileText(namespace: Namespace, text: string, place: Place): TypedTemplate {
  const { parts, faults } = parseTemplate(text);
  for (const { fault, offset } of faults) {
    refuse(namespace.report, place, offset, 'ORCH_PLAN_REFERENCE_SYNTAX', fault);
  }
  const checked: (string | Reference)[] = [];
  let type: ValueType = TEXT;
  for (const part of parts) {
    if (namespace.report.isFull()) break;
    if (typeof part === 'string') {
      checked.push(part);
      continue;
    }
    const found = checkReference(namespace, part, place);
    if (found === undefined) continue;
    checked.push(found.reference);
    if (parts.length === 1) type = found.type;
  }
  const [only, ...more] = checked;
  if (only === undefined) return { template: { kind: 'literal', value: '' }, type: UNKNOWN };
  if (more.length > 0) return { template: { kind: 'text', parts: checked }, type: TEXT };
  if (typeof only === 'string') return { template: { kind: 'literal', value: only }, type: TEXT };
  return { template: { kind: 'reference', reference: only }, type };
}

/** Any value of the plan; texts inside it may hold references. */
export function compileValue(
  namespace: Namespace,
  value: Json,
  path: Path,
  rules: Pick<Place, 'allowed' | 'isKnownOnly' | 'instead'>,
): TypedTemplate {
  if (typeof value === 'string') {
    return compileText(namespace, value, placeOf(namespace.plan, path, value, rules));
  }
  if (Array.isArray(value)) {
    const items = (value as readonly Json[]).map((item, index) =>
      compileValue(namespace, item, [...path, index], rules),
    );
    return compileList(value as readonly Json[], items);
  }
  if (!isObject(value))
    return { template: { kind: 'literal', value }, type: typeOfValues([value]) };
  const entries = Object.entries(value).map(([key, item]): [string, TypedTemplate] => [
    key,
    compileValue(namespace, item, [...path, key], rules),
  ]);
  const templates = entries.map(([key, item]): [string, Template] => [key, item.template]);
  const types = entries.map(([key, item]): [string, ValueType] => [key, item.type]);
  const type = {
    type: 'object',
    properties: Object.fromEntries(types),
    additionalProperties: false,
  };
  const isLiteral = entries.every(([, item]) => item.template.kind === 'literal');
  const literal = entries.map(([key, item]): [string, Json] => [key, literalOf(item)]);
  return {
    type,
    template: isLiteral
      ? { kind: 'literal', value: Object.fromEntries(literal) }
      : { kind: 'object', entries: Object.fromEntries(templates) },
  };
}

function compileList(values: readonly Json[], items: readonly TypedTemplate[]): TypedTemplate {
  if (items.every((item) => item.template.kind === 'literal')) {
    const literals = items.map(literalOf);
    return { template: { kind: 'literal', value: literals }, type: typeOfValues([values]) };
  }
  const [first] = items;
  const same = items.every((item) => JSON.stringify(item.type) === JSON.stringify(first?.type));
  const type = { type: 'array', items: same ? (first?.type ?? UNKNOWN) : UNKNOWN };
  return { template: { kind: 'list', items: items.map((item) => item.template) }, type };
}

function literalOf(item: TypedTemplate): Json {
  return item.template.kind === 'literal' ? item.template.value : null;
}

/** Calls `visit` for every reference in a template. */
export function referencesOf(template: Template): readonly Reference[] {
  switch (template.kind) {
    case 'literal':
      return [];
    case 'reference':
      return [template.reference];
    case 'text':
      return template.parts.filter((part) => typeof part !== 'string');
    case 'list':
      return template.items.flatMap(referencesOf);
    case 'object':
      return Object.values(template.entries).flatMap(referencesOf);
  }
}
