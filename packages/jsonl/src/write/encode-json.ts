import { constants } from 'node:buffer';
import { firstLine, LineBytes, type LineEncoder } from './line-bytes.js';
import { makeWellFormed } from './well-formed.js';
import { notHoldable, stringifyFailed } from './writer-errors.js';

const pageBytes = 128 * 1024;
/**
 * Always free at the end of the page, for the small pieces that nobody makes room for: a comma, a name, a number, as
 * many brackets as are open, a newline, a seal.
 */
const slack = 1024;
/** A longer text is encoded in pieces, each of which finds room in the page, whatever its escapes. */
const pieceLength = 4096;
/** What one byte may become: `\u001f`. */
const longestEscape = 6;
/** To look at each character of a short text takes less time than to have the engine encode it. */
const shortText = 40;
/** What is nested deeper is left to JSON.stringify, which tells a cycle from mere depth. */
const maxDepth = 64;
/** Names recur from record to record. Long ones do not, and a flood of names must not stay. */
const maxNameLength = 40;
const maxNames = 1024;

interface EncodedName {
  /** `"name":` as words of four bytes, the last one filled up. */
  readonly words: Int32Array;
  readonly length: number;
}

/**
 * What stands behind the backslash for an ASCII character; 0 for one that needs none, 1 for one that is written as
 * `\u00` and two digits. As JSON.stringify has it: DEL stands for itself.
 */
function listEscapes(): Uint8Array {
  const escapes = new Uint8Array(128).fill(1, 0, 0x20);
  const pairs = '""\\\\\bb\tt\nn\ff\rr';
  for (let n = 0; n < pairs.length; n += 2) escapes[pairs.charCodeAt(n)] = pairs.charCodeAt(n + 1);
  return escapes;
}

/** Whether `in` finds properties in every object, which JSON.stringify does not take. */
function hasInherited(): boolean {
  for (const name in Object.prototype) return Object.hasOwn(Object.prototype, name);
  return false;
}

/** Where a piece of a text ends that begins at `start`: not between the halves of a surrogate pair. */
function endOfPiece(text: string, start: number): number {
  const end = start + pieceLength;
  if (end >= text.length) return text.length;
  return (text.charCodeAt(end - 1) & 0xfc00) === 0xd800 ? end - 1 : end;
}

/** A value that is left to JSON.stringify, as a property, as toJSON may ask for its name. */
function stringifyOther(value: unknown, name: string | number): string | undefined {
  const holder = JSON.stringify({ [name]: value });
  if (holder === '{}') return undefined;
  return makeWellFormed(holder.slice(JSON.stringify(`${name}`).length + 2, -1));
}

/** Whether a value is left to JSON.stringify: all but plain objects, arrays, and what JSON has a word for. */
function isOther(value: unknown, depth: number): boolean {
  switch (typeof value) {
    case 'string':
    case 'number':
    case 'boolean':
      return false;
    case 'object':
      if (value === null) return false;
      if (depth > maxDepth) return true;
      if (typeof (value as { toJSON?: unknown }).toJSON === 'function') return true;
      // A Number or a String is no plain object, nor is what JSON.rawJSON gives.
      return !Array.isArray(value) && Object.getPrototypeOf(value) !== Object.prototype;
    default:
      return true;
  }
}

/**
 * JSON.stringify and the encoding of its text in one, as most of what those take is the way to the work: a text of
 * its own for each record, and the look through it. Gives byte for byte what JSON.stringify gives, with U+FFFD for
 * half a surrogate pair, and calls getters, toJSON and proxies as often.
 *
 * All in one function, as bundlers make variables of the constants of a module: no engine takes what never changes
 * for a constant then, and the same work takes a quarter more.
 */
