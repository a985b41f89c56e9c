import { constants } from 'node:buffer';
import { createEscaper, listEscapes, pageBytes, putEscape, textBytes } from './escape-text.js';
import { firstLine, LineBytes, type LineEncoder } from './line-bytes.js';
import { makeWellFormed } from './well-formed.js';
import { notHoldable, stringifyFailed } from './writer-errors.js';

/**
 * Always free at the end of the page, for the small pieces that nobody makes room for: a comma, a name, a number, as
 * many brackets as are open, a newline, a seal.
 */
const slack = 1024;
/** A longer text is encoded in pieces, each of which finds room, whatever its characters. */
const pieceLength = textBytes / 3;
/** What one byte may become: `\u001f`. */
const longestEscape = 6;
/** To look at each character of a short text takes less time than to have the engine encode it. */
const shortText = 40;
/** What is nested deeper is left to JSON.stringify, which tells a cycle from mere depth. */
const maxDepth = 32;
/** Names recur from record to record, but long ones do not, and a flood of names must not stay. */
const maxNameLength = 40;
const nameWords = 16 * 1024;

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

/** A Number or a String is no plain object, nor is what JSON.rawJSON gives. */
function isPlain(value: object): boolean {
  try {
    return Object.getPrototypeOf(value) === Object.prototype;
  } catch {
    // A proxy that does not tell; JSON.stringify does not ask.
    return false;
  }
}

/** How JSON.stringify takes the length of a list that is a proxy, which may be anything. */
function toLength(length: unknown): number {
  const number = Math.floor(length as number);
  return number > 0 ? Math.min(number, Number.MAX_SAFE_INTEGER) : 0;
}

type ToJson = (this: unknown, name: string) => unknown;
interface MaybeToJson {
  readonly toJSON?: unknown;
}

/** The toJSON that `isOther` found, for `stringifyOther`: it may be a getter, which is called once. */
let foundToJson: ToJson | undefined;

/** Whether a value is left to JSON.stringify: all but plain objects, arrays, and what JSON has a word for. */
function isOther(value: unknown, depth: number): boolean {
  switch (typeof value) {
    case 'string':
    case 'number':
    case 'boolean':
      return false;
    case 'object': {
      if (value === null) return false;
      const { toJSON } = value as MaybeToJson;
      if (typeof toJSON === 'function') {
        foundToJson = toJSON as ToJson;
        return true;
      }
      if (depth > maxDepth) return true;
      return !Array.isArray(value) && !isPlain(value);
    }
    case 'function':
    case 'bigint': {
      const { toJSON } = value as MaybeToJson;
      if (typeof toJSON === 'function') foundToJson = toJSON as ToJson;
      return true;
    }
    default:
      return true;
  }
}

/** The text of a value that was looked at by now: JSON.stringify shall not look for a toJSON again. */
function stringifyGiven(given: unknown): string | undefined {
  if (given === undefined || typeof given === 'function' || typeof given === 'symbol')
    return undefined;
  return makeWellFormed(JSON.stringify({ toJSON: () => given }));
}

/** The text of a value that is left to JSON.stringify, for which `isOther` was asked just before. */
function stringifyOther(value: unknown, name: string | number): string | undefined {
  const toJson = foundToJson;
  if (toJson === undefined) return stringifyGiven(value);
  foundToJson = undefined;
  return stringifyGiven(Reflect.apply(toJson, value, [`${name}`]));
}

/**
 * JSON.stringify and the encoding of its text in one, as most of what those take is the way to the work: a text of
 * its own for each record, and the look through it. Gives byte for byte what JSON.stringify gives, with U+FFFD for
 * half a surrogate pair, and calls getters and toJSON once, too.
 *
 * All in one function, as bundlers make variables of the constants of a module: no engine takes what never changes
 * for a constant then, and the same work takes a quarter more.
 */
function createEncoder(): LineEncoder<unknown> {
  const { page, utf8, escape } = createEscaper();
  const view = new DataView(page.buffer, page.byteOffset, pageBytes);
  const lastStart = pageBytes - slack;
  const pageLines = new LineBytes(page);
  const textEncoder = new TextEncoder();
  const escapes = listEscapes();
  /** Names as `"name":`, in words of four bytes; the bytes of the last word behind it are not used. */
  const encodedNames = new Int32Array(nameWords);
  /** Where a name is there: its first word times 256, and its length in bytes. */
  const names = new Map<string, number>();
  let freeWord = 0;

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
        end = putEscape(page, code, letter, end);
      }
    }
    return end;
  }

  function putPieces(text: string, at: number): number {
    let end = at;
    for (let start = 0; start < text.length;) {
      const next = endOfPiece(text, start);
      const piece = next - start === text.length ? text : text.slice(start, next);
      const length = textEncoder.encodeInto(piece, utf8).written;
      if (end + length * longestEscape > lastStart) end = spill(end);
      end = escape(length, end);
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
    const end = at + (known & 0xff);
    for (let to = at, word = known >> 8; to < end; to += 4, word += 1) {
      view.setInt32(to, encodedNames[word] ?? 0, true);
    }
    return end;
  }

  function learnName(name: string, start: number): number {
    const at = start + slack > lastStart ? spill(start) : start;
    let end = putText(name, at);
    page[end] = 0x3a;
    end += 1;
    if (name.length > maxNameLength) return end;
    if (freeWord + (end - at) / 4 >= nameWords) {
      names.clear();
      freeWord = 0;
    }
    names.set(name, freeWord * 256 + end - at);
    for (let from = at; from < end; from += 4) {
      encodedNames[freeWord] = view.getInt32(from, true);
      freeWord += 1;
    }
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
    const given = value.length;
    const length = Number.isInteger(given) ? given : toLength(given);
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

  /** What was refused may have been huge, too. */
  function giveUp(): void {
    overflow = undefined;
    if (kept?.isKept === false) kept = undefined;
  }

  function putLine(value: unknown, at: number): number {
    spilled = 0;
    const start = at > lastStart ? spill(at) : at;
    let end: number;
    try {
      end = putRecord(value, start);
    } catch (cause) {
      giveUp();
      throw stringifyFailed(cause);
    }
    if (end === -1) {
      giveUp();
      throw notHoldable(value);
    }
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

let encoder: LineEncoder<unknown> | undefined;
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
 * @param meanwhile encodes what a getter appends
 * @throws (the encoder) TypeError when JSON cannot hold a value
 */
export function createJsonEncoder(meanwhile: LineEncoder<unknown>): LineEncoder<unknown> {
  encoder ??= createEncoder();
  return { one: guard(encoder.one, meanwhile.one), all: guard(encoder.all, meanwhile.all) };
}
