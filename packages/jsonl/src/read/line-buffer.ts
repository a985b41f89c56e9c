/** How much is asked of the file system at a time: it is still in the processor's cache when it is decoded. */
export const chunkBytes = 256 * 1024;
/** The same where little of each line is decoded: handing over takes most of the time then, and records little memory. */
export const skimmedChunkBytes = 1024 * 1024;
/**
 * How much of it is decoded at a time: little enough that records are used while they are still in
 * the processor's cache.
 */
export const batchBytes = 16 * 1024;

/**
 * The buffer of the pass that ended last, for the next one: memory touched for the first time costs as much as
 * reading several times as many bytes into it.
 */
const noBytes = Buffer.alloc(0);
let spare: Buffer | undefined;

/** Takes lines out of a buffer. The bytes are valid only during the call. */
export interface LineSink {
  /** Called once for each chunk before its lines, with all bytes in hand: lines are parts of `view`. */
  onChunk(view: Buffer): void;
  /** One line: `[start, end)` without its newline. */
  onLine(view: Buffer, start: number, end: number, byteStart: number): void;
  /** Whether it may take several lines at once. */
  readonly takesRuns: boolean;
  /**
   * May take lines from `start` on, the first of which ends at `newline`, up to about `stop`; gives
   * where the first line begins that it did not take.
   */
  onRun(view: Buffer, start: number, newline: number, stop: number): number;
  /** A line that was longer than allowed and was not kept. */
  onTooLong(byteStart: number, byteEnd: number): void;
}

function takeBuffer(bytes: number): Buffer {
  if (spare === undefined || bytes > spare.length) return Buffer.allocUnsafe(bytes);
  const buffer = spare;
  spare = undefined;
  return buffer;
}

/**
 * Cuts chunks into lines. A line that does not end in its chunk stays in a buffer that doubles, and
 * only new bytes are searched for the newline, so that time is linear even for one huge line.
 */
export class LineBuffer {
  private readonly maxLineBytes: number;
  private readonly sink: LineSink;
  private readonly readBytes: number;
  private buffer: Buffer;
  private filled = 0;
  /** Offset in the file of the first byte of `buffer`. */
  private base: number;
  /** Set while the rest of a too long line is being dropped: where that line began. */
  private droppedFrom: number | undefined;
  /** All bytes in hand, and what of them was not given yet: from `start`, up to `newline` and beyond. */
  private view: Buffer;
  private limit = 0;
  private start = 0;
  private newline = -1;

  constructor(from: number, maxLineBytes: number, sink: LineSink, initialBytes: number) {
    this.maxLineBytes = maxLineBytes;
    this.sink = sink;
    this.readBytes = Math.max(initialBytes, chunkBytes);
    this.buffer = takeBuffer(initialBytes);
    this.view = this.buffer.subarray(0, 0);
    this.base = from;
  }

  /** Where the next bytes are to be read to: at most `chunkBytes`, or `initialBytes` if that is more. */
  room(): Buffer {
    const { filled } = this;
    if (filled === this.buffer.length) {
      const larger = Buffer.allocUnsafe(this.buffer.length * 2);
      this.buffer.copy(larger, 0, 0, filled);
      this.buffer = larger;
    }
    return this.buffer.subarray(filled, Math.min(this.buffer.length, filled + this.readBytes));
  }

  /** Takes `count` bytes that were read into `room()`. */
  push(count: number): void {
    this.limit = this.filled + count;
    this.view = this.buffer.subarray(0, this.limit);
    this.start = 0;
    this.newline = this.view.indexOf(10, this.filled);
    if (this.newline !== -1) this.sink.onChunk(this.view);
  }

  /**
   * Gives lines of what was pushed until about `bytes` of them were given; gives whether there are
   * more. Everything must be given before `room()` is asked for again.
   */
  drain(bytes: number): boolean {
    const { view, sink, maxLineBytes } = this;
    const stop = this.start + bytes;
    while (this.newline !== -1) {
      if (this.start >= stop) return true;
      if (sink.takesRuns && this.droppedFrom === undefined) {
        const next = sink.onRun(view, this.start, this.newline, stop);
        if (next !== this.start) {
          this.start = next;
          this.newline = view.indexOf(10, next);
          if (this.newline === -1 || next >= stop) continue;
        }
      }
      // Moved on before the line is given, as whoever takes it may throw.
      const from = this.start;
      const to = this.newline;
      this.start = to + 1;
      this.newline = view.indexOf(10, this.start);
      if (this.droppedFrom !== undefined) {
        const byteStart = this.droppedFrom;
        this.droppedFrom = undefined;
        sink.onTooLong(byteStart, this.base + to);
      } else if (to - from > maxLineBytes) sink.onTooLong(this.base + from, this.base + to);
      else sink.onLine(view, from, to, this.base + from);
    }
    this.keepRest();
    return false;
  }

  /** Gives what is left when the file ends without a newline. */
  finish(): void {
    const { sink, filled, base } = this;
    if (this.droppedFrom !== undefined) sink.onTooLong(this.droppedFrom, base + filled);
    else if (filled > 0) {
      const rest = this.buffer.subarray(0, filled);
      sink.onChunk(rest);
      sink.onLine(rest, 0, filled, base);
    }
    this.filled = 0;
  }

  /** Lets the next pass have the memory. Nothing may be asked of this one after it. */
  release(): void {
    const { length } = this.buffer;
    if (length <= skimmedChunkBytes && length > (spare?.length ?? 0)) spare = this.buffer;
    this.buffer = noBytes;
    this.view = noBytes;
  }

  /** Moves the beginning of a line that goes on in the next chunk to the front, if it is kept. */
  private keepRest(): void {
    const { limit } = this;
    this.filled = limit - this.start;
    if (this.droppedFrom !== undefined || this.filled > this.maxLineBytes) {
      this.droppedFrom ??= this.base + this.start;
      this.start = limit;
      this.filled = 0;
    }
    if (this.start > 0) {
      this.buffer.copyWithin(0, this.start, limit);
      this.base += this.start;
      this.start = 0;
    }
    this.limit = this.filled;
  }
}
