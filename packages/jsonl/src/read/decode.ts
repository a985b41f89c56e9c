import { isUtf8 } from 'node:buffer';
import { decodeLines, decodeText } from './decode-text.js';
import type { Fault, FaultKind } from './fault.js';
import { Joiner, type JoinSink } from './join-lines.js';
import type { LineSink } from './line-buffer.js';
import { recoverLine, type Piece } from './recover-line.js';
import type { FindObject } from './scan-buffer.js';
import { trimSpace } from './scan-value.js';

/** What is done with records and faults. Either may throw to end the pass. */
export interface RecordSink {
  /**
   * `byteEnd` is after the newline, if one follows. `text` is the JSON text, mended where the bytes
   * of the file are none; there is none of a record that was not parsed whole.
   */
  onRecord(value: unknown, byteStart: number, byteEnd: number, line: number, text?: string): void;
  onFault(fault: Fault): void;
}

/** Looks at bytes, so that a line need not be parsed. */
export interface LineSelector {
  /** Called with each chunk before its lines. */
  onChunk(view: Buffer, findObject: FindObject | undefined): void;
  /** Whether the line can hold a record that is wanted. */
  mayMatch(view: Buffer, start: number, end: number): boolean;
}

/** Takes what is wanted of a line without parsing it all; `undefined` when it must be parsed. */
export interface Projector {
  /** Called with each chunk before its lines. */
  onChunk(view: Buffer, findObject: FindObject | undefined): void;
  project(view: Buffer, start: number, end: number): object | undefined;
}

export interface DecodeOptions {
  /** A last line without newline is left alone and reported as pending. */
  readonly live: boolean;
  readonly maxLineBytes: number;
  readonly selector?: LineSelector | undefined;
  readonly projector?: Projector | undefined;
  /**
   * Whose batch values go to, or what the projector made of them, when nothing else of a record is wanted: then
   * `onRecord` is only for the rest.
   */
  readonly values?: { readonly batch: unknown[] } | undefined;
}

export interface Decoder extends LineSink {
  /** How many lines were seen. */
  lines(): number;
  /** From now on a line has no newline. */
  endOfFile(): void;
  /** Gives what was held back. */
  finish(): void;
}

const byteOrderMark = [0xef, 0xbb, 0xbf] as const;
const openBrace = 0x7b;
const openBracket = 0x5b;
const comma = 0x2c;
const carriageReturn = 13;
/** Up to this length a call for each line costs more than checking the bytes of all lines at once. */
const shortLine = 512;

/**
 * Turns lines into records and faults. The common case is one parse. A class, because what an engine
 * has learned of its methods stays for the next pass; functions made for one pass are forgotten with it.
 */
class LineDecoder implements Decoder, JoinSink {
  readonly takesRuns: boolean;
  private line = 0;
  private terminated = true;
  /** Whether all whole lines of the chunk are valid UTF-8, so that decoding cannot alter any of them, once it is asked. */
  private isChunkValid: boolean | undefined;
  /** Where not all is parsed, checking all would cost more than checking what is. */
  private readonly mayCheckChunk: boolean;
  /** Up to here it was tried to decode lines of the chunk together: those that are left are decoded one by one. */
  private triedTo = 0;
  /** A run of lines that end in CR LF, of which the first begins here. */
  private crlf: { byteStart: number; byteEnd: number; line: number } | undefined;
  private readonly joiner: Joiner;

  private readonly options: DecodeOptions;
  private readonly sink: RecordSink;

  constructor(options: DecodeOptions, sink: RecordSink) {
    this.options = options;
    this.sink = sink;
    this.takesRuns = options.values !== undefined;
    this.mayCheckChunk = options.selector === undefined && options.projector === undefined;
    this.joiner = new Joiner(options.maxLineBytes, this);
  }

  lines(): number {
    return this.line;
  }

  onChunk(view: Buffer, findObject: FindObject | undefined): void {
    this.options.selector?.onChunk(view, findObject);
    this.options.projector?.onChunk(view, findObject);
    this.isChunkValid = undefined;
    this.triedTo = 0;
  }

