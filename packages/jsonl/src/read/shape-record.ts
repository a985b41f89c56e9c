import type { ReadOptions } from './read-options.js';
import type { SchemaResult } from './schema.js';
import { checkWhere, matches } from './select-lines.js';

/** Gives the named top-level fields of a record; `{}` for one that is no object. */
export function pickFields(value: unknown, fields: readonly string[]): object {
  const picked: Record<string, unknown> = {};
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return picked;
  for (const name of fields) {
    if (!Object.hasOwn(value, name)) continue;
    const item = (value as Record<string, unknown>)[name];
    if (name !== '__proto__') picked[name] = item;
    // Assigning would change the prototype instead.
    else Object.defineProperty(picked, name, ownProperty(item));
  }
  return picked;
}

function ownProperty(value: unknown): PropertyDescriptor {
  return { value, enumerable: true, configurable: true, writable: true };
}

/** Removes every own property named `__proto__`, without recursion, as JSON may be nested deeply. */
export function removeProto(value: unknown): void {
  const open: unknown[] = [value];
  for (let item = open.pop(); item !== undefined; item = open.pop()) {
    if (typeof item !== 'object' || item === null) continue;
    if (Object.hasOwn(item, '__proto__')) {
      delete (item as Record<string, unknown>)['__proto__'];
    }
    for (const child of Object.values(item)) {
      if (typeof child === 'object' && child !== null) open.push(child);
    }
  }
}

/** What becomes of a record: left out, delivered, refused by the schema, or not known yet. */
export type Shaped =
  | { readonly kind: 'out' }
  | { readonly kind: 'value'; readonly value: unknown }
  | { readonly kind: 'refused'; readonly issues: readonly { readonly message: string }[] }
  | { readonly kind: 'later'; readonly result: PromiseLike<SchemaResult<unknown>> };

const out: Shaped = { kind: 'out' };

export function shapedBy(result: SchemaResult<unknown>): Shaped {
  if (result.issues === undefined) return { kind: 'value', value: result.value };
  return { kind: 'refused', issues: result.issues.map(({ message }) => ({ message })) };
}

/** What the options do to each record; `undefined` when they do nothing. */
export function createShaper(options: ReadOptions): ((value: unknown) => Shaped) | undefined {
  const { fields, schema, proto } = options;
  const where = checkWhere(options.where);
  if (where.length === 0 && fields === undefined && schema === undefined && proto !== 'remove') {
    return undefined;
  }
  return (record) => {
    if (where.length > 0 && !matches(record, where)) return out;
    const value = fields === undefined ? record : pickFields(record, fields);
    if (proto === 'remove') removeProto(value);
    if (schema === undefined) return { kind: 'value', value };
    const result = schema['~standard'].validate(value);
    return 'then' in result ? { kind: 'later', result } : shapedBy(result);
  };
}
