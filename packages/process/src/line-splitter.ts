/** A part of a line that is longer than allowed. */
export interface LinePiece {
  readonly bytes: Buffer;
  readonly isLast: boolean;
}

export interface LineSplitter {
  /** The lines that `chunk` completes, or undefined when the current line is longer than allowed, and not cut. */
  add(chunk: Buffer): (string | LinePiece)[] | undefined;
  /** The line that nothing ended, if any. */
  rest(): (string | LinePiece)[];
}

const newline = 0x0a;

class ByteLineSplitter implements LineSplitter {
  readonly #maxLineBytes: number;
  /** The beginning of a line whose end has not come. */
  #parts: Buffer[] | undefined;
  #partsBytes = 0;

  /** Longer lines come in pieces. */
  readonly #cuts: boolean;
  /** Pieces of the current line have been given. */
  #isCut = false;

  constructor(maxLineBytes: number, cuts: boolean) {
    this.#maxLineBytes = maxLineBytes;
    this.#cuts = cuts;
  }

  add(chunk: Buffer): (string | LinePiece)[] | undefined {
    const lines: (string | LinePiece)[] = [];
    let from = 0;
    for (let at = chunk.indexOf(newline); at >= 0; at = chunk.indexOf(newline, from)) {
      const isLong = this.#isCut || this.#partsBytes + at - from > this.#maxLineBytes;
      if (isLong && !this.#cuts) return undefined;
      if (isLong) this.#cut(lines, chunk.subarray(from, at), true);
      else lines.push(this.#join(chunk.subarray(from, at)));
      from = at + 1;
    }
    if (from < chunk.length) {
      const rest = chunk.subarray(from);
      const isLong = this.#isCut || this.#partsBytes + rest.length > this.#maxLineBytes;
      if (isLong && !this.#cuts) return undefined;
      if (isLong) this.#cut(lines, rest, false);
      else {
        this.#parts ??= [];
        this.#parts.push(rest);
        this.#partsBytes += rest.length;
      }
    }
    return lines;
  }

  rest(): (string | LinePiece)[] {
    const lines: (string | LinePiece)[] = [];
    if (this.#isCut) this.#cut(lines, Buffer.alloc(0), true);
    else if (this.#parts !== undefined) lines.push(this.#join(Buffer.alloc(0)));
    return lines;
  }

  /** Gives what was kept of the line, and what came now. */
  #cut(lines: (string | LinePiece)[], bytes: Buffer, isLast: boolean): void {
    for (const part of this.#parts ?? []) lines.push({ bytes: part, isLast: false });
    this.#parts = undefined;
    this.#partsBytes = 0;
    lines.push({ bytes, isLast });
    this.#isCut = !isLast;
  }

  #join(last: Buffer): string {
    const line = this.#parts === undefined ? last : Buffer.concat([...this.#parts, last]);
    this.#parts = undefined;
    this.#partsBytes = 0;
    return line.toString('utf8');
  }
}

/** Cuts bytes into lines; decodes whole lines only, so no character is torn between chunks. */
export const createLineSplitter = (maxLineBytes: number, cuts: boolean): LineSplitter =>
  new ByteLineSplitter(maxLineBytes, cuts);
