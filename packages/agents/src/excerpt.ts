import type { Json } from './json.js';

/** At most `limit` characters, the last of them `…` when something was cut off. Never ends inside a pair. */
export function shorten(text: string, limit: number): string {
  if (text.length <= limit) return text;
  const cut = text.slice(0, limit - 1);
  return `${/[\uD800-\uDBFF]$/.test(cut) ? cut.slice(0, -1) : cut}…`;
}

/** A value as one line of at most `limit` characters. */
export function oneLine(value: Json, limit: number): string {
  // Cut before and after: a huge value need not be searched as a whole.
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return shorten(
    shorten(text, limit * 4)
      .replace(/\s+/g, ' ')
      .trim(),
    limit,
  );
}

/** The last `limit` characters, beginning with `…` when something was cut off. */
export function lastPart(text: string, limit: number): string {
  if (text.length <= limit) return text;
  const cut = text.slice(text.length - limit + 1);
  return `…${/^[\uDC00-\uDFFF]/.test(cut) ? cut.slice(1) : cut}`;
}
