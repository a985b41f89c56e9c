import { Readable, pipeline } from 'node:stream';
import * as zlib from 'node:zlib';
import { JsonlError, reasonOf } from '../errors.js';
import type { FileSystem } from '../file-system.js';
import { openForReading, readBytes } from './open-for-reading.js';

/** How the bytes of a file are packed. `auto` looks at its first bytes. */
export type Compression = 'auto' | 'none' | 'gzip' | 'zstd';

/** Where bytes come from, in order. */
export interface ByteSource {
  /** Reads some bytes; gives how many, 0 at the end. */
  read(into: Uint8Array): Promise<number>;
  /** Why the data ended before its end, if it did. */
  damage(): string | undefined;
  close(): Promise<void>;
}

/** What reading needs of a file system. */
export type ReadableFiles = Pick<FileSystem, 'open' | 'read' | 'close'>;

/** A path, or bytes that come from anywhere: standard input, a socket, a response body. */
export type Input = string | AsyncIterable<Uint8Array>;

/** So many bytes tell how the rest is packed. */
const magicBytes = 4;

const noDamage = (): undefined => undefined;

function isPrefix(bytes: Uint8Array, magic: readonly number[]): boolean {
  return magic.every((byte, index) => bytes[index] === byte);
}

/** No JSON text can begin with these bytes. */
export function detectCompression(head: Uint8Array): 'none' | 'gzip' | 'zstd' {
  if (isPrefix(head, [0x1f, 0x8b])) return 'gzip';
  return isPrefix(head, [0x28, 0xb5, 0x2f, 0xfd]) ? 'zstd' : 'none';
}

interface FileSource extends ByteSource {
  /** Goes on reading from this byte of the file. */
  seek(position: number): void;
}

async function openFile(fileSystem: ReadableFiles, path: string): Promise<FileSource> {
  const file = await openForReading(fileSystem, path);
  let position = 0;
  return {
    async read(into) {
      const count = await readBytes(fileSystem, file, path, into, position);
      position += count;
      return count;
    },
    seek: (to) => (position = to),
    damage: noDamage,
    close: () => fileSystem.close(file),
  };
}

function checkBytes(piece: unknown): Uint8Array {
  if (piece instanceof Uint8Array) return piece;
  throw new TypeError(
    `it gave a ${typeof piece} where bytes are read; leave the encoding of a stream unset`,
  );
}

/** Gives the bytes of an iterable in pieces of the size asked for. */
function fromIterable(
  iterable: AsyncIterable<Uint8Array>,
  onError: (error: unknown) => string,
): ByteSource {
  const iterator = iterable[Symbol.asyncIterator]();
  let rest: Uint8Array = new Uint8Array();
  let damage: string | undefined;
  return {
    async read(into) {
      while (rest.length === 0 && damage === undefined) {
        try {
          const next = await iterator.next();
          if (next.done === true) return 0;
          rest = checkBytes(next.value);
        } catch (error) {
          damage = onError(error);
        }
      }
      const part = rest.subarray(0, into.length);
      into.set(part);
      rest = rest.subarray(part.length);
      return part.length;
    },
    damage: () => damage,
    async close() {
      await iterator.return?.();
    },
  };
}

function unsupported(name: string, input: string): JsonlError {
  return new JsonlError(
    'ORCH_JSONL_UNSUPPORTED',
    `Cannot read ${input}: it is compressed with zstd, which Node ${process.versions.node} cannot unpack; use Node 22.15 or later, or unpack it first`,
    { path: name, compression: 'zstd' },
  );
}

function createUnpacker(compression: 'gzip' | 'zstd', name: string): NodeJS.ReadWriteStream {
  if (compression === 'gzip') return zlib.createGunzip();
  const create = (zlib as { createZstdDecompress?: () => NodeJS.ReadWriteStream })
    .createZstdDecompress;
  if (create === undefined) throw unsupported(name, name);
  return create();
}

