import type { FileSystem } from '../file-system.js';
import { readRange } from '../read/from-end.js';
import { stride, type Offsets } from './scan-offsets.js';

const blockBytes = 64 * 1024;

/** First byte of a line, and the byte after its newline. */
export interface Place {
  readonly start: number;
  readonly end: number;
}

/** A part of a file that begins with a line whose beginning is kept, and ends before the next such. */
interface Stretch {
  readonly from: number;
  readonly to: number;
  /** Lines in it that are not empty. */
  readonly lines: number;
}

export function stretchOf({ starts, lines, settled }: Readonly<Offsets>, n: number): Stretch {
  const at = Math.floor(n / stride);
  const from = starts[at] ?? 0;
  const to = starts[at + 1] ?? settled;
  return { from, to, lines: Math.min(stride, lines - at * stride) };
}

/**
 * Where the line begins and ends that comes after `skip` lines of a stretch that are not empty.
 * Nothing when the stretch is seen not to be what was indexed: it was cut, a newline is missing before
 * its beginning or its end, or it has another number of lines. What lies beyond the block that has the
 * line is not read for that.
 */
export async function findLine(
  fileSystem: FileSystem,
  file: number,
  path: string,
  { from, to, lines }: Stretch,
  skip: number,
): Promise<Place | undefined> {
  // With the newline before it, which is the end of an empty line here.
  const first = Math.max(0, from - 1);
  let seen = 0;
  let start = first;
  let found: Place | undefined;
  let endedInReturn = false;
  for (let position = first; position < to && found === undefined;) {
    const end = Math.min(to, position + blockBytes);
    const part = await readRange(fileSystem, file, path, position, end);
    if (part.length < end - position) return undefined;
    if (position < from && part[0] !== 10) return undefined;
    for (let at = part.indexOf(10); at !== -1; at = part.indexOf(10, at + 1)) {
      const newline = position + at;
      const length = newline - start;
      const before = at > 0 ? part[at - 1] === 13 : endedInReturn;
      if (length > 1 || (length === 1 && !before)) {
        if (seen === skip) found = { start, end: newline + 1 };
        seen += 1;
      }
      start = newline + 1;
    }
    endedInReturn = part.at(-1) === 13;
    position = end;
    if (end === to && (seen !== lines || start !== to)) return undefined;
  }
  return found;
}

/** The last line, which has no newline. Nothing when it does not begin where it did. */
export async function findTail(
  fileSystem: FileSystem,
  file: number,
  path: string,
  start: number,
  end: number,
): Promise<Place | undefined> {
  if (start === 0) return { start, end };
  const before = await readRange(fileSystem, file, path, start - 1, start);
  return before[0] === 10 ? { start, end } : undefined;
}
