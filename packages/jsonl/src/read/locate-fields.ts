import {
  backslash,
  closeBrace,
  colon,
  comma,
  isPlain as isPlainText,
  none,
  openBrace,
  openBracket,
  plainStringStart,
  quote,
  skipSpace,
  skipString,
  skipValue,
  stringStart,
  trimSpace,
} from './scan-value.js';
import type { FindObject } from './scan-buffer.js';

const objectStart = Buffer.from('{"');
/** A string or number longer than this, or a name, is not looked for from the end. */
const nearEnd = 128;
/** So many braces of text on the way to one object are many, and for so many searches more are taken for granted. */
const bracesInText = 4;
const thenForBoth = 256;

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

/** What the bytes of a line say of the wanted fields. */
export type Located =
  /** They are where `starts` and `ends` say; the line looks like one record. */
  | 'found'
  /** The line was followed to its end and is one record; what was not found is not in it. */
  | 'followed'
  /** Anything is unusual: no object, a name with an escape, brackets that do not fit. */
  | 'unclear';

/**
 * Finds top-level fields in the bytes of a record, from its start by following brackets and quotes and
 * from its end by simple values, whichever is nearer to them. A class for the reason that `LineDecoder`
 * is one.
 */
export class FieldLocator {
  /** Where the values of the fields begin (`none`: not there) and end in the line in hand. */
  readonly starts: number[];
  readonly ends: number[];
  /** Whether it was seen on the way that the value is a string whose bytes stand for themselves. */
  readonly plain: boolean[];
  private readonly names: readonly Buffer[];
  private readonly wantedCount: number;
  private missing = 0;
  /** The fields of the last record were all found from its end. */
  private fromEnd = false;
  /** Which fields made up the end of the line before, from its end, where it was nothing but them, plain and without spaces. */
  private tail: number[] = [];
  /** How far before the end of the line each of them began and ended. */
  private readonly tailStarts: number[];
  private readonly tailEnds: number[];
  /** Where the first name of the line in hand begins and ends, and how far the line was followed. */
  private firstName = none;
  private firstNameEnd = none;
  private at = 0;
  /** Where the name of the only field stood in the line before, from its start; `none` when it is not to be guessed. */
  private lastPair = none;
  private lineStart = 0;
  private findObject: FindObject | undefined;
  /** The bytes in hand. */
  words: DataView = new DataView(new ArrayBuffer(0));
  /** How many searches to come are for a brace and a quote. */
  private searchesForBoth = 0;
  /** From where the last search went (`none`: through other bytes), and what it found. */
  private searchedFrom = none;
  private lastFound = none;

  constructor(fields: readonly string[]) {
    this.names = fields.map((name) => Buffer.from(name));
    this.starts = new Array<number>(fields.length).fill(none);
    this.ends = new Array<number>(fields.length).fill(none);
    this.plain = new Array<boolean>(fields.length).fill(false);
    this.tailStarts = [...this.starts];
    this.tailEnds = [...this.ends];
    this.wantedCount = new Set(fields).size;
  }

  /** To be called before lines of other bytes. */
  onChunk(view: Buffer, findObject: FindObject | undefined): void {
    this.words = new DataView(view.buffer, view.byteOffset, view.length);
    this.findObject = findObject;
    this.searchedFrom = none;
  }

  /** `deep`: whether to follow objects and lists that are in the way. */
  locate(view: Buffer, from: number, end: number, deep: boolean): Located {
    const { starts } = this;
    // There are a few of them: `fill` takes as long as the rest of this.
    for (let index = 0; index < starts.length; index += 1) starts[index] = none;
    this.missing = this.wantedCount;
    let at = skipSpace(view, from, end);
    if (view[at] !== openBrace) return 'unclear';
    at = skipSpace(view, at + 1, end);
    if (view[at] === closeBrace)
      return skipSpace(view, at + 1, end) === end ? 'followed' : 'unclear';
    this.at = at;
    this.firstName = none;
    this.lineStart = from;
    if (this.lastPair !== none && this.isWhereItWas(view, end)) return 'found';

    let state: Located | undefined;
    if (!this.fromEnd) {
      state = this.follow(view, end, false);
      if (state !== undefined) return state;
    } else if (!this.readFirstName(view, end)) return 'unclear';
    const before = this.missing;
    if (!this.fromEnd || !this.isTailAsBefore(view, end)) this.lookBack(view, end);
    this.fromEnd = this.missing === 0 && before === this.wantedCount;
    if (this.missing === 0 && this.isRestOfOne(view, this.at, end)) return 'found';
    return deep ? (this.follow(view, end, true) ?? 'unclear') : 'unclear';
  }

