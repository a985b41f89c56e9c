import type { Json } from '../json.js';

/**
 * One text per value: keys sorted by UTF-16 units, no spaces, shortest numbers (as RFC 8785).
 * Properties that are `undefined` are left out, as `JSON.stringify` does.
 *
 * @throws {TypeError} for what JSON has no text for: NaN, infinities, functions, a bare `undefined`.
 */
export function canonicalJson(value: Json): string {
  return write(value);
}

function write(value: unknown): string {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') {
    return JSON.stringify(value);
  }
  if (typeof value === 'number' && Number.isFinite(value)) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(write).join(',')}]`;
  if (typeof value !== 'object') {
    throw new TypeError(`expected a JSON value, received ${typeof value}`);
  }
  const entries = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([key, member]) => `${JSON.stringify(key)}:${write(member)}`);
  return `{${entries.join(',')}}`;
}
