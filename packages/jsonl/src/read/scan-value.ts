export const quote = 0x22;
export const backslash = 0x5c;
export const colon = 0x3a;
export const comma = 0x2c;
export const openBrace = 0x7b;
export const closeBrace = 0x7d;
export const openBracket = 0x5b;
export const closeBracket = 0x5d;

/** No place: what is looked for is not there, or the bytes are not JSON text. */
export const none = -1;

/** A string longer than this is searched for its end by native code, which pays only for long ones. */
const shortString = 40;

// The tables are taken into a variable before a loop: an engine would look again each time what they are.
/** 1 for bytes that do not stand for themselves in a string, or end it: control characters, quotes, backslashes. */
const special = new Uint8Array(256).fill(1, 0, 0x20);
special[quote] = 1;
special[backslash] = 1;
/** The same, and 1 for bytes of characters beyond ASCII. */
const specialOrWide = special.slice().fill(1, 0x80);

/**
 * Whether a string whose bytes are `[start, end)` of `words`, without its quotes, reads as they do: all of them are
 * ASCII, and none is a control character, a quote or a backslash. Four bytes at a time, as in `escape-text.ts`.
 */
export function isPlain(words: DataView, start: number, end: number): boolean {
  const highBits = 0x80808080 | 0;
  let at = start;
  for (; at + 4 <= end; at += 4) {
    const word = words.getInt32(at, true);
    const noControl = (word & 0x7f7f7f7f) + 0x60606060;
    const noQuote = ((word & 0x7f7f7f7f) ^ 0x22222222) + 0x7f7f7f7f;
    const noBackslash = ((word & 0x7f7f7f7f) ^ 0x5c5c5c5c) + 0x7f7f7f7f;
    if ((noControl & noQuote & noBackslash & ~word & highBits) !== highBits) return false;
  }
  for (; at < end; at += 1) if (specialOrWide[words.getUint8(at)] === 1) return false;
  return true;
}

/** As `stringStart`, for a string whose bytes stand for themselves: `none` for any other. */
export function plainStringStart(view: Buffer, from: number, last: number, limit: number): number {
  const isOther = specialOrWide;
  const stop = Math.max(from, last - limit);
  let at = last - 1;
  while (at >= stop && isOther[view[at] ?? 0] === 0) at -= 1;
  return at >= stop && view[at] === quote && view[at - 1] !== backslash ? at : none;
}

export function skipSpace(view: Buffer, from: number, end: number): number {
  let at = from;
  while (at < end) {
    const byte = view[at];
    if (byte !== 0x20 && byte !== 0x09 && byte !== 0x0d) break;
    at += 1;
  }
  return at;
}

/** The byte after the last before `end` that is no space; not before `from`. */
export function trimSpace(view: Buffer, from: number, end: number): number {
  let at = end;
  while (at > from) {
    const byte = view[at - 1];
    if (byte !== 0x20 && byte !== 0x09 && byte !== 0x0d) break;
    at -= 1;
  }
  return at;
}

/** The byte after the string whose opening quote is at `from`; `none` when it does not end. */
export function skipString(view: Buffer, from: number, end: number): number {
  const isSpecial = special;
  let at = from + 1;
  const near = Math.min(end, at + shortString);
  while (at < near) {
    const byte = view[at] ?? 0;
    if (isSpecial[byte] === 0) {
      at += 1;
      continue;
    }
    if (byte === quote) return at + 1;
    if (byte !== backslash) return none;
    at += 2;
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
export function skipValue(view: Buffer, from: number, end: number): number {
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

/**
 * Where the string begins whose closing quote is at `last`; `none` when that is not before `limit`
 * bytes. In JSON text a quote with no backslash before it is either end of a string, so that the
 * nearest one is the other end.
 */
export function stringStart(view: Buffer, from: number, last: number, limit: number): number {
  const isSpecial = special;
  const stop = Math.max(from, last - limit);
  for (let at = last - 1; at >= stop; at -= 1) {
    const byte = view[at] ?? 0;
    if (isSpecial[byte] === 0) continue;
    if (byte === quote && view[at - 1] !== backslash) return at;
    if (byte < 0x20) return none;
  }
  return none;
}