function createEncoder(): LineEncoder<unknown> {
  const page = Buffer.allocUnsafeSlow(pageBytes);
  const view = new DataView(page.buffer, page.byteOffset, pageBytes);
  const lastStart = pageBytes - slack;
  const pageLines = new LineBytes(page);
  const escapes = listEscapes();
  const names = new Map<string, EncodedName>();
  /** A piece of a text without its escapes. */
  const utf8 = Buffer.allocUnsafeSlow(pieceLength * 3 + 4);
  const utf8View = new DataView(utf8.buffer, utf8.byteOffset, utf8.length);

  /** What no longer found room in the page; used again. */
  let kept: LineBytes | undefined;
  let overflow: LineBytes | undefined;
  /** How much of the line that is being written is there. */
  let spilled = 0;

  function spill(at: number): number {
    spilled += at;
    if (spilled > constants.MAX_STRING_LENGTH) throw new RangeError('Invalid string length');
    overflow ??= kept ?? new LineBytes(Buffer.allocUnsafeSlow(4 * pageBytes));
    overflow.add(page, at);
    return firstLine;
  }

  /** Writes what is known to be ASCII. */
  function putAscii(text: string, at: number): number {
    for (let n = 0; n < text.length; n += 1) page[at + n] = text.charCodeAt(n);
    return at + text.length;
  }

  /** Writes the escape for a character. */
  function putEscape(code: number, letter: number, at: number): number {
    page[at] = 0x5c;
    if (letter !== 1) {
      page[at + 1] = letter;
      return at + 2;
    }
    const low = code & 0xf;
    page[at + 1] = 0x75;
    page[at + 2] = 0x30;
    page[at + 3] = 0x30;
    page[at + 4] = 0x30 + (code >> 4);
    page[at + 5] = low < 10 ? 0x30 + low : 0x57 + low;
    return at + longestEscape;
  }

  /** Writes a short text of ASCII; -1, whatever was written, for any other. */
  function putShort(text: string, at: number): number {
    let end = at;
    for (let n = 0; n < text.length; n += 1) {
      const code = text.charCodeAt(n);
      if (code > 0x7f) return -1;
      const letter = escapes[code] ?? 0;
      if (letter === 0) {
        page[end] = code;
        end += 1;
      } else {
        end = putEscape(code, letter, end);
      }
    }
    return end;
  }

  /**
   * Copies the first `length` bytes of `utf8` with their escapes, four at a time where none is needed: then each byte
   * is beyond ASCII, or at least 0x20 and neither a quote nor a backslash. Seven bits of each are added to what brings
   * the first allowed one to 0x80, all four at once, as no sum passes into the next byte.
   */
  function copyEscaped(length: number, at: number): number {
    const highBits = 0x80808080 | 0;
    let end = at;
    let n = 0;
    // The last word is filled up with spaces, which are taken back at the end.
    utf8View.setInt32(length, 0x20202020, true);
    while (n < length) {
      const word = utf8View.getInt32(n, true);
      const low = word & 0x7f7f7f7f;
      const isControl = low + 0x60606060;
      const isQuote = (low ^ 0x22222222) + 0x7f7f7f7f;
      const isBackslash = (low ^ 0x5c5c5c5c) + 0x7f7f7f7f;
      const plain = ((isControl & isQuote & isBackslash) | word) & highBits;
      view.setInt32(end, word, true);
      if (plain === highBits) {
        end += 4;
        n += 4;
        continue;
      }
      const first = ~plain & highBits;
      const before = (31 - Math.clz32(first & -first)) >> 3;
      const code = utf8[n + before] ?? 0;
      n += before + 1;
      end = putEscape(code, escapes[code] ?? 0, end + before);
    }
    return end - (n - length);
  }

  function putPieces(text: string, at: number): number {
    let end = at;
    for (let start = 0; start < text.length;) {
      const next = endOfPiece(text, start);
      const piece = next - start === text.length ? text : text.slice(start, next);
      const length = utf8.write(piece);
      if (end + length * longestEscape > lastStart) end = spill(end);
      end = copyEscaped(length, end);
      start = next;
    }
    return end;
  }

  function putText(text: string, at: number): number {
    page[at] = 0x22;
    let end = text.length < shortText ? putShort(text, at + 1) : -1;
    if (end === -1) end = putPieces(text, at + 1);
    page[end] = 0x22;
    return end + 1;
  }

  /** Writes a number of up to ten digits itself; -0 is 0. */
  function putNumber(value: number, at: number): number {
    if ((value | 0) !== value || value < 0) {
      return putAscii(Number.isFinite(value) ? `${value}` : 'null', at);
    }
    let end = at + 1;
    for (let rest = value; rest >= 10; rest = (rest / 10) | 0) end += 1;
    let rest = value;
    for (let digit = end - 1; digit >= at; digit -= 1) {
      const tens = (rest / 10) | 0;
      page[digit] = 0x30 + rest - tens * 10;
      rest = tens;
    }
    return end;
  }

  function putName(name: string, at: number): number {
    const known = names.get(name);
    if (known === undefined) return learnName(name, at);
    const { words, length } = known;
    for (let n = 0; n < words.length; n += 1) view.setInt32(at + n * 4, words[n] ?? 0, true);
    return at + length;
  }

  function learnName(name: string, at: number): number {
    let end = putText(name, at);
    page[end] = 0x3a;
    end += 1;
    if (name.length > maxNameLength) return end;
    if (names.size >= maxNames) names.clear();
    const words = new Int32Array((end - at + 3) >> 2);
    for (let n = 0; n < words.length; n += 1) words[n] = view.getInt32(at + n * 4, true);
    names.set(name, { words, length: end - at });
    return end;
  }

  /** Writes text that is JSON already. */
  function putJson(json: string, at: number): number {
    let end = at;
    for (let start = 0; start < json.length;) {
      const next = endOfPiece(json, start);
      if (end + 3 * pieceLength > lastStart) end = spill(end);
      end += page.write(json.slice(start, next), end);
      start = next;
    }
    return end;
  }

  function putObject(value: Readonly<Record<string, unknown>>, at: number, depth: number): number {
    page[at] = 0x7b;
    let end = at + 1;
    let isFirst = true;
    for (const name in value) {
      const item = value[name];
      if (item === undefined) continue;
      const isLeft = isOther(item, depth);
      const json = isLeft ? stringifyOther(item, name) : '';
      if (json === undefined) continue;
      if (end > lastStart) end = spill(end);
      if (!isFirst) {
        page[end] = 0x2c;
        end += 1;
      }
      isFirst = false;
      end = putName(name, end);
      end = isLeft ? putJson(json, end) : putValue(item, end, depth);
    }
    page[end] = 0x7d;
    return end + 1;
  }

  function putArray(value: readonly unknown[], at: number, depth: number): number {
    page[at] = 0x5b;
    let end = at + 1;
    const { length } = value;
    for (let n = 0; n < length; n += 1) {
      const item = value[n];
      const isLeft = isOther(item, depth);
      const json = isLeft ? (stringifyOther(item, n) ?? 'null') : '';
      if (end > lastStart) end = spill(end);
      if (n > 0) {
        page[end] = 0x2c;
        end += 1;
      }
      end = isLeft ? putJson(json, end) : putValue(item, end, depth);
    }
    page[end] = 0x5d;
    return end + 1;
  }

  /** Writes a value that is not left to JSON.stringify. */
  function putValue(value: unknown, at: number, depth: number): number {
    if (typeof value === 'string') return putText(value, at);
    if (typeof value === 'number') return putNumber(value, at);
    if (typeof value === 'boolean') return putAscii(value ? 'true' : 'false', at);
    if (value === null) return putAscii('null', at);
    return Array.isArray(value)
      ? putArray(value, at, depth + 1)
      : putObject(value as Readonly<Record<string, unknown>>, at, depth + 1);
  }

  /** Writes a record; -1 where JSON has nothing for it. */
  function putRecord(value: unknown, at: number): number {
    if (!isOther(value, 0) && !hasInherited()) return putValue(value, at, 0);
    const json = stringifyOther(value, '');
    return json === undefined ? -1 : putJson(json, at);
  }

  function putLine(value: unknown, at: number): number {
    spilled = 0;
    const start = at > lastStart ? spill(at) : at;
    let end: number;
    try {
      end = putRecord(value, start);
    } catch (cause) {
      overflow = undefined;
      throw stringifyFailed(cause);
    }
    if (end === -1) throw notHoldable(value);
    page[end] = 0x0a;
    return end + 1;
  }

  function begin(): void {
    if (kept !== undefined) kept.end = firstLine;
    overflow = undefined;
  }

  function finish(end: number): LineBytes {
    pageLines.end = end;
    if (overflow === undefined) return pageLines;
    const lines = overflow;
    lines.add(page, end);
    overflow = undefined;
    kept = lines.isKept ? lines : undefined;
    return lines;
  }

  return {
    one(value) {
      begin();
      return finish(putLine(value, firstLine));
    },
    all(values) {
      begin();
      let end = firstLine;
      for (const value of values) end = putLine(value, end);
      return finish(end);
    },
  };
}

const encoder = createEncoder();
/** A getter of a record may append another one, which must not be written into its midst. */
let isBusy = false;

function guard<V>(
  encode: (value: V) => LineBytes,
  meanwhile: (value: V) => LineBytes,
): (value: V) => LineBytes {
  return (value) => {
    if (isBusy) return meanwhile(value);
    isBusy = true;
    try {
      return encode(value);
    } finally {
      isBusy = false;
    }
  };
}

/**
 * Makes lines of values.
 *
 * @throws TypeError when JSON cannot hold one
 */
export function createJsonEncoder(meanwhile: LineEncoder<unknown>): LineEncoder<unknown> {
  return { one: guard(encoder.one, meanwhile.one), all: guard(encoder.all, meanwhile.all) };
}
