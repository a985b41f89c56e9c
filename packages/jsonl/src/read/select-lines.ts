import type { LineSelector } from './decode.js';

/** Values that a top-level field can be compared with. */
export type Scalar = string | number | boolean | null;
/** A record matches when each of these top-level fields is there and equal. */
export type Where = Readonly<Record<string, Scalar>>;

/** What the value of a field must look like in JSON text, unless it is written with `\u` escapes. */
function needleOf(name: string, value: Scalar): string {
  if (typeof value === 'string') return JSON.stringify(value);
  // 1, 1.0 and 1e0 are one number, so that only the name of the field can be looked for.
  if (typeof value === 'number') return JSON.stringify(name);
  return String(value);
}

/** Finds the first place at or after a position, and remembers it until it is passed. */
class Cursor {
  private readonly needle: Buffer;
  private next = -1;

  constructor(needle: Buffer) {
    this.needle = needle;
  }

  reset(): void {
    this.next = -1;
  }

  isWithin(view: Buffer, start: number, end: number): boolean {
    if (this.next < start) {
      this.next = view.indexOf(this.needle, start);
      if (this.next === -1) this.next = view.length;
    }
    return this.next < end;
  }
}

/** A class for the reason that `LineDecoder` is one. */
class NeedleSelector implements LineSelector {
  private readonly cursors: readonly Cursor[];

  constructor(needles: readonly Buffer[]) {
    this.cursors = needles.map((needle) => new Cursor(needle));
  }

  onChunk(): void {
    for (const cursor of this.cursors) cursor.reset();
  }

  mayMatch(view: Buffer, start: number, end: number): boolean {
    for (const cursor of this.cursors) if (cursor.isWithin(view, start, end)) return true;
    return false;
  }
}

/**
 * Tells from its bytes that a line cannot match. One search runs ahead over the whole chunk, so that
 * a line without a hit costs nothing but the search for its end.
 */
export function selectLines(where: Where): LineSelector | undefined {
  const needles = Object.entries(where).map(([name, value]) => needleOf(name, value));
  // The longest is met least often by chance.
  const [needle] = needles.sort((left, right) => right.length - left.length);
  if (needle === undefined) return undefined;
  // The same text may be written with escapes: \u for any character, \/ for a slash.
  const escapes = needle.startsWith('"') ? ['\\u', ...(needle.includes('/') ? ['\\/'] : [])] : [];
  return new NeedleSelector([needle, ...escapes].map((text) => Buffer.from(text)));
}

/** Whether a parsed record matches. */
export function matches(value: unknown, where: readonly (readonly [string, Scalar])[]): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return where.every(
    ([name, wanted]) =>
      Object.hasOwn(value, name) && (value as Record<string, unknown>)[name] === wanted,
  );
}

/** @throws TypeError when a value is nothing that JSON text can be compared with. */
export function checkWhere(where: Where | undefined): readonly (readonly [string, Scalar])[] {
  const entries = Object.entries(where ?? {});
  for (const [name, value] of entries) {
    const isScalar =
      value === null || ['string', 'boolean'].includes(typeof value) || Number.isFinite(value);
    if (!isScalar) {
      throw new TypeError(
        `where.${name} must be a string, a finite number, a boolean or null, received a ${typeof value}`,
      );
    }
  }
  return entries;
}
