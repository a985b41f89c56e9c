import type { Json, JsonObject } from '../json.js';
import type { Reference, Scope, Template } from './reference.js';

/**
 * The value of a template. A template that is one reference keeps the type of its value; text with
 * holes becomes text. What does not exist is `null`. Inserted values are never expanded again.
 */
export function resolveTemplate(template: Template, scope: Scope): Json {
  switch (template.kind) {
    case 'literal':
      return template.value;
    case 'reference':
      return resolveReference(template.reference, scope) ?? null;
    case 'text':
      return renderText(template, scope);
    case 'list':
      return template.items.map((item) => resolveTemplate(item, scope));
    case 'object':
      return Object.fromEntries(
        Object.entries(template.entries).map(([key, item]) => [key, resolveTemplate(item, scope)]),
      );
  }
}

/** A template as text: strings as they are, every other value as JSON with two spaces. */
export function renderText(template: Template, scope: Scope): string {
  if (template.kind !== 'text') return asText(resolveTemplate(template, scope));
  return template.parts
    .map((part) =>
      typeof part === 'string' ? part : asText(resolveReference(part, scope) ?? null),
    )
    .join('');
}

/** The value a reference points at; `undefined` where a key or an item is missing on the way. */
export function resolveReference(reference: Reference, scope: Scope): Json | undefined {
  let value = rootValue(reference, scope);
  for (const key of reference.path) {
    if (Array.isArray(value)) {
      value = typeof key === 'number' ? (value as readonly Json[])[key] : undefined;
    } else if (typeof value === 'object' && value !== null && Object.hasOwn(value, key)) {
      value = (value as JsonObject)[key];
    } else {
      return undefined;
    }
  }
  return value;
}

function rootValue({ root }: Reference, scope: Scope): Json | undefined {
  switch (root.kind) {
    case 'inputs':
      return scope.inputs;
    case 'run':
      return scope.run;
    case 'env':
      return scope.env;
    case 'matrix':
      return scope.matrix;
    case 'item':
      return scope.item?.name === root.name ? scope.item.value : undefined;
    case 'with':
      return own(scope.with, root.name);
    case 'task':
      return scope.task(root.id, root.all);
  }
}

function own(record: JsonObject | undefined, key: string): Json | undefined {
  return record !== undefined && Object.hasOwn(record, key) ? record[key] : undefined;
}

function asText(value: Json): string {
  return typeof value === 'string' ? value : JSON.stringify(value, null, 2);
}
