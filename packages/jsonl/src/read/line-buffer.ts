/** How much is asked of the file system at a time. */
export const chunkBytes = 256 * 1024;
/**
 * How much of it is decoded at a time: little enough that records are used while they are still in
 * the processor's cache.
 */
export const batchBytes = 32 * 1024;

/** Takes lines out of a buffer. The bytes are valid only during the call. */
export interface LineSink {
  /** Called once for each chunk before its lines, with all bytes in hand: lines are parts of `view`. */
  onChunk(view: Buffer): void;
  /** One line: `[start, end)` without its newline. */
  onLine(view: Buffer, start: number, end: number, byteStart: number): void;
  /**
   * May take lines from `start` on, the first of which ends at `newline`, up to about `stop`; gives
   * where the first line begins that it did not take.
   */
  onRun?(view: Buffer, start: number, newline: number, stop: number): number;
  /** A line that was longer than allowed and was not kept. */
  onTooLong(byteStart: number, byteEnd: number): void;
}

export interface LineBuffer {
  /** Where the next bytes are to be read to: at most `chunkBytes`. */
  room(): Buffer;
  /** Takes `count` bytes that were read into `room()`. */
  push(count: number): void;
  /**
   * Gives lines of what was pushed until about `bytes` of them were given; gives whether there are
   * more. Everything must be given before `room()` is asked for again.
   */
  drain(bytes: number): boolean;
  /** Gives what is left when the file ends without a newline. */
  finish(): void;
}

/**
 * Cuts chunks into lines. A line that does not end in its chunk stays in a buffer that doubles, and
 * only new bytes are searched for the newline, so that time is linear even for one huge line.
 */
export function createLineBuffer(
  from: number,
  maxLineBytes: number,
  sink: LineSink,
  initialBytes = chunkBytes,
): LineBuffer {
  let buffer = Buffer.allocUnsafe(initialBytes);
  let filled = 0;
  /** Offset in the file of the first byte of `buffer`. */
  let base = from;
  /** Set while the rest of a too long line is being dropped: where that line began. */
  let droppedFrom: number | undefined;
  /** All bytes in hand, and what of them was not given yet: from `start`, up to `newline` and beyond. */
  let view = buffer.subarray(0, 0);
  let limit = 0;
  let start = 0;
  let newline = -1;

  return {
    room() {
      if (filled === buffer.length) {
        const larger = Buffer.allocUnsafe(buffer.length * 2);
        buffer.copy(larger, 0, 0, filled);
        buffer = larger;
      }
      return buffer.subarray(filled, Math.min(buffer.length, filled + chunkBytes));
    },
    push(count) {
      limit = filled + count;
      view = buffer.subarray(0, limit);
      start = 0;
      newline = view.indexOf(10, filled);
      if (newline !== -1) sink.onChunk(view);
    },
    drain(bytes) {
      const stop = start + bytes;
      while (newline !== -1) {
        if (start >= stop) return true;
        if (sink.onRun !== undefined && droppedFrom === undefined) {
          const next = sink.onRun(view, start, newline, stop);
          if (next !== start) {
            start = next;
            newline = view.indexOf(10, start);
            if (newline === -1 || start >= stop) continue;
          }
        }
        const from = start;
        const to = newline;
        start = newline + 1;
        newline = view.indexOf(10, start);
        if (droppedFrom !== undefined) {
          const byteStart = droppedFrom;
          droppedFrom = undefined;
          sink.onTooLong(byteStart, base + to);
        } else if (to - from > maxLineBytes) sink.onTooLong(base + from, base + to);
        else sink.onLine(view, from, to, base + from);
      }
      filled = limit - start;
      if (droppedFrom !== undefined || filled > maxLineBytes) {
        droppedFrom ??= base + start;
        start = limit;
        filled = 0;
      }
      if (start > 0) {
        buffer.copyWithin(0, start, limit);
        base += start;
        start = 0;
      }
      limit = filled;
      return false;
    },
    finish() {
      if (droppedFrom !== undefined) sink.onTooLong(droppedFrom, base + filled);
      else if (filled > 0) {
        const rest = buffer.subarray(0, filled);
        sink.onChunk(rest);
        sink.onLine(rest, 0, filled, base);
      }
      filled = 0;
    },
  };
}
