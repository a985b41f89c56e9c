/** How much is asked of the file system at a time. */
export const chunkBytes = 256 * 1024;

/** One line in the buffer: `[start, end)` without its newline. The bytes are valid only during the call. */
export type OnLine = (bytes: Buffer, start: number, end: number, byteStart: number) => void;
/** A line that was longer than allowed and was not kept. */
export type OnTooLong = (byteStart: number, byteEnd: number) => void;

export interface LineBuffer {
  /** Where the next bytes are to be read to: at most `chunkBytes`. */
  room(): Buffer;
  /** Takes `count` bytes that were read into `room()`, and gives each line that they complete. */
  push(count: number, onLine: OnLine, onTooLong: OnTooLong): void;
  /** Gives what is left when the file ends without a newline. */
  finish(onLine: OnLine, onTooLong: OnTooLong): void;
}

/**
 * Cuts chunks into lines. A line that does not end in its chunk stays in a buffer that doubles, and
 * only new bytes are searched for the newline, so that time is linear even for one huge line.
 */
export function createLineBuffer(from: number, maxLineBytes: number): LineBuffer {
  let buffer = Buffer.allocUnsafe(chunkBytes);
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
    push(count, onLine, onTooLong) {
      const limit = filled + count;
      const view = buffer.subarray(0, limit);
      let start = 0;
      let newline = view.indexOf(10, filled);
      while (newline !== -1) {
        if (droppedFrom !== undefined) {
          onTooLong(droppedFrom, base + newline);
          droppedFrom = undefined;
        } else if (newline - start > maxLineBytes) onTooLong(base + start, base + newline);
        else onLine(view, start, newline, base + start);
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
    finish(onLine, onTooLong) {
      if (droppedFrom !== undefined) onTooLong(droppedFrom, base + filled);
      else if (filled > 0) onLine(buffer.subarray(0, filled), 0, filled, base);
      filled = 0;
    },
  };
}
