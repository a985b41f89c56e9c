import type { FileSystem } from '../file-system.js';
import { decodeLine, type Entry } from './decode-line.js';
import { defaultMaxLineBytes, readBytes } from './scan.js';

const blockBytes = 64 * 1024;
/** The longest line that is read, with the newlines before and after it. */
const maxWindowBytes = defaultMaxLineBytes + 2;

/** Reads exactly `[from, to)`, or less when the file ends sooner. */
export async function readRange(
  fileSystem: FileSystem,
  file: number,
  path: string,
  from: number,
  to: number,
): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(to - from);
  let filled = 0;
  while (filled < bytes.length) {
    const room = bytes.subarray(filled);
    const count = await readBytes(fileSystem, file, path, room, from + filled);
    if (count === 0) break;
    filled += count;
  }
  return bytes.subarray(0, filled);
}

/** Offset of the last newline in `[from, to)`, or -1. Reads from the end, in blocks. */
export async function findLastNewline(
  fileSystem: FileSystem,
  file: number,
  path: string,
  from: number,
  to: number,
): Promise<number> {
  for (let end = to; end > from;) {
    const start = Math.max(from, end - blockBytes);
    const block = await readRange(fileSystem, file, path, start, end);
    const newline = block.lastIndexOf(10);
    if (newline !== -1) return start + newline;
    end = start;
  }
  return -1;
}

/** Every whole record of a block that begins at the beginning of a line. */
function decodeBlock(block: Buffer, base: number): Entry<unknown>[] {
  const entries: Entry<unknown>[] = [];
  for (let start = 0; start < block.length;) {
    const newline = block.indexOf(10, start);
    const terminated = newline !== -1;
    const end = terminated ? newline : block.length;
    decodeLine(
      { bytes: block, start, end, byteStart: base + start, line: 0, terminated },
      (value, byteStart, byteEnd) => entries.push({ value, byteStart, byteEnd, line: 0 }),
      () => undefined,
    );
    start = end + 1;
  }
  return entries;
}

/**
 * Whole records from the last to the first, so that the end of a file is found without reading all
 * of it. Damage is passed over; the whole records in it are given. `line` is not known and is 0.
 */
export async function* entriesFromEnd(
  fileSystem: FileSystem,
  file: number,
  path: string,
  bytes: number,
): AsyncGenerator<Entry<unknown>, void, undefined> {
  let window = blockBytes;
  for (let end = bytes; end > 0;) {
    const from = Math.max(0, end - window);
    const block = await readRange(fileSystem, file, path, from, end);
    // The first line of a block may have begun before it, so it is left for the next block.
    const start = from === 0 ? 0 : block.indexOf(10) + 1;
    if (from > 0 && (start === 0 || start === block.length)) {
      // A line that is too long to be held is passed over, as damage is.
      if (window === maxWindowBytes) {
        end = (await findLastNewline(fileSystem, file, path, 0, from)) + 1;
        window = blockBytes;
      } else window = Math.min(window * 2, maxWindowBytes);
      continue;
    }
    yield* decodeBlock(block.subarray(start), from + start).reverse();
    end = from + start;
    window = blockBytes;
  }
}
