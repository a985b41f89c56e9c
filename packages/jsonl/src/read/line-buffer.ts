import {
  giveSearchedBuffer,
  searchedBytes,
  takeSearchedBuffer,
  type FindObject,
  type ScanBuffer,
} from './scan-buffer.js';

/** How much is asked of the file system at a time: it is still in the processor's cache when it is decoded. */
export const chunkBytes = 384 * 1024;
/**
 * The same where little of each line is decoded, in the end: to hand over takes most of the time then, and records take
 * little memory.
 */
export const skimmedChunkBytes = searchedBytes;
/** The same in a buffer that cannot be searched. */
const plainChunkBytes = 1024 * 1024;
/**
 * How much of it is decoded at a time: little enough that records are used while they are still in
 * the processor's cache.
 */
export const batchBytes = 16 * 1024;
/** The same where so little is made of a line that a batch costs more than its records. */
export const skimmedBatchBytes = 256 * 1024;

/**
 * The buffer of the pass that ended last, for the next one: memory touched for the first time costs as much as
 * reading several times as many bytes into it.
 */
let spare: Buffer | undefined;
const noBuffer: ScanBuffer = { bytes: Buffer.alloc(0), findObject: undefined };

/** Takes lines out of a buffer. The bytes are valid only during the call. */
export interface LineSink {
  /**
   * Called once for each chunk before its lines, with all bytes in hand: lines are parts of `view`, in which
   * `findObject` searches.
   */
  onChunk(view: Buffer, findObject: FindObject | undefined): void;
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

function takeBuffer(length: number): ScanBuffer {
  let bytes = spare;
  if (bytes === undefined || length > bytes.length) bytes = Buffer.allocUnsafe(length);
  else spare = undefined;
  return { bytes, findObject: undefined };
}

function giveBuffer(buffer: ScanBuffer): void {
  const { bytes, findObject } = buffer;
  if (findObject !== undefined) giveSearchedBuffer(buffer);
  else if (bytes.length <= plainChunkBytes && bytes.length > (spare?.length ?? 0)) spare = bytes;
}

/**
 * Cuts chunks into lines. A line that does not end in its chunk stays in a buffer that doubles, and
 * only new bytes are searched for the newline, so that time is linear even for one huge line.
 */
export class LineBuffer {
  private readonly maxLineBytes: number;
  private readonly sink: LineSink;
  /** How much is asked for now, and at most. */
  private readBytes = chunkBytes;
  private readonly mostBytes: number;
  private buffer: ScanBuffer;
  /** Whether the buffer is still to be exchanged for one that can be searched, or is larger. */
  private mayExchange: boolean;
  private readonly from: number;
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

  /** `searched`: objects will be looked for in the lines. */
  constructor(
    from: number,
    maxLineBytes: number,
    sink: LineSink,
    initialBytes: number,
    searched: boolean,
  ) {
    this.maxLineBytes = maxLineBytes;
    this.sink = sink;
    this.mostBytes = Math.max(initialBytes, chunkBytes);
    this.mayExchange = searched;
    this.buffer = takeBuffer(Math.min(initialBytes, chunkBytes));
    this.view = noBuffer.bytes;
    this.from = from;
    this.base = from;
  }

  /** Where the next bytes are to be read to: at most `chunkBytes`, and more from time to time up to `initialBytes`. */
  room(): Buffer {
    // What is read of a small file is not worth another buffer.
    if (this.mayExchange && this.base - this.from >= chunkBytes / 2) this.exchange();
    const { filled } = this;
    const { bytes } = this.buffer;
    if (filled < bytes.length) {
      return bytes.subarray(filled, Math.min(bytes.length, filled + this.readBytes));
    }
    // One line is longer than the buffer, so that to search it is not what takes the time.
    this.replace({ bytes: Buffer.allocUnsafe(bytes.length * 2), findObject: undefined });
    return this.room();
  }

  /** Takes `count` bytes that were read into `room()`. */
  push(count: number): void {
    const { bytes, findObject } = this.buffer;
    if (count === this.readBytes) this.readBytes = Math.min(this.mostBytes, count * 2);
    this.limit = this.filled + count;
    this.view = bytes.subarray(0, this.limit);
    this.start = 0;
    this.newline = this.view.indexOf(10, this.filled);
    if (this.newline !== -1) this.sink.onChunk(this.view, findObject);
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
      const rest = this.buffer.bytes.subarray(0, filled);
      sink.onChunk(rest, this.buffer.findObject);
      sink.onLine(rest, 0, filled, base);
    }
    this.filled = 0;
  }

  /** Lets the next pass have the memory. Nothing may be asked of this one after it. */
  release(): void {
    giveBuffer(this.buffer);
    this.buffer = noBuffer;
    this.view = noBuffer.bytes;
  }

  private exchange(): void {
    const { mostBytes, filled } = this;
    // A long line goes on where it is.
    if (filled >= chunkBytes) return;
    this.mayExchange = false;
    const searched = takeSearchedBuffer();
    if (searched !== undefined) this.replace(searched);
    else if (this.buffer.bytes.length < Math.min(mostBytes, plainChunkBytes)) {
      this.replace(takeBuffer(plainChunkBytes));
    }
  }

  private replace(buffer: ScanBuffer): void {
    this.buffer.bytes.copy(buffer.bytes, 0, 0, this.filled);
    giveBuffer(this.buffer);
    this.buffer = buffer;
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
      this.buffer.bytes.copyWithin(0, this.start, limit);
      this.base += this.start;
      this.start = 0;
    }
    this.limit = this.filled;
  }
}
