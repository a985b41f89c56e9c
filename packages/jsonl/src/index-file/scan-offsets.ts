import { chunkBytes } from '../read/line-buffer.js';
import { readBytes } from '../read/open-for-reading.js';
import type { FileSystem } from '../file-system.js';

/** How many lines one kept offset stands for. */
export const stride = 64;

/** Where every 64th line begins. Few enough to be held for any file, and near enough to any line. */
export interface Offsets {
  /** Beginnings of the lines 0, 64, 128, ... */
  readonly starts: number[];
  /** Lines that end in a newline and are not empty. */
  lines: number;
  /** The byte after the last newline: here the next scan begins. */
  settled: number;
}

/** What a scan found after what was known, not yet a part of it. */
export interface Found {
  /** To be added to `starts`. */
  readonly starts: readonly number[];
  readonly lines: number;
  readonly settled: number;
}

/** All of a scan or nothing: one that failed midway would leave beginnings that no line has. */
export function addFound(offsets: Offsets, { starts, lines, settled }: Found): void {
  for (const start of starts) offsets.starts.push(start);
  offsets.lines = lines;
  offsets.settled = settled;
}

const carriageReturn = 13;

/** Goes on to `to`, and changes nothing that is known. Only newlines are searched for; nothing is decoded. */
export async function scanOffsets(
  fileSystem: FileSystem,
  file: number,
  path: string,
  offsets: Readonly<Offsets>,
  to: number,
): Promise<Found> {
  const chunk = Buffer.allocUnsafe(chunkBytes);
  let { lines, settled } = offsets;
  const starts: number[] = [];
  let position = settled;
  /** Whether the line that goes over the end of the last chunk ended it with a carriage return. */
  let endedInReturn = false;
  while (position < to) {
    const room = chunk.length > to - position ? chunk.subarray(0, to - position) : chunk;
    const count = await readBytes(fileSystem, file, path, room, position);
    if (count === 0) break;
    const view = chunk.subarray(0, count);
    for (let newline = view.indexOf(10); newline !== -1; newline = view.indexOf(10, newline + 1)) {
      const end = position + newline;
      const length = end - settled;
      const before = newline > 0 ? view[newline - 1] === carriageReturn : endedInReturn;
      // An empty line is none: writers that share a file leave them.
      if (length > 1 || (length === 1 && !before)) {
        if (lines % stride === 0) starts.push(settled);
        lines += 1;
      }
      settled = end + 1;
    }
    endedInReturn = view[count - 1] === carriageReturn;
    position += count;
  }
  return { starts, lines, settled };
}
