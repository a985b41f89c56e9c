import { createHash } from 'node:crypto';
import { isJsonObject } from '../json.js';

/** The same text for the same value, whatever the order of its keys. Fields that are undefined are left out. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => {
    if (!isJsonObject(inner)) return inner;
    const sorted = Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1));
    // A plain object would lose a key called __proto__.
    const copy = Object.create(null) as Record<string, unknown>;
    for (const [key, one] of sorted) copy[key] = one;
    return copy;
  });
}

export const sha256 = (content: string | Buffer): string =>
  createHash('sha256').update(content).digest('hex');
