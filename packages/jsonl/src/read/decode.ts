import { isUtf8 } from 'node:buffer';
import type { Fault, FaultKind } from './fault.js';
import { createJoiner } from './join-lines.js';
import type { LineSink } from './line-buffer.js';
import { recoverLine, type Piece } from './recover-line.js';

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
  onChunk(view: Buffer): void;
  /** Whether the line can hold a record that is wanted. */
  mayMatch(view: Buffer, start: number, end: number): boolean;
}

/** Takes what is wanted of a line without parsing it all; `undefined` when it must be parsed. */
export type Projector = (view: Buffer, start: number, end: number) => object | undefined;

export interface DecodeOptions {
  /** A last line without newline is left alone and reported as pending. */
  readonly live: boolean;
  readonly maxLineBytes: number;
  readonly selector?: LineSelector | undefined;
  readonly projector?: Projector | undefined;
  /** Where records go of which nothing but the value is wanted: then `onRecord` is only for the rest. */
  readonly values?: (() => unknown[]) | undefined;
}

export interface Decoder extends LineSink {
  /** How many lines were seen. */
  lines(): number;
  /** From now on a line has no newline. */
  endOfFile(): void;
  /** Gives what was held back. */
  finish(): void;
}

interface SliceableBuffer extends Buffer {
  utf8Slice(start: number, end: number): string;
}

/** `toString` finds its way to the same function by name, which costs a tenth of a small record. */
export const decodeText: (bytes: Buffer, start: number, end: number) => string =
  'utf8Slice' in Buffer.prototype
    ? (bytes, start, end) => (bytes as SliceableBuffer).utf8Slice(start, end)
    : (bytes, start, end) => bytes.toString('utf8', start, end);

const byteOrderMark = [0xef, 0xbb, 0xbf] as const;
const carriageReturn = 13;
/** Up to this length a call for each line costs more than checking the bytes of all lines at once. */
const shortLine = 512;