function unpack(packed: ByteSource, compression: 'gzip' | 'zstd', name: string): ByteSource {
  const unpacker = createUnpacker(compression, name);
  async function* chunks(): AsyncGenerator<Buffer, void, undefined> {
    for (;;) {
      const chunk = Buffer.allocUnsafe(64 * 1024);
      const count = await packed.read(chunk);
      if (count === 0) return;
      yield chunk.subarray(0, count);
    }
  }
  const input = Readable.from(chunks(), { objectMode: false });
  // A failure to read must not be taken for damage to what was read.
  let failure: Error | undefined;
  input.on('error', (error: Error) => (failure = error));
  pipeline(input, unpacker, () => undefined);
  const output = fromIterable(unpacker as unknown as AsyncIterable<Uint8Array>, (error) => {
    if (failure !== undefined) throw failure;
    return reasonOf(error);
  });
  return {
    ...output,
    async close() {
      await output.close();
      input.destroy();
      await packed.close();
    },
  };
}

/** Puts bytes that were read to look at them in front again. */
function withHead(head: Uint8Array, source: ByteSource): ByteSource {
  let rest = head;
  return {
    ...source,
    async read(into) {
      if (rest.length === 0) return source.read(into);
      const part = rest.subarray(0, into.length);
      into.set(part);
      rest = rest.subarray(part.length);
      return part.length;
    },
  };
}

/** Reads until `head` is full or the input ends. */
async function readHead(source: ByteSource, head: Uint8Array, filled: number): Promise<number> {
  let count = filled;
  while (count < head.length) {
    const got = await source.read(head.subarray(count));
    if (got === 0) break;
    count += got;
  }
  return count;
}

/**
 * Finds out with the first bytes that are read anyway how they are packed, so that an ordinary file
 * costs no call more.
 */
function unpackIfPacked(packed: ByteSource, name: string): ByteSource {
  let source: ByteSource | undefined;
  return {
    async read(into) {
      if (source !== undefined) return source.read(into);
      // Who asks for less, to pass over it or up to a border, must not hide how the rest is packed.
      const room = into.length < magicBytes ? new Uint8Array(magicBytes) : into;
      const first = await packed.read(room);
      const mayBePacked = room[0] === 0x1f || room[0] === 0x28;
      const count =
        mayBePacked && first > 0
          ? await readHead(packed, room.subarray(0, Math.max(magicBytes, first)), first)
          : first;
      const head = room.subarray(0, count);
      const found = detectCompression(head);
      if (found === 'none' && room === into) {
        source = packed;
        return count;
      }
      // A copy: what is unpacked goes where these bytes are, maybe before all of them were taken.
      const all = withHead(Uint8Array.from(head), packed);
      source = found === 'none' ? all : unpack(all, found, name);
      return source.read(into);
    },
    damage: () => source?.damage(),
    close: () => (source ?? packed).close(),
  };
}

async function skip(source: ByteSource, bytes: number): Promise<void> {
  const room = new Uint8Array(64 * 1024);
  for (let left = bytes; left > 0;) {
    const count = await source.read(room.subarray(0, Math.min(left, room.length)));
    if (count === 0) return;
    left -= count;
  }
}

/**
 * Opens an input at byte `from` of its text.
 *
 * @throws JsonlError `ORCH_JSONL_NOT_FOUND`, `ORCH_JSONL_OPEN_FAILED`, `ORCH_JSONL_READ_FAILED`,
 * `ORCH_JSONL_UNSUPPORTED` (also while reading)
 */
export async function openSource(
  fileSystem: ReadableFiles,
  input: Input,
  from: number,
  compression: Compression,
): Promise<ByteSource> {
  if (typeof input !== 'string') {
    const stream = fromIterable(input, (cause) => {
      const message = `Cannot read the stream: ${reasonOf(cause)}`;
      throw new JsonlError('ORCH_JSONL_READ_FAILED', message, {}, cause);
    });
    const text = compression === 'none' ? stream : openPacked(stream, compression, 'the stream');
    await skip(text, from);
    return text;
  }
  const file = await openFile(fileSystem, input);
  try {
    let packing = compression;
    if (packing === 'auto' && from > 0) {
      const head = new Uint8Array(magicBytes);
      packing = detectCompression(head.subarray(0, await readHead(file, head, 0)));
      file.seek(0);
    }
    if (packing === 'none') {
      file.seek(from);
      return file;
    }
    const text = openPacked(file, packing, input);
    await skip(text, from);
    return text;
  } catch (error) {
    await file.close();
    throw error;
  }
}

function openPacked(
  source: ByteSource,
  compression: 'auto' | 'gzip' | 'zstd',
  name: string,
): ByteSource {
  return compression === 'auto' ? unpackIfPacked(source, name) : unpack(source, compression, name);
}
