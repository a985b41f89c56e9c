import { sealBytes } from '../chain/seal.js';

/**
 * Offset of the first line. Before it stands a newline, which is written too where a torn line may precede the
 * group.
 */
export const firstLine = 1;
const newline = 10;
const smallestBytes = 4096;
/** A buffer that grew beyond this for huge records is given up. */
const maxKeptBytes = 2 * 1024 * 1024;

/** Lines as the bytes that will be written, in a buffer that grows. */
export class LineBytes {
  bytes: Buffer;
  /** `bytes` from the first line on, as to write at an offset takes longer than to write at the start. */
  fromFirst: Buffer;
  /** Offset after the last line. */
  end = firstLine;

  /** Begins in `bytes`, which nobody needs any more. */
  constructor(bytes: Buffer = Buffer.allocUnsafeSlow(smallestBytes)) {
    bytes[0] = newline;
    this.bytes = bytes;
    this.fromFirst = bytes.subarray(firstLine);
  }

  /** Makes room for `more` bytes, a newline and a seal. */
  #reserve(more: number): void {
    const needed = this.end + more + 1 + sealBytes;
    if (needed <= this.bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.bytes.length * 2));
    this.bytes.copy(larger, 0, 0, this.end);
    this.bytes = larger;
    this.fromFirst = larger.subarray(firstLine);
  }

  /** Adds what stands in `bytes` from the first line to `end`. */
  add(bytes: Buffer, end: number): void {
    this.#reserve(end - firstLine);
    this.end += bytes.copy(this.bytes, this.end, firstLine, end);
  }

  /** Adds one line, given without its newline. */
  addLine(line: string): void {
    // No character takes more than three bytes; for a long text the exact number is worth its count.
    const most = line.length * 3;
    this.#reserve(most <= 1 << 16 ? most : Buffer.byteLength(line));
    this.end += this.bytes.write(line, this.end);
    this.bytes[this.end] = newline;
    this.end += 1;
  }

  /** Whether the buffer is worth keeping for the next lines. */
  get isKept(): boolean {
    return this.bytes.length <= maxKeptBytes;
  }
}

/** Makes lines of values. What it gives is used for the next ones again, if it `isKept`. */
export interface LineEncoder<in T> {
  readonly one: (value: T) => LineBytes;
  readonly all: (values: readonly T[]) => LineBytes;
}