  /**
   * Whether the only field stands at the place where the line before had it, as lines of one kind have it. After a
   * comma a quote that no backslash hides begins a name; with no object in between it is one of the record itself.
   */
  private isWhereItWas(view: Buffer, end: number): boolean {
    const pair = this.lineStart + this.lastPair;
    const nameEnd = pair + 1 + (this.names[0]?.length ?? 0);
    const at = nameEnd + 2;
    if (at >= end || view[pair - 1] !== comma || view[pair] !== quote) return false;
    if (view[nameEnd] !== quote || view[nameEnd + 1] !== colon) return false;
    if (findName(this.names, view, pair + 1, nameEnd) === none) return false;
    const object = this.nextObject(view, this.at, end);
    if (object !== -1 && object < at) return false;
    const valueEnd = skipValue(view, at, end);
    if (valueEnd === none || valueEnd > end || !this.readFirstName(view, end)) return false;
    if (!isAfterValue(view, valueEnd, end)) return false;
    if (!this.isRestOfOne(view, valueEnd, end, object)) return false;
    this.starts[0] = at;
    this.ends[0] = valueEnd;
    this.plain[0] = false;
    this.missing = 0;
    return true;
  }

  private readFirstName(view: Buffer, end: number): boolean {
    if (view[this.at] !== quote) return false;
    const nameEnd = skipString(view, this.at, end);
    if (nameEnd === none) return false;
    this.firstName = this.at + 1;
    this.firstNameEnd = nameEnd - 1;
    return true;
  }

  /** Goes on from `at`, where a name must be; `undefined` at the first object or list, unless `deep`. */
  private follow(view: Buffer, end: number, deep: boolean): Located | undefined {
    const { names, starts, ends } = this;
    let { at } = this;
    // Asked once for the rest of a line: if it is not one record, the line is followed to its end.
    let mayStop = this.missing > 0;
    for (;;) {
      if (view[at] !== quote) return 'unclear';
      const pair = at;
      const nameStart = at + 1;
      at = nameStart;
      while (at < end && view[at] !== quote) {
        const byte = view[at] ?? 0;
        if (byte === backslash || byte < 0x20) return 'unclear';
        at += 1;
      }
      const wanted = findName(names, view, nameStart, at);
      if (this.firstName === none) {
        this.firstName = nameStart;
        this.firstNameEnd = at;
      }
      at = skipSpace(view, at + 1, end);
      if (view[at] !== colon) return 'unclear';
      at = skipSpace(view, at + 1, end);
      const first = view[at];
      if (!deep && wanted === none && (first === openBrace || first === openBracket)) {
        this.at = pair;
        return undefined;
      }
      const valueEnd = skipValue(view, at, end);
      if (valueEnd === none || valueEnd > end) return 'unclear';
      if (wanted !== none) {
        if (starts[wanted] === none) this.missing -= 1;
        // The last of several with one name counts, as it does for JSON.parse, if it is come to.
        starts[wanted] = at;
        ends[wanted] = valueEnd;
        this.plain[wanted] = false;
        this.lastPair = this.wantedCount === 1 && !deep ? pair - this.lineStart : none;
        if (this.missing === 0 && mayStop) {
          if (!isAfterValue(view, valueEnd, end)) return 'unclear';
          if (this.isRestOfOne(view, valueEnd, end)) return 'found';
          mayStop = false;
        }
      }
      at = skipSpace(view, valueEnd, end);
      if (view[at] === closeBrace)
        return skipSpace(view, at + 1, end) === end ? 'followed' : 'unclear';
      if (view[at] !== comma || at >= end) return 'unclear';
      at = skipSpace(view, at + 1, end);
    }
  }

  /** Takes strings, numbers and words from the end of the line backwards, down to where it was followed to. */
  private lookBack(view: Buffer, lineEnd: number): void {
    const { names, starts, ends, plain, at: from } = this;
    const tail: number[] = [];
    let isTail = view[lineEnd - 1] === closeBrace;
    let end = trimSpace(view, from, lineEnd) - 1;
    this.tail = [];
    if (view[end] !== closeBrace) return;
    while (this.missing > 0) {
      const pairEnd = end;
      end = trimSpace(view, from, end);
      const valueEnd = end;
      let isPlain = false;
      let valueStart: number;
      if (view[end - 1] === quote) {
        valueStart = plainStringStart(view, from, end - 1, nearEnd);
        isPlain = valueStart !== none;
        if (!isPlain) valueStart = stringStart(view, from, end - 1, nearEnd);
      } else valueStart = wordStart(view, from, end);
      if (valueStart === none) return;
      end = trimSpace(view, from, valueStart);
      if (view[end - 1] !== colon) return;
      end = trimSpace(view, from, end - 1);
      if (view[end - 1] !== quote) return;
      const nameEnd = end - 1;
      const nameQuote = stringStart(view, from, nameEnd, nearEnd);
      if (nameQuote === none) return;
      end = trimSpace(view, from, nameQuote);
      if (view[end - 1] !== comma) return;
      const wanted = findName(names, view, nameQuote + 1, nameEnd);
      if (wanted !== none && starts[wanted] === none) {
        starts[wanted] = valueStart;
        ends[wanted] = valueEnd;
        plain[wanted] = isPlain;
        this.missing -= 1;
        isTail &&=
          isPlain && valueEnd === pairEnd && valueStart === nameEnd + 2 && end === nameQuote;
        this.tailStarts[wanted] = lineEnd - valueStart;
        this.tailEnds[wanted] = lineEnd - valueEnd;
        tail.push(wanted);
      } else isTail = false;
      end -= 1;
    }
    if (isTail) this.tail = tail;
  }