  /**
   * The shortest way from bytes to values, for lines about which there is nothing to say. It stops at
   * the first other line, which is then looked at in the ordinary way.
   */
  onRun(view: Buffer, from: number, newline: number, stop: number): number {
    const { values, maxLineBytes, projector } = this.options;
    if (values === undefined || this.crlf !== undefined || this.joiner.isHolding()) return from;
    if (projector === undefined && from >= this.triedTo) {
      const end = newline < stop ? view.lastIndexOf(10, stop - 1) : newline;
      // Lines that are longer than allowed are told apart by their bytes, which are not counted there.
      const text = end - from > maxLineBytes ? undefined : decodeLines(view, from, end);
      this.triedTo = end;
      if (text !== undefined) return this.parseLines(text, values.batch, from, end);
    }
    const { batch } = values;
    let start = from;
    let end = newline;
    let count = 0;
    try {
      while (end !== -1 && start < stop) {
        if (end === start || view[end - 1] === carriageReturn || end - start > maxLineBytes) break;
        let value: unknown;
        if (projector === undefined) {
          const text = decodeText(view, start, end);
          value = JSON.parse(text);
          if (this.mayBeAltered(text, view, end - start)) break;
        } else {
          value = projector.project(view, start, end);
          if (value === undefined) break;
        }
        batch.push(value);
        count += 1;
        start = end + 1;
        end = view.indexOf(10, start);
      }
    } catch {
      // Not JSON: what can be had of the line is found out in the ordinary way.
    }
    this.line += count;
    return start;
  }

  /** Parses the lines of a text that was decoded from `[from, to)`. Gives where it stopped, as `onRun` does. */
  private parseLines(text: string, batch: unknown[], from: number, to: number): number {
    let start = 0;
    let count = 0;
    try {
      while (start <= text.length) {
        const newline = text.indexOf('\n', start);
        const end = newline === -1 ? text.length : newline;
        if (end > start) {
          if (text.charCodeAt(end - 1) === carriageReturn) break;
          batch.push(JSON.parse(text.slice(start, end)));
        }
        count += 1;
        start = end + 1;
      }
    } catch {
      // Not JSON, as in `onRun`.
    }
    this.line += count;
    return start > text.length ? to + 1 : from + Buffer.byteLength(text.slice(0, start));
  }

  /**
   * Whether decoding a line may have put U+FFFD for bytes that are no text. That may also be real text.
   * Short lines are not looked through when all lines of the chunk are valid.
   */
  private mayBeAltered(text: string, view: Buffer, lineBytes: number): boolean {
    this.isChunkValid ??=
      this.mayCheckChunk &&
      lineBytes <= shortLine &&
      this.terminated &&
      isUtf8(view.subarray(0, view.lastIndexOf(10)));
    return !this.isChunkValid && text.includes('\ufffd');
  }

  onLine(view: Buffer, start: number, end: number, byteStart: number): void {
    const { live, selector, projector } = this.options;
    this.line += 1;
    if (!this.terminated && live) {
      this.joiner.giveUp();
      this.fault('pending_tail', byteStart, byteStart + (end - start), this.line);
      return;
    }
    if (this.crlf !== undefined || view[end - 1] === carriageReturn) {
      this.noteLineEnd(view, start, end, byteStart);
    }
    if (this.joiner.isHolding()) {
      this.decodeDamaged(view, start, end, byteStart);
      return;
    }
    if (start === end) return;
    if (selector !== undefined && !selector.mayMatch(view, start, end))
      if (!mayGoOn(view, start, end)) return;
    let value: unknown;
    // A line without newline may be torn, which only parsing all of it tells for certain.
    if (projector !== undefined && this.terminated) {
      value = projector.project(view, start, end);
      if (value !== undefined) {
        this.sink.onRecord(value, byteStart, byteStart + (end - start) + 1, this.line);
        return;
      }
    }
    const text = decodeText(view, start, end);
    try {
      value = JSON.parse(text);
    } catch {
      this.decodeDamaged(view, start, end, byteStart);
      return;
    }
    // Decoding puts U+FFFD where bytes are invalid, but U+FFFD may also be real text.
    if (this.mayBeAltered(text, view, end - start) && !isUtf8(view.subarray(start, end))) {
      this.fault('bad_utf8', byteStart, byteStart + (end - start), this.line);
      return;
    }
    const byteEnd = byteStart + (end - start) + (this.terminated ? 1 : 0);
    this.sink.onRecord(value, byteStart, byteEnd, this.line, text);
  }

