import type { LineSelector } from './decode.js';
import { FieldLocator } from './locate-fields.js';
import type { FindObject } from './scan-buffer.js';
import { backslash, none, quote } from './scan-value.js';

/** Values that a top-level field can be compared with. */
export type Scalar = string | number | boolean | null;
/** A record matches when each of these top-level fields is there and equal. */
export type Where = Readonly<Record<string, Scalar>>;

/** How many bytes of a chunk are looked at to learn which are rare. */
const sampledBytes = 1024;
const missBytes = 256;
/** More than one backslash in so many bytes are many. */
const manyBytes = 128;

/** What the value of a field must look like in JSON text, unless it is written with `\u` escapes. */
function needleOf(name: string, value: Scalar): string {
  if (typeof value === 'string') return JSON.stringify(value);
  // 1, 1.0 and 1e0 are one number, so that only the name of the field can be looked for.
  if (typeof value === 'number') return JSON.stringify(name);
  return String(value);
}

/** How often each byte is among some of a chunk. */
class ByteCounts {
  private readonly counts = new Uint16Array(256);

  take(view: Buffer): void {
    this.counts.fill(0);
    const step = Math.max(1, Math.floor(view.length / sampledBytes));
    for (let at = 0; at < view.length; at += step) {
      const byte = view[at] ?? 0;
      this.counts[byte] = (this.counts[byte] ?? 0) + 1;
    }
  }

  of(byte: number | undefined): number {
    return this.counts[byte ?? 0] ?? 0;
  }
}

/**
 * Finds the first place at or after a position, and remembers it until it is passed. Looks for the two bytes of
 * the needle of which the first is rarest: from one such byte to the next the system's own search goes ten
 * times as fast as a search for all of the needle.
 */
class Cursor {
  private readonly needle: Buffer;
  private next = -1;
  private pair: Buffer;
  private pairAt = 0;

  constructor(needle: Buffer) {
    this.needle = needle;
    this.pair = needle.subarray(0, 2);
  }

  reset(counts: ByteCounts): void {
    this.next = -1;
    let best = 0;
    for (let at = 1; at + 1 < this.needle.length; at += 1) {
      if (counts.of(this.needle[at]) < counts.of(this.needle[best])) best = at;
    }
    if (best === this.pairAt) return;
    this.pairAt = best;
    this.pair = this.needle.subarray(best, best + 2);
  }

  isWithin(view: Buffer, start: number, end: number): boolean {
    if (this.next < start) this.next = this.find(view, start);
    return this.next < end;
  }

  /** The same for one line, without a look behind it. */
  isIn(view: Buffer, start: number, end: number): boolean {
    return view.subarray(start, end).includes(this.needle);
  }

  private find(view: Buffer, start: number): number {
    const { needle, pair, pairAt } = this;
    for (let misses = 0, from = start + pairAt; ; misses += 1) {
      const found = view.indexOf(pair, from);
      if (found === -1) return view.length;
      const at = found - pairAt;
      if (this.isAt(view, at)) return at;
      from = found + 1;
      // The sample was wrong: each miss costs as much as to search a few hundred bytes for all of it.
      if (misses > 16 && from - start < misses * missBytes) {
        const whole = view.indexOf(needle, at + 1);
        return whole === -1 ? view.length : whole;
      }
    }
  }

  private isAt(view: Buffer, start: number): boolean {
    for (let at = 0; at < this.needle.length; at += 1)
      if (view[start + at] !== this.needle[at]) return false;
    return true;
  }
}

/** A class for the reason that `LineDecoder` is one. */
class NeedleSelector implements LineSelector {
  private readonly isString: boolean;
  private readonly bytes: Buffer;
  private readonly needle: Cursor;
  /** The same text may be written with escapes: \u for any character, \/ for a slash. */
  private readonly escapes: readonly Cursor[];
  private readonly counts = new ByteCounts();
  private readonly field: FieldLocator;
  /** So many backslashes that to search for escapes would cost more than to find the field. */
  private isFullOfEscapes = false;

  constructor(name: string, isString: boolean, bytes: Buffer) {
    this.isString = isString;
    this.bytes = bytes;
    const mayBeEscaped = bytes[0] === quote;
    const escapes = mayBeEscaped ? ['\\u', ...(bytes.includes('/') ? ['\\/'] : [])] : [];
    this.needle = new Cursor(bytes);
    this.escapes = escapes.map((text) => new Cursor(Buffer.from(text)));
    this.field = new FieldLocator([name]);
  }

  onChunk(view: Buffer, findObject: FindObject | undefined): void {
    this.field.onChunk(view, findObject);
    this.counts.take(view);
    this.isFullOfEscapes = this.counts.of(backslash) > sampledBytes / manyBytes;
    this.needle.reset(this.counts);
    for (const escape of this.escapes) escape.reset(this.counts);
  }

  mayMatch(view: Buffer, start: number, end: number): boolean {
    if (this.escapes.length === 0) return this.needle.isWithin(view, start, end);
    if (this.isFullOfEscapes) {
      const { starts, ends } = this.field;
      const located = this.field.locate(view, start, end, false);
      const [at = none] = starts;
      // A name that is not there may be written with escapes; to know costs as much as to parse.
      if (located === 'found') return this.isMatch(view, at, ends[0] ?? at);
    }
    if (this.needle.isWithin(view, start, end)) return true;
    // Behind this line there is no use in knowing where the next one is: there are too many to stop at.
    if (this.isFullOfEscapes) return this.escapes.some((escape) => escape.isIn(view, start, end));
    return this.escapes.some((escape) => escape.isWithin(view, start, end));
  }

  /** Whether the value at `[start, end)` can be the one that is looked for. */
  private isMatch(view: Buffer, start: number, end: number): boolean {
    if (view[start] !== quote) return !this.isString;
    if (!this.isString) return false;
    const length = end - start;
    const isSame =
      length === this.bytes.length && view.compare(this.bytes, 0, length, start, end) === 0;
    return isSame || view.subarray(start, end).includes(backslash);
  }
}

/**
 * Tells from its bytes that a line cannot match. One search runs ahead over the whole chunk, so that
 * a line without a hit costs nothing but the search for its end.
 */
export function selectLines(where: Where): LineSelector | undefined {
  const needles = Object.entries(where).map(([name, value]) => ({
    name,
    isString: typeof value === 'string',
    bytes: Buffer.from(needleOf(name, value)),
  }));
  // The longest is met least often by chance.
  const [needle] = needles.sort((left, right) => right.bytes.length - left.bytes.length);
  return needle && new NeedleSelector(needle.name, needle.isString, needle.bytes);
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
