import { createReadStream, writeFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import { isDeepStrictEqual } from 'node:util';
import * as zlib from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { read, readAll, type ReadOptions } from '../../src/index.js';
import { bytesFileSystem } from '../bytes-file-system.js';
import { temporaryDirectory } from '../temporary-directory.js';

const values = Array.from({ length: 5000 }, (_, n) => ({ n, text: `käse ${n * 7919}` }));
const text = Buffer.from(values.map((value) => `${JSON.stringify(value)}\n`).join(''));
const packed = zlib.gzipSync(text);

const readPacked = (bytes: Buffer, options: ReadOptions = {}, chunk = Infinity) =>
  readAll('memory', { ...options, fileSystem: bytesFileSystem(bytes, chunk) });

describe('a compressed file', () => {
  it('is recognised by its first bytes and read as its text', async () => {
    for (const chunk of [Infinity, 1000, 3, 1]) {
      expect(await readPacked(packed, {}, chunk)).toEqual({ records: values, faults: [] });
    }
    const members = Buffer.concat([zlib.gzipSync('1\n'), zlib.gzipSync('2\n3')]);
    expect((await readPacked(members)).records).toEqual([1, 2, 3]);
    expect((await readPacked(packed, { compression: 'gzip' })).records).toHaveLength(5000);
  });

  it('gives the same where one line unpacks to more than was read of the file', async () => {
    const long = Array.from({ length: 60 }, (_, n) => ({
      n,
      text: 'the same words '.repeat(60_000),
      numbers: Array.from({ length: 700 }, (__, k) => Math.sin(n * 700 + k)),
    }));
    const bytes = zlib.gzipSync(long.map((value) => `${JSON.stringify(value)}\n`).join(''));
    expect(bytes.length).toBeGreaterThan(512 * 1024);
    const { records, faults } = await readPacked(bytes);
    expect(faults).toEqual([]);
    expect(records.length === long.length && isDeepStrictEqual(records, long)).toBe(true);
  });

  it('is recognised however few bytes are wanted of it', async () => {
    const few = zlib.gzipSync('\n \n[1]\n[2]\n');
    for (const from of [1, 2, 3]) {
      const { records, faults } = await readAll(Readable.from([few]), { from });
      expect({ from, records, faults }).toEqual({ from, records: [[1], [2]], faults: [] });
    }
    for (const to of [1, 2, 3]) {
      expect((await readPacked(few, { to })).faults).toEqual([]);
      expect((await readAll(Readable.from([few]), { to })).faults).toEqual([]);
    }
    expect((await readAll(Readable.from([Buffer.from('x\n[1]\n')]), { from: 2 })).records).toEqual([
      [1],
    ]);
  });

  it('is read as bytes when told so', async () => {
    const { records, faults } = await readPacked(packed, { compression: 'none' });
    expect(records).toEqual([]);
    expect(faults.length).toBeGreaterThan(0);
  });

  it('has the offsets of its text', async () => {
    const ends: number[] = [];
    const fileSystem = bytesFileSystem(packed);
    for await (const { byteEnd } of read('memory', { fileSystem }).entries()) ends.push(byteEnd);
    expect(ends.at(-1)).toBe(text.length);
    const { records } = await readPacked(packed, { from: ends[9] ?? 0, to: ends[19] ?? 0 });
    expect(records).toEqual(values.slice(10, 20));
  });

  it('that ends early gives every whole record before, and a fault', async () => {
    const { records, faults } = await readPacked(packed.subarray(0, packed.length / 2));
    expect(records.length).toBeGreaterThan(100);
    expect(records).toEqual(values.slice(0, records.length));
    const [last] = faults.slice(-1);
    expect(last?.kind).toBe('bad_compression');
    expect(last?.issues).toHaveLength(1);
    const changed = Buffer.from(packed);
    changed.fill(0xff, packed.length / 2, packed.length / 2 + 50);
    expect((await readPacked(changed)).faults.at(-1)?.kind).toBe('bad_compression');
  });

  it('of zstd is read where Node can, and refused with a typed error where it cannot', async () => {
    const { zstdCompressSync } = zlib as { zstdCompressSync?: (bytes: Buffer) => Buffer };
    // What zstd makes of "1\n", as this Node may not be able to make it.
    const bytes = zstdCompressSync?.(text) ?? Buffer.from('28b52ffd0402110000310a', 'hex');
    if (zstdCompressSync !== undefined) {
      expect(await readPacked(bytes)).toEqual({ records: values, faults: [] });
    } else {
      await expect(readPacked(bytes)).rejects.toMatchObject({ code: 'ORCH_JSONL_UNSUPPORTED' });
    }
  });

  it('that cannot be read is an error and no damage', async () => {
    let reads = 0;
    const failing = {
      ...bytesFileSystem(packed),
      read: (_file: number, into: Uint8Array, position: number) => {
        reads += 1;
        if (reads > 3) return Promise.reject(new Error('EIO'));
        const part = packed.subarray(position, position + 100);
        into.set(part);
        return Promise.resolve(part.length);
      },
    };
    await expect(readAll('memory', { fileSystem: failing })).rejects.toMatchObject({
      code: 'ORCH_JSONL_READ_FAILED',
    });
  });
});

describe('a stream as input', () => {
  it('is read like a file, compressed or not', async () => {
    const at = temporaryDirectory();
    writeFileSync(at('a.jsonl'), text);
    expect((await readAll(createReadStream(at('a.jsonl')))).records).toEqual(values);
    expect((await readAll(Readable.from([packed]))).records).toEqual(values);
    const bytes = Array.from(text.subarray(0, 300), (byte) => Uint8Array.of(byte));
    expect((await readAll(Readable.from(bytes))).records).toEqual(
      (await readPacked(text.subarray(0, 300))).records,
    );
  });

  it('of text is a typed error that says what to do', async () => {
    const stream = Readable.from(['{"n":1}\n']) as AsyncIterable<Uint8Array>;
    await expect(readAll(stream)).rejects.toThrow(
      expect.objectContaining({
        code: 'ORCH_JSONL_READ_FAILED',
        message: expect.stringContaining('leave the encoding of a stream unset') as string,
      }),
    );
  });

  it('that fails is a typed error, after what came before', async () => {
    async function* failing(): AsyncGenerator<Uint8Array> {
      await Promise.resolve();
      yield Buffer.from('1\n2\n3');
      throw new Error('connection lost');
    }
    const seen: unknown[] = [];
    const work = (async () => {
      for await (const value of read(failing())) seen.push(value);
    })();
    await expect(work).rejects.toMatchObject({ code: 'ORCH_JSONL_READ_FAILED' });
    expect(seen).toEqual([1, 2]);
  });
});

describe('live: true', () => {
  it('leaves a last line without newline alone, even if it could be whole', async () => {
    for (const [content, records, pending] of [
      ['1\n{"n":', [1], { byteStart: 2, byteEnd: 7, line: 2 }],
      ['1\n23', [1], { byteStart: 2, byteEnd: 4, line: 2 }],
      ['{"t":"a\n{"n":2}', [], { byteStart: 8, byteEnd: 15, line: 2 }],
    ] as const) {
      const found = await readPacked(Buffer.from(content), { live: true });
      expect(found.records).toEqual(records);
      expect(found.faults.at(-1)).toEqual({ kind: 'pending_tail', ...pending });
    }
    expect((await readPacked(Buffer.from('1\n'), { live: true })).faults).toEqual([]);
  });
});
