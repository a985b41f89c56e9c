export interface LineSplitter {
  /** The lines that `chunk` completes, or undefined when the current line is longer than allowed. */
  add(chunk: Buffer): string[] | undefined;
  /** The line that nothing ended, if any. */
  rest(): string[];
}

const newline = 0x0a;

class ByteLineSplitter implements LineSplitter {
  readonly #maxLineBytes: number;
  /** The beginning of a line whose end has not come. */
  #parts: Buffer[] | undefined;
  #partsBytes = 0;

  constructor(maxLineBytes: number) {
    this.#maxLineBytes = maxLineBytes;
  }

  add(chunk: Buffer): string[] | undefined {
    const lines: string[] = [];
    let from = 0;
    for (let at = chunk.indexOf(newline); at >= 0; at = chunk.indexOf(newline, from)) {
      if (this.#partsBytes + at - from > this.#maxLineBytes) return undefined;
      lines.push(this.#join(chunk.subarray(from, at)));
      from = at + 1;
    }
    if (from < chunk.length) {
      this.#parts ??= [];
      this.#parts.push(chunk.subarray(from));
      this.#partsBytes += chunk.length - from;
    }
    return this.#partsBytes > this.#maxLineBytes ? undefined : lines;
  }

  rest(): string[] {
    return this.#parts === undefined ? [] : [this.#join(Buffer.alloc(0))];
  }

  #join(last: Buffer): string {
    const line = this.#parts === undefined ? last : Buffer.concat([...this.#parts, last]);
    this.#parts = undefined;
    this.#partsBytes = 0;
    return line.toString('utf8');
  }
}

/** Cuts bytes into lines; decodes whole lines only, so no character is torn between chunks. */
export const createLineSplitter = (maxLineBytes: number): LineSplitter =>
  new ByteLineSplitter(maxLineBytes);
