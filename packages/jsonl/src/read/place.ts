import { createHash } from 'node:crypto';
import type { FileSystem } from '../file-system.js';
import { openSource } from './byte-source.js';
import { readRange } from './from-end.js';

/** The file that is being followed, whatever its name is by now. */
export interface Held {
  readonly file: number;
  readonly identity: string | undefined;
  /** The number that it has among rotated files, or will have once it is one. */
  readonly number: number;
  readonly compressed: boolean;
}

/**
 * Where following may go on, also when the file was rotated and compressed since. It is plain data:
 * it may be kept as JSON and used by another process.
 */
export interface FollowPlace {
  /** Tells the file from those before and after it. Only `follow` reads it. */
  readonly file: string;
  /** The byte after the record and its newline, counted in the text of the file. */
  readonly byteEnd: number;
}

/** A place taken apart. */
export interface Sought {
  /**
   * The number that the file has or would get; Infinity where nobody looked. It may only get a lower
   * one, if somebody removes others.
   */
  readonly number: number;
  readonly digest: string;
  readonly identity: string;
  readonly byteEnd: number;
}

/**
 * So much of the beginning is compared, and never more than stands before the place: that part of the
 * file does not change any more. Inodes are used again, so that they alone tell nothing.
 */
export const headBytes = 4096;

export function digestOf(head: Uint8Array): string {
  return createHash('sha256').update(head).digest('base64url');
}

/** `head` is the beginning of the text of the file, up to the place or to `headBytes`. */
export function nameFile(held: Pick<Held, 'number' | 'identity'>, digest: string): string {
  return `${held.number}~${digest}~${held.identity ?? ''}`;
}

/** @throws TypeError for what is no place */
export function readPlace({ file, byteEnd }: FollowPlace): Sought {
  const [, number, digest, identity] =
    /^(\d+|Infinity)~([\w-]{43})~([^]*)$/.exec(typeof file === 'string' ? file : '') ?? [];
  const isPlace = digest !== undefined && identity !== undefined;
  if (!isPlace || !Number.isSafeInteger(byteEnd) || byteEnd < 0) {
    const received = JSON.stringify({ file, byteEnd });
    throw new TypeError(`resumeAt must be the place of a followed record, received ${received}`);
  }
  return { number: Number(number), digest, identity, byteEnd };
}

/** The beginning of the text of a file, shorter only where the file is. */
export async function readHead(
  fileSystem: FileSystem,
  { file, compressed }: Held,
  path: string,
  bytes: number,
): Promise<Buffer> {
  if (!compressed) return readRange(fileSystem, file, path, 0, bytes);
  const files = {
    open: () => Promise.resolve(file),
    close: () => Promise.resolve(),
    read: fileSystem.read.bind(fileSystem),
  };
  const source = await openSource(files, path, 0, 'gzip');
  try {
    const head = Buffer.alloc(bytes);
    let filled = 0;
    while (filled < bytes) {
      const count = await source.read(head.subarray(filled));
      if (count === 0) break;
      filled += count;
    }
    return head.subarray(0, filled);
  } finally {
    await source.close();
  }
}

/** Names a file that is being read, for each place in it. */
export interface FileNamer {
  /** Must be called before places up to `end` are asked for. */
  readTo(end: number): Promise<void>;
  readonly at: (byteEnd: number) => FollowPlace;
}

export function createFileNamer(fileSystem: FileSystem, held: Held, path: string): FileNamer {
  let head: Uint8Array = new Uint8Array();
  /** The name for every place behind the head. */
  let whole: string | undefined;
  return {
    async readTo(end) {
      const bytes = Math.min(end, headBytes);
      if (bytes > head.length) head = await readHead(fileSystem, held, path, bytes);
    },
    at(byteEnd) {
      if (byteEnd < headBytes) {
        return { file: nameFile(held, digestOf(head.subarray(0, byteEnd))), byteEnd };
      }
      whole ??= nameFile(held, digestOf(head));
      return { file: whole, byteEnd };
    },
  };
}
