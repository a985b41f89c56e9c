// Single passes over the bytes of JSON text that find where values begin and end without parsing.
// What they find is a candidate: only parsing says whether it is a record.

const quote = 0x22;
const backslash = 0x5c;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const openBrace = 0x7b;
const closeBrace = 0x7d;

function isEscaped(bytes: Uint8Array, index: number, floor: number): boolean {
  let before = index - 1;
  while (before >= floor && bytes[before] === backslash) before -= 1;
  return (index - before) % 2 === 0;
}

/**
 * Where the object begins whose closing brace is the byte before `end`. Walking backwards gives one
 * answer in one pass, where trying each opening brace forwards would take a pass for each of them.
 */
export function findOpen(bytes: Uint8Array, floor: number, end: number): number | undefined {
  if (bytes[end - 1] !== closeBrace) return undefined;
  let depth = 0;
  let inString = false;
  for (let index = end - 1; index >= floor; index -= 1) {
    const byte = bytes[index];
    if (inString) {
      if (byte === quote && !isEscaped(bytes, index, floor)) inString = false;
    } else if (byte === quote) inString = true;
    else if (byte === closeBrace || byte === closeBracket) depth += 1;
    else if (byte === openBrace || byte === openBracket) {
      depth -= 1;
      if (depth === 0) return byte === openBrace ? index : undefined;
    }
  }
  return undefined;
}

/**
 * Calls `onBracket` for each bracket outside strings until it gives true. Gives where that left it:
 * `stopped` by the callback, or at the end, inside a `string` or `outside` of one.
 */
function walk(
  bytes: Uint8Array,
  start: number,
  end: number,
  onBracket: (byte: number, index: number) => boolean,
): 'stopped' | 'string' | 'outside' {
  let inString = false;
  for (let index = start; index < end; index += 1) {
    const byte = bytes[index];
    if (inString) {
      if (byte === backslash) index += 1;
      else if (byte === quote) inString = false;
    } else if (byte === quote) inString = true;
    else if (byte === openBrace || byte === openBracket) {
      if (onBracket(byte, index)) return 'stopped';
    } else if (byte === closeBrace || byte === closeBracket) {
      if (onBracket(byte, index)) return 'stopped';
    }
  }
  return inString ? 'string' : 'outside';
}

/** The byte after the object that begins at `start`; `undefined` when it does not end before `end`. */
export function findClose(bytes: Uint8Array, start: number, end: number): number | undefined {
  let depth = 0;
  let last = start;
  const where = walk(bytes, start, end, (byte, index) => {
    depth += byte === openBrace || byte === openBracket ? 1 : -1;
    last = index;
    return depth <= 0;
  });
  return where === 'stopped' ? last + 1 : undefined;
}

/** What would have to follow for every bracket to be closed; `undefined` inside a string or on a mismatch. */
export function closersMissing(bytes: Uint8Array, start: number, end: number): string | undefined {
  const closers: number[] = [];
  const where = walk(bytes, start, end, (byte) => {
    if (byte === openBrace) closers.push(closeBrace);
    else if (byte === openBracket) closers.push(closeBracket);
    else return closers.pop() !== byte;
    return false;
  });
  if (where !== 'outside' || closers.length === 0) return undefined;
  return Buffer.from(closers.reverse()).toString('latin1');
}
