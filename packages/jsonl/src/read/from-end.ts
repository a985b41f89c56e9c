import type { FileSystem } from '../file-system.js';
import { createDecoder } from './decode.js';
import type { Fault } from './fault.js';
import { readBytes } from './open-for-reading.js';
import { defaultMaxLineBytes } from './read-options.js';
import type { Entry } from './reader.js';

const blockBytes = 64 * 1024;

/** Reads exactly `[from, to)`, or less when the file ends sooner. */
export async function readRange(
  fileSystem: Pick<FileSystem, 'read'>,
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
  fileSystem: Pick<FileSystem, 'read'>,
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

/** What is made of the lines of a block. */
export interface FromEndOptions {
  readonly maxLineBytes?: number | undefined;
  readonly live?: boolean | undefined;
  readonly onFault?: (fault: Fault) => void;
}

/** An entry with its JSON text. */
export interface TextEntry extends Entry<unknown> {
  readonly text: string;
}

interface Block {
  readonly entries: TextEntry[];
  readonly faults: Fault[];
}

/** Everything in a block that begins at the beginning of a line, in the order of the file. */
function decodeBlock(
  block: Buffer,
  base: number,
  { live = false, maxLineBytes = defaultMaxLineBytes }: FromEndOptions,
): Block {
  const found: Block = { entries: [], faults: [] };
  const decoder = createDecoder(
    { live, maxLineBytes },
    {
      onRecord: (value, byteStart, byteEnd, _line, text = '') =>
        void found.entries.push({ value, byteStart, byteEnd, line: 0, text }),
      onFault: (fault) => void found.faults.push({ ...fault, line: 0 }),
    },
  );
  decoder.onChunk(block, undefined);
  for (let start = 0; start < block.length;) {
    const newline = block.indexOf(10, start);
    const end = newline === -1 ? block.length : newline;
    if (newline === -1) decoder.endOfFile();
    if (end - start > maxLineBytes) decoder.onTooLong(base + start, base + end);
    else decoder.onLine(block, start, end, base + start);
    start = end + 1;
  }
  decoder.finish();
  return found;
}

/**
 * Whole records from the last to the first, so that the end of a file is found without reading all
 * of it. `line` is not known and is 0. A record over several lines is put together only within a block.
 */
export async function* entriesFromEnd(
  fileSystem: Pick<FileSystem, 'read'>,
  file: number,
  path: string,
  bytes: number,
  options: FromEndOptions = {},
): AsyncGenerator<TextEntry, void, undefined> {
  const { maxLineBytes = defaultMaxLineBytes, onFault = () => undefined } = options;
  /** The longest line that is read, with the newlines before and after it. */
  const maxWindowBytes = Math.max(blockBytes, maxLineBytes + 2);
  let window = blockBytes;
  for (let end = bytes; end > 0;) {
    const from = Math.max(0, end - window);
    const block = await readRange(fileSystem, file, path, from, end);
    // The first line of a block may have begun before it, so it is left for the next block.
    const start = from === 0 ? 0 : block.indexOf(10) + 1;
    if (from > 0 && (start === 0 || start === block.length)) {
      // A line that is too long to be held is passed over, as damage is.
      if (window === maxWindowBytes) {
        const byteStart = (await findLastNewline(fileSystem, file, path, 0, from)) + 1;
        const byteEnd = start === 0 ? end : end - 1;
        onFault({ kind: 'too_long', byteStart, byteEnd, line: 0 });
        end = byteStart;
        window = blockBytes;
      } else window = Math.min(window * 2, maxWindowBytes);
      continue;
    }
    const { entries, faults } = decodeBlock(block.subarray(start), from + start, options);
    for (const fault of faults.reverse()) onFault(fault);
    yield* entries.reverse();
    end = from + start;
    window = blockBytes;
  }
}
