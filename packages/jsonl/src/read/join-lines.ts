import type { FaultKind } from './fault.js';
import { followNesting, type Nesting } from './mend-text.js';
import { parseMended, parseSlice } from './recover-line.js';

/** A record over more lines than this is not looked for. */
const maxLines = 1000;

export interface JoinSink {
  /** A record made of several lines. */
  onJoined(
    kind: FaultKind,
    value: unknown,
    byteStart: number,
    byteEnd: number,
    line: number,
    text: string,
  ): void;
  /** A line that was held back and stands for itself after all. */
  onGivenUp(bytes: Buffer, byteStart: number, line: number): void;
}

interface HeldLine {
  readonly bytes: Buffer;
  readonly byteStart: number;
  readonly line: number;
}

function isOpen({ inString, depth }: Nesting): boolean {
  return depth > 0 || (inString && depth === 0);
}

/**
 * Puts a record together that was spread over several lines: by raw newlines in its strings, or by a
 * pretty printer. A line that could be the first of them is held back until brackets and quotes are
 * closed, until a line comes that is a record by itself, or until too much was held.
 */
export class Joiner {
  private readonly maxBytes: number;
  private readonly sink: JoinSink;
  private held: HeldLine[] = [];
  private heldBytes = 0;
  private nesting: Nesting = { inString: false, depth: 0 };

  constructor(maxBytes: number, sink: JoinSink) {
    this.maxBytes = maxBytes;
    this.sink = sink;
  }

  isHolding(): boolean {
    return this.held.length > 0;
  }

  /** Holds a line back; gives whether it can be the first of a record over several lines. */
  begin(bytes: Buffer, byteStart: number, line: number): boolean {
    const first = bytes.find((byte) => byte !== 0x20 && byte !== 0x09);
    if ((first !== 0x7b && first !== 0x5b) || bytes.includes(0)) return false;
    this.nesting = followNesting(bytes, 0, bytes.length, { inString: false, depth: 0 });
    if (this.nesting.depth < 1) return false;
    this.hold(bytes, byteStart, line);
    return true;
  }

  /** Offers the next line; gives whether it was taken, else everything held was given up. */
  take(bytes: Buffer, byteStart: number, line: number, terminated: boolean): boolean {
    const [first] = bytes;
    // A bare word, number or string may be a line of text; an object is a record of its own.
    const isRecord = first === 0x7b && parseSlice(bytes, 0, bytes.length) !== undefined;
    const isTooMuch = this.held.length >= maxLines || this.heldBytes + bytes.length > this.maxBytes;
    if (!isRecord && !isTooMuch) {
      const next = followNesting(bytes, 0, bytes.length, this.nesting);
      if (isOpen(next) && terminated) {
        this.nesting = next;
        this.hold(bytes, byteStart, line);
        return true;
      }
      if (next.depth === 0 && !next.inString) {
        this.hold(bytes, byteStart, line);
        if (this.join()) return true;
        this.held.pop();
      }
    }
    this.giveUp();
    return false;
  }

  giveUp(): void {
    for (const { bytes, byteStart, line } of this.reset()) {
      this.sink.onGivenUp(bytes, byteStart, line);
    }
  }

  private reset(): HeldLine[] {
    const lines = this.held;
    this.held = [];
    this.heldBytes = 0;
    this.nesting = { inString: false, depth: 0 };
    return lines;
  }

  private hold(bytes: Buffer, byteStart: number, line: number): void {
    // The bytes are in a buffer that is read into again.
    this.held.push({ bytes: Buffer.from(bytes), byteStart, line });
    this.heldBytes += bytes.length + 1;
  }

  /** All that is held, once its brackets are closed. */
  private join(): boolean {
    const [first, ...others] = this.held;
    const last = this.held.at(-1);
    if (first === undefined || last === undefined) return false;
    const newline = Buffer.of(10);
    const all = Buffer.concat([first.bytes, ...others.flatMap(({ bytes }) => [newline, bytes])]);
    const plain = parseSlice(all, 0, all.length);
    const piece =
      plain ?? parseMended(all, 0, all.length)?.find((candidate) => candidate.fault === undefined);
    if (piece === undefined || piece.fault !== undefined) return false;
    const { byteStart, line } = first;
    // Outside of strings a newline is white space, so that a space can stand for it.
    const text = piece.text.replace(/[\r\n]/g, ' ');
    const kind = plain === undefined ? 'control_character' : 'multi_line';
    this.reset();
    const byteEnd = last.byteStart + last.bytes.length;
    this.sink.onJoined(kind, piece.value, byteStart, byteEnd, line, text);
    return true;
  }
}