  /** Whether the line ends with the fields that the line before ended with, each as long as it was there. */
  private isTailAsBefore(view: Buffer, lineEnd: number): boolean {
    const { names, starts, ends, tail, at: from } = this;
    const last = lineEnd - (this.tailEnds[tail[0] ?? none] ?? 0);
    if (tail.length < this.wantedCount || view[last] !== closeBrace) return false;
    for (const index of tail) {
      const start = lineEnd - (this.tailStarts[index] ?? 0);
      const end = lineEnd - (this.tailEnds[index] ?? 0);
      const nameEnd = start - 2;
      const nameStart = nameEnd - (names[index]?.length ?? 0);
      if (nameStart - 2 < from || view[start] !== quote || view[end - 1] !== quote) return false;
      if (view[start - 1] !== colon || view[nameEnd] !== quote) return false;
      if (view[nameStart - 1] !== quote || view[nameStart - 2] !== comma) return false;
      if (findName(names, view, nameStart, nameEnd) !== index) return false;
      if (!isPlainText(this.words, start + 1, end - 1)) return false;
      starts[index] = start;
      ends[index] = end;
      this.plain[index] = true;
    }
    this.missing = 0;
    return true;
  }

  /**
   * Whether nothing speaks against `[at, end)` being the rest of one record: it ends with a brace, and
   * no other record begins in it. An object inside a record follows a colon, a comma or a bracket; one
   * that begins with the name that the line begins with is a second record. `object`: the first one behind some
   * byte before `at`, or -1 as there is none, if that is known.
   */
  private isRestOfOne(view: Buffer, at: number, end: number, object = 0): boolean {
    const { firstName } = this;
    const last = view[end - 1] === 0x0d ? end - 2 : end - 1;
    if (last < at || view[last] !== closeBrace) return false;
    const length = this.firstNameEnd - firstName + 1;
    const first = object >= at || object === -1 ? object : this.nextObject(view, at, end);
    for (let open = first; open !== -1 && open < end;) {
      let before = open - 1;
      while (before > at && view[before] === 0x20) before -= 1;
      const byte = view[before];
      if (byte !== colon && byte !== comma && byte !== openBracket) {
        if (beginsWithName(view, open, end)) return false;
      } else {
        let same = 0;
        while (same < length && view[open + 2 + same] === view[firstName + same]) same += 1;
        if (same === length) return false;
      }
      open = this.nextObject(view, open + 2, end);
    }
    return true;
  }

  /** Where the next brace with a quote behind it is; perhaps behind `end`, or -1, if there is none before. */
  private nextObject(view: Buffer, from: number, end: number): number {
    const { findObject } = this;
    if (findObject !== undefined) return findObject(from, end);
    const { searchedFrom, lastFound } = this;
    // A search goes on behind the line: of lines without such an object each would go through all that are left.
    const isKnown = searchedFrom !== none && from >= searchedFrom;
    if (isKnown && (lastFound === -1 || from <= lastFound)) return lastFound;
    this.searchedFrom = from;
    this.lastFound = this.nextObjectByOne(view, from);
    return this.lastFound;
  }

  /**
   * A search for one byte starts three times as fast as one for two, and goes as fast unless most braces stand in text,
   * as in program code.
   */
  private nextObjectByOne(view: Buffer, from: number): number {
    if (this.searchesForBoth > 0) {
      this.searchesForBoth -= 1;
      return view.indexOf(objectStart, from);
    }
    let found = view.indexOf(openBrace, from);
    for (let misses = 0; found !== -1 && view[found + 1] !== quote; misses += 1) {
      if (misses === bracesInText) {
        this.searchesForBoth = thenForBoth;
        return view.indexOf(objectStart, found + 1);
      }
      found = view.indexOf(openBrace, found + 1);
    }
    return found;
  }
}

/** Whether at `at` stands what may follow a value of a record. */
function isAfterValue(view: Buffer, at: number, end: number): boolean {
  const next = skipSpace(view, at, end);
  if (view[next] === closeBrace) return skipSpace(view, next + 1, end) === end;
  return view[next] === comma && next < end;
}

/** Whether the brace at `open` begins an object; else it is the last character of a text, and the quote ends that. */
function beginsWithName(view: Buffer, open: number, end: number): boolean {
  const nameEnd = skipString(view, open + 1, end);
  return nameEnd !== none && view[skipSpace(view, nameEnd, end)] === colon;
}

/** Where the number or word begins that ends before `end`; `none` when none does. */
function wordStart(view: Buffer, from: number, end: number): number {
  const stop = Math.max(from, end - nearEnd);
  let at = end;
  while (at > stop && isOfWord(view[at - 1] ?? 0)) at -= 1;
  return at === end ? none : at;
}

/** Whether a byte may be of a number, or of `true`, `false` or `null`. */
function isOfWord(byte: number): boolean {
  return (
    (byte >= 0x30 && byte <= 0x39) ||
    (byte >= 0x61 && byte <= 0x7a) ||
    byte === 0x2d ||
    byte === 0x2e ||
    byte === 0x2b ||
    byte === 0x45
  );
}