  onTooLong(byteStart: number, byteEnd: number): void {
    this.line += 1;
    this.joiner.giveUp();
    this.endCrlf();
    this.fault('too_long', byteStart, byteEnd, this.line);
  }

  endOfFile(): void {
    this.terminated = false;
  }

  finish(): void {
    this.joiner.giveUp();
    this.endCrlf();
  }

  onJoined(
    kind: FaultKind,
    value: unknown,
    byteStart: number,
    byteEnd: number,
    line: number,
    text: string,
  ): void {
    this.fault(kind, byteStart, byteEnd, line);
    this.sink.onRecord(value, byteStart, this.terminated ? byteEnd + 1 : byteEnd, line, text);
  }

  onGivenUp(bytes: Buffer, byteStart: number, line: number): void {
    const lineEnd = byteStart + bytes.length + 1;
    this.givePieces(recoverLine(bytes, true), bytes, byteStart, lineEnd, line);
  }

  private fault(kind: FaultKind, byteStart: number, byteEnd: number, line: number): void {
    this.sink.onFault({ kind, byteStart, byteEnd, line });
  }

  /** `lineEnd` is after the newline of the line, if it has one. */
  private givePieces(
    pieces: Piece[],
    bytes: Buffer,
    base: number,
    lineEnd: number,
    at: number,
  ): void {
    for (const piece of pieces) {
      const start = base + piece.start;
      const end = base + piece.end;
      if (piece.fault !== undefined) this.fault(piece.fault, start, end, at);
      else {
        const isLast = piece.end === bytes.length;
        this.sink.onRecord(piece.value, start, isLast ? lineEnd : end, at, piece.text);
      }
    }
  }

  private endCrlf(): void {
    if (this.crlf === undefined) return;
    this.fault('crlf', this.crlf.byteStart, this.crlf.byteEnd, this.crlf.line);
    this.crlf = undefined;
  }

  private noteLineEnd(view: Buffer, start: number, end: number, byteStart: number): void {
    if (start < end && view[end - 1] === carriageReturn && this.terminated) {
      this.crlf ??= { byteStart, byteEnd: 0, line: this.line };
      this.crlf.byteEnd = byteStart + (end - start);
    } else if (this.crlf !== undefined) this.endCrlf();
  }

  /** A line that did not parse, or that follows one which may go on in it. */
  private decodeDamaged(view: Buffer, from: number, end: number, lineStart: number): void {
    const { joiner, line, terminated } = this;
    let start = from;
    if (byteOrderMark.every((byte, index) => view[from + index] === byte && from + index < end)) {
      start += 3;
      this.fault('byte_order_mark', lineStart, lineStart + 3, line);
    }
    const byteStart = lineStart + (start - from);
    const bytes = view.subarray(start, end);
    if (joiner.isHolding() && joiner.take(bytes, byteStart, line, terminated)) return;
    const pieces = recoverLine(bytes, terminated);
    const [only] = pieces;
    // Nothing came of this line by itself: it may be the first of several that make one record.
    if (pieces.length === 1 && only?.fault === 'not_json' && terminated) {
      if (joiner.begin(bytes, byteStart, line)) return;
    }
    const lineEnd = byteStart + bytes.length + (terminated ? 1 : 0);
    this.givePieces(pieces, bytes, byteStart, lineEnd, line);
  }
}

/** Whether a record may go on in the lines that follow, where what is looked for may stand: as a pretty-printed one does. */
function mayGoOn(view: Buffer, start: number, end: number): boolean {
  if (view[start] !== openBrace) return false;
  const last = view[trimSpace(view, start, end) - 1];
  return last === openBrace || last === openBracket || last === comma;
}

export function createDecoder(options: DecodeOptions, sink: RecordSink): Decoder {
  return new LineDecoder(options, sink);
}