/** Turns lines into records and faults. The common case is one parse. */
export function createDecoder(options: DecodeOptions, sink: RecordSink): Decoder {
  const { live, maxLineBytes, selector, projector, values } = options;
  let line = 0;
  let terminated = true;
  /** Else checking all of a chunk would cost more than checking what is parsed of it. */
  const isAllParsed = selector === undefined && projector === undefined;
  /** The whole lines of the chunk are valid UTF-8, so that decoding cannot alter any of them. */
  let isChunkValid = false;
  /** A run of lines that end in CR LF, of which the first begins here. */
  let crlf: { byteStart: number; byteEnd: number; line: number } | undefined;

  const fault = (kind: FaultKind, byteStart: number, byteEnd: number, at: number): void => {
    sink.onFault({ kind, byteStart, byteEnd, line: at });
  };

  /** `lineEnd` is after the newline of the line, if it has one. */
  function givePieces(pieces: Piece[], bytes: Buffer, base: number, lineEnd: number, at: number) {
    for (const piece of pieces) {
      const start = base + piece.start;
      const end = base + piece.end;
      if (piece.fault !== undefined) fault(piece.fault, start, end, at);
      else {
        const isLast = piece.end === bytes.length;
        sink.onRecord(piece.value, start, isLast ? lineEnd : end, at, piece.text);
      }
    }
  }

  const joiner = createJoiner(maxLineBytes, {
    onJoined(kind, value, byteStart, byteEnd, at, text) {
      fault(kind, byteStart, byteEnd, at);
      sink.onRecord(value, byteStart, terminated ? byteEnd + 1 : byteEnd, at, text);
    },
    onGivenUp(bytes, byteStart, at) {
      const lineEnd = byteStart + bytes.length + 1;
      givePieces(recoverLine(bytes, true), bytes, byteStart, lineEnd, at);
    },
  });

  function endCrlf(): void {
    if (crlf === undefined) return;
    fault('crlf', crlf.byteStart, crlf.byteEnd, crlf.line);
    crlf = undefined;
  }

  function noteLineEnd(view: Buffer, start: number, end: number, byteStart: number): void {
    if (start < end && view[end - 1] === carriageReturn && terminated) {
      crlf ??= { byteStart, byteEnd: 0, line };
      crlf.byteEnd = byteStart + (end - start);
    } else if (crlf !== undefined) endCrlf();
  }

  /** A line that did not parse, or that follows one which may go on in it. */
  function decodeDamaged(view: Buffer, from: number, end: number, lineStart: number): void {
    let start = from;
    if (byteOrderMark.every((byte, index) => view[from + index] === byte && from + index < end)) {
      start += 3;
      fault('byte_order_mark', lineStart, lineStart + 3, line);
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
    givePieces(pieces, bytes, byteStart, lineEnd, line);
  }

  /**
   * The shortest way from bytes to values, for lines about which there is nothing to say. It stops at
   * the first other line, which is then looked at in the ordinary way.
   */
  function onRun(view: Buffer, from: number, newline: number, stop: number): number {
    if (values === undefined || crlf !== undefined || joiner.isHolding()) return from;
    const taken = values();
    let start = from;
    let end = newline;
    try {
      while (end !== -1 && start < stop) {
        if (end === start || view[end - 1] === carriageReturn || end - start > maxLineBytes) break;
        const text = decodeText(view, start, end);
        const value: unknown = JSON.parse(text);
        if (!isChunkValid && text.includes('\ufffd')) break;
        taken.push(value);
        line += 1;
        start = end + 1;
        end = view.indexOf(10, start);
      }
    } catch {
      // Not JSON: what can be had of the line is found out in the ordinary way.
    }
    return start;
  }

  return {
    lines: () => line,
    ...(values === undefined ? {} : { onRun }),
    onChunk(view) {
      selector?.onChunk(view);
      isChunkValid = false;
      const firstEnd = isAllParsed ? view.indexOf(10) : -1;
      if (firstEnd === -1 || firstEnd > shortLine) return;
      const end = view.lastIndexOf(10);
      isChunkValid = isUtf8(view.subarray(0, end));
    },
    onLine(view, start, end, byteStart) {
      line += 1;
      if (!terminated && live) {
        joiner.giveUp();
        fault('pending_tail', byteStart, byteStart + (end - start), line);
        return;
      }
      if (crlf !== undefined || view[end - 1] === carriageReturn) {
        noteLineEnd(view, start, end, byteStart);
      }
      if (joiner.isHolding()) {
        decodeDamaged(view, start, end, byteStart);
        return;
      }
      if (start === end) return;
      if (selector !== undefined && !selector.mayMatch(view, start, end)) return;
      let value: unknown;
      // A line without newline may be torn, which only parsing all of it tells for certain.
      if (projector !== undefined && terminated) {
        value = projector(view, start, end);
        if (value !== undefined) {
          sink.onRecord(value, byteStart, byteStart + (end - start) + 1, line);
          return;
        }
      }
      const text = decodeText(view, start, end);
      try {
        value = JSON.parse(text);
      } catch {
        decodeDamaged(view, start, end, byteStart);
        return;
      }
      // Decoding puts U+FFFD where bytes are invalid, but U+FFFD may also be real text.
      if (!isChunkValid && text.includes('\ufffd') && !isUtf8(view.subarray(start, end))) {
        fault('bad_utf8', byteStart, byteStart + (end - start), line);
        return;
      }
      const byteEnd = byteStart + (end - start) + (terminated ? 1 : 0);
      sink.onRecord(value, byteStart, byteEnd, line, text);
    },
    onTooLong(byteStart, byteEnd) {
      line += 1;
      joiner.giveUp();
      endCrlf();
      fault('too_long', byteStart, byteEnd, line);
    },
    endOfFile() {
      terminated = false;
    },
    finish() {
      joiner.giveUp();
      endCrlf();
    },
  };
}
