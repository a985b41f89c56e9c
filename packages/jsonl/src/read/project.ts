import { decodeText, type Projector } from './decode.js';
import type { Where } from './select-lines.js';

const quote = 0x22;
const backslash = 0x5c;
const colon = 0x3a;
const comma = 0x2c;
const openBrace = 0x7b;
const closeBrace = 0x7d;
const openBracket = 0x5b;
const closeBracket = 0x5d;

/** A string longer than this is searched for its end by native code, which pays only for long ones. */
const shortString = 24;
/** A string up to this long is looked through before it is decoded, as most need no parsing. */
const plainString = 64;
const objectStart = Buffer.from('{"');
const none = -1;

function skipSpace(view: Buffer, from: number, end: number): number {
  let at = from;
  while (at < end) {
    const byte = view[at];
    if (byte !== 0x20 && byte !== 0x09 && byte !== 0x0d) break;
    at += 1;
  }
  return at;
}

/** The byte after the string whose opening quote is at `from`; `none` when it does not end. */
function skipString(view: Buffer, from: number, end: number): number {
  let at = from + 1;
  const near = Math.min(end, at + shortString);
  while (at < near) {
    const byte = view[at] ?? 0;
    if (byte === quote) return at + 1;
    if (byte < 0x20) return none;
    at += byte === backslash ? 2 : 1;
  }
  for (;;) {
    const found = view.indexOf(quote, at);
    if (found === -1 || found >= end) return none;
    let before = found - 1;
    while (before >= at && view[before] === backslash) before -= 1;
    if ((found - before) % 2 === 1) return found + 1;
    at = found + 1;
  }
}

/** The byte after the value that begins at `from`, by its brackets and quotes; `none` when it does not end. */
function skipValue(view: Buffer, from: number, end: number): number {
  const first = view[from];
  if (first === quote) return skipString(view, from, end);
  if (first !== openBrace && first !== openBracket) {
    let at = from;
    while (at < end) {
      const byte = view[at] ?? 0;
      if (byte === comma || byte === closeBrace || byte <= 0x20) break;
      if (byte === quote || byte === openBrace || byte === openBracket) return none;
      at += 1;
    }
    return at === from ? none : at;
  }
  let depth = 0;
  for (let at = from; at < end;) {
    const byte = view[at];
    if (byte === quote) {
      at = skipString(view, at, end);
      if (at === none) return none;
      continue;
    }
    at += 1;
    if (byte === openBrace || byte === openBracket) depth += 1;
    else if (byte === closeBrace || byte === closeBracket) {
      depth -= 1;
      if (depth === 0) return at;
    } else if (byte === 0) return none;
  }
  return none;
}

/** The index of the wanted name that stands at `[from, to)`, or `none`. */
function findName(names: readonly Buffer[], view: Buffer, from: number, to: number): number {
  next: for (let index = 0; index < names.length; index += 1) {
    const name = names[index];
    if (name?.length !== to - from) continue;
    for (let at = 0; at < name.length; at += 1) if (name[at] !== view[from + at]) continue next;
    return index;
  }
  return none;
}

/**
 * Whether nothing speaks against `[at, end)` being the rest of one record: it ends with a brace, and
 * no other record begins in it. An object inside a record follows a colon, a comma or a bracket; one
 * that begins with the name that the line begins with (at `[nameStart, nameEnd)`) is a second record.
 */
function isRestOfOne(
  view: Buffer,
  at: number,
  end: number,
  nameStart: number,
  nameEnd: number,
): boolean {
  const last = view[end - 1] === 0x0d ? end - 2 : end - 1;
  if (last < at || view[last] !== closeBrace) return false;
  for (let open = view.indexOf(objectStart, at); open !== -1 && open < end;) {
    let before = open - 1;
    while (before > at && view[before] === 0x20) before -= 1;
    const byte = view[before];
    if (byte !== colon && byte !== comma && byte !== openBracket) return false;
    let same = 0;
    const length = nameEnd - nameStart + 1;
    while (same < length && view[open + 2 + same] === view[nameStart + same]) same += 1;
    if (same === length) return false;
    open = view.indexOf(objectStart, open + 2);
  }
  return true;
}

