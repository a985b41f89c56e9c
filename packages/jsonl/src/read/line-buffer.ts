/** How much is asked of the file system at a time. */
export const chunkBytes = 256 * 1024;

/** Takes lines out of a buffer. The bytes are valid only during the call. */
export interface LineSink {
  /** Called once for each chunk before its lines, with all bytes in hand: lines are parts of `view`. */
  onChunk(view: Buffer): void;
  /** One line: `[start, end)` without its newline. */
  onLine(view: Buffer, start: number, end: number, byteStart: number): void;
  /** A line that was longer than allowed and was not kept. */
  onTooLong(byteStart: number, byteEnd: number): void;
}

export interface LineBuffer {
  /** Where the next bytes are to be read to: at most `chunkBytes`. */
  room(): Buffer;
  /** Takes `count` bytes that were read into `room()`, and gives each line that they complete. */
  push(count: number): void;
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
      const limit = filled + count;
      const view = buffer.subarray(0, limit);
      let start = 0;
      let newline = view.indexOf(10, filled);
      if (newline !== -1) sink.onChunk(view);
      while (newline !== -1) {
        if (droppedFrom !== undefined) {
          sink.onTooLong(droppedFrom, base + newline);
          droppedFrom = undefined;
        } else if (newline - start > maxLineBytes) sink.onTooLong(base + start, base + newline);
        else sink.onLine(view, start, newline, base + start);
        start = newline + 1;
        newline = view.indexOf(10, start);
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
      }
    },
    finish() {
      if (droppedFrom !== undefined) sink.onTooLong(droppedFrom, base + filled);
      else if (filled > 0) {
        const view = buffer.subarray(0, filled);
        sink.onChunk(view);
        sink.onLine(view, 0, filled, base);
      }
      filled = 0;
    },
  };
}
