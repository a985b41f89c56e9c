import { isUtf8 } from 'node:buffer';
import type { Stats } from 'node:fs';
import { relative, sep } from 'node:path';
import { fs } from './file-system.js';
import type { Finding } from './problem.js';

/** What lies at a path: a text, nothing, or something that is no settings file. */
export type FileRead =
  | { readonly text: string }
  | { readonly absent: true }
  /** `badByte` is where the bytes stop being UTF-8. */
  | { readonly finding: Finding; readonly before?: string };

export interface ReadLimits {
  readonly maxBytes: number;
  readonly within: string | undefined;
}

/** A pipe without a writer would block the open for ever. */
const flags = fs.constants.O_RDONLY | fs.constants.O_NONBLOCK;

/** Most settings files are smaller than this, and then one read is enough. */
const chunkBytes = 16 * 1024;
const chunk = Buffer.allocUnsafeSlow(chunkBytes);

/** Reads files; one that is as it was is not read again. */
export type FileReader = (file: string, limits: ReadLimits) => FileRead;

/** Times of files are as coarse as two seconds: what changed only just may change again unseen. */
const settledMs = 3000;

/**
 * A file is as it was when device, inode, size and both times are. A time of change cannot be set by hand, so
 * only a file that was changed within the last seconds has to be read to be sure.
 */
export function createFileReader(): FileReader {
  const known = new Map<string, { readonly stats: Stats; readonly read: FileRead }>();
  return (file, limits) => {
    const before = known.get(file);
    if (before !== undefined && isSame(before.stats, statOf(file))) return before.read;
    known.delete(file);
    return readFile(file, limits, (stats, read) => {
      const changedAt = Math.max(stats.ctimeMs, stats.mtimeMs);
      if (Date.now() - changedAt > settledMs) known.set(file, { stats, read });
    });
  };
}

function statOf(file: string): Stats | undefined {
  try {
    return fs.statSync(file, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

const isSame = (before: Stats, now: Stats | undefined): boolean =>
  now !== undefined &&
  before.ctimeMs === now.ctimeMs &&
  before.mtimeMs === now.mtimeMs &&
  before.size === now.size &&
  before.ino === now.ino &&
  before.dev === now.dev;

/** Reads a whole regular file; never waits, never takes in more than `maxBytes`. */
function readFile(
  file: string,
  { maxBytes, within }: ReadLimits,
  onRead: (stats: Stats, read: FileRead) => void,
): FileRead {
  let descriptor: number;
  try {
    descriptor = fs.openSync(file, flags);
  } catch (error) {
    return unreadable(error);
  }
  try {
    const found = fs.fstatSync(descriptor);
    if (!found.isFile()) return { finding: notAFile(found) };
    if (within !== undefined && !liesWithin(file, within, found)) {
      const message = `this file lies outside of ${within} once links are followed; put a real file there`;
      return { finding: { code: 'ORCH_CONFIG_OUTSIDE', message } };
    }
    const bytes = readBytes(descriptor, maxBytes);
    if (bytes === undefined) {
      const message = `expected at most ${maxBytes} bytes, received more`;
      return { finding: { code: 'ORCH_CONFIG_TOO_LARGE', message } };
    }
    const read = decode(bytes);
    onRead(found, read);
    return read;
  } catch (error) {
    return unreadable(error);
  } finally {
    fs.closeSync(descriptor);
  }
}

function unreadable(error: unknown): FileRead {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT' || code === 'ENOTDIR') return { absent: true };
  const message = `this file could not be read (${code ?? 'unknown error'})`;
  return { finding: { code: 'ORCH_CONFIG_UNREADABLE', message } };
}

function notAFile(found: Stats): Finding {
  const kind = found.isDirectory() ? 'a directory' : 'a pipe, a socket or a device';
  return { code: 'ORCH_CONFIG_NOT_A_FILE', message: `expected a file, found ${kind}` };
}

/** The file that was opened must be the one that the path leads to inside of the directory. */
function liesWithin(file: string, within: string, opened: Stats): boolean {
  const real = fs.realpathSync.native(file);
  const inside = relative(fs.realpathSync.native(within), real);
  if (inside === '' || inside === '..' || inside.startsWith(`..${sep}`)) return false;
  const found = fs.lstatSync(real);
  return found.ino === opened.ino && found.dev === opened.dev;
}

/** The sizes that a system tells are not always true: what counts is what was read. */
function readBytes(descriptor: number, maxBytes: number): Buffer | undefined {
  const count = fs.readSync(descriptor, chunk, 0, chunkBytes, null);
  if (count < chunkBytes) return count > maxBytes ? undefined : chunk.subarray(0, count);
  const parts = [Buffer.from(chunk)];
  for (let total = count; ;) {
    if (total > maxBytes) return undefined;
    const part = Buffer.allocUnsafe(64 * 1024);
    const more = fs.readSync(descriptor, part, 0, part.length, null);
    if (more === 0) return Buffer.concat(parts);
    parts.push(part.subarray(0, more));
    total += more;
  }
}

function decode(bytes: Buffer): FileRead {
  if (!isUtf8(bytes)) {
    const message = 'expected UTF-8, received bytes that are not; save the file as UTF-8';
    return {
      finding: { code: 'ORCH_CONFIG_ENCODING', message },
      before: validPrefix(bytes),
    };
  }
  const hasMark = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
  return { text: bytes.toString('utf8', hasMark ? 3 : 0) };
}

/** The text before the first byte that is wrong, to say where it is. */
function validPrefix(bytes: Buffer): string {
  const text = bytes.toString('utf8');
  let [offset, from] = [0, 0];
  for (let at = text.indexOf(standIn); at !== -1; at = text.indexOf(standIn, from)) {
    offset += Buffer.byteLength(text.slice(from, at));
    // The stand-in itself may be in the file.
    if (bytes.toString('latin1', offset, offset + 3) !== '\u00EF\u00BF\u00BD')
      return text.slice(0, at);
    offset += 3;
    from = at + 1;
  }
  return text;
}

/** What decoding puts where bytes are no character. */
const standIn = '\uFFFD';