/** The string at `[start, end)`, when it is short and its bytes stand for themselves. */
function takePlainString(view: Buffer, start: number, end: number): string | undefined {
  if (view[start] !== quote || end - start > plainString) return undefined;
  for (let at = start + 1; at < end - 1; at += 1) {
    const byte = view[at] ?? 0;
    if (byte === backslash || byte < 0x20 || byte >= 0x80) return undefined;
  }
  return decodeText(view, start + 1, end - 1);
}

/** A class for the reason that `LineDecoder` is one. */
class FieldProjector implements Projector {
  private readonly fields: readonly string[];
  private readonly names: readonly Buffer[];
  /** Where the values of the fields begin and end in the line in hand. */
  private readonly starts: number[];
  private readonly ends: number[];
  private readonly wantedCount: number;

  constructor(fields: readonly string[]) {
    this.fields = fields;
    this.names = fields.map((name) => Buffer.from(name));
    this.starts = new Array<number>(fields.length).fill(none);
    this.ends = new Array<number>(fields.length).fill(none);
    this.wantedCount = new Set(fields).size;
  }

  project(view: Buffer, from: number, end: number): object | undefined {
    const { fields, names, starts, ends, wantedCount } = this;
    starts.fill(none);
    let missing = wantedCount;
    let firstName = none;
    let firstNameEnd = none;
    let at = skipSpace(view, from, end);
    if (view[at] !== openBrace) return undefined;
    at = skipSpace(view, at + 1, end);
    if (view[at] === closeBrace) return skipSpace(view, at + 1, end) === end ? {} : undefined;
    for (;;) {
      if (view[at] !== quote) return undefined;
      const nameStart = at + 1;
      at = nameStart;
      while (at < end && view[at] !== quote) {
        const byte = view[at] ?? 0;
        if (byte === backslash || byte < 0x20) return undefined;
        at += 1;
      }
      const wanted = findName(names, view, nameStart, at);
      if (firstName === none) {
        firstName = nameStart;
        firstNameEnd = at;
      }
      at = skipSpace(view, at + 1, end);
      if (view[at] !== colon) return undefined;
      at = skipSpace(view, at + 1, end);
      const valueEnd = skipValue(view, at, end);
      if (valueEnd === none || valueEnd > end) return undefined;
      if (wanted !== none) {
        if (starts[wanted] === none) missing -= 1;
        // The last of several with one name counts, as it does for JSON.parse, if it is come to.
        starts[wanted] = at;
        ends[wanted] = valueEnd;
        if (missing === 0) {
          if (isRestOfOne(view, valueEnd, end, firstName, firstNameEnd)) break;
          // Asked once: from here on the line is followed to its end.
          missing = none;
        }
      }
      at = skipSpace(view, valueEnd, end);
      if (view[at] === closeBrace) {
        if (skipSpace(view, at + 1, end) !== end) return undefined;
        break;
      }
      if (view[at] !== comma || at >= end) return undefined;
      at = skipSpace(view, at + 1, end);
    }

    const picked: Record<string, unknown> = {};
    for (let index = 0; index < fields.length; index += 1) {
      const start = starts[index] ?? none;
      if (start === none) continue;
      const plain = takePlainString(view, start, ends[index] ?? start);
      if (plain !== undefined) {
        picked[fields[index] ?? ''] = plain;
        continue;
      }
      const text = decodeText(view, start, ends[index] ?? start);
      if (text.includes('\ufffd')) return undefined;
      try {
        picked[fields[index] ?? ''] = JSON.parse(text);
      } catch {
        return undefined;
      }
    }
    return picked;
  }
}

/**
 * Takes fields out of the bytes of a record by following its brackets and quotes, so that only what
 * is wanted is decoded and parsed, and no further than the last of them if the rest of the line looks
 * like the rest of one record. A line about which anything is unusual is left to be parsed whole: no
 * object, a name with an escape, brackets that do not fit. `undefined` when that is all that helps.
 */
export function projectFields(fields: readonly string[], where: Where): Projector | undefined {
  // What `where` compares must be in what is made, and would have to be taken out of it again.
  if (Object.keys(where).some((name) => !fields.includes(name))) return undefined;
  // Assigning it would change the prototype.
  if (fields.includes('__proto__')) return undefined;
  return new FieldProjector(fields);
}
