import { writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readAll, readBackwards, readTail } from '../../src/index.js';
import { bytesFileSystem } from '../bytes-file-system.js';
import { faultyFileSystem } from '../faulty-file-system.js';
import { temporaryDirectory } from '../temporary-directory.js';
import { jsonText } from './arbitrary-lines.js';

async function backwards(bytes: Buffer, options = {}) {
  const reader = readBackwards('memory', { ...options, fileSystem: bytesFileSystem(bytes) });
  const records: unknown[] = [];
  for await (const record of reader) records.push(record);
  return { records, faults: [...reader.faults] };
}

describe('readBackwards()', () => {
  it('gives what read() gives, in reverse', async () => {
    const line = fc.oneof(
      { weight: 4, arbitrary: jsonText },
      fc.nat(200_000).map((length) => JSON.stringify('x'.repeat(length))),
      fc.constantFrom('{"n":1,"te{"n":2}', '\0\0{"n":3}', '{"n":4}{"n":5}', 'oops'),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(line, { maxLength: 8 }), fc.boolean(), async (lines, ended) => {
        const bytes = Buffer.from(lines.join('\n') + (ended ? '\n' : ''));
        const forwards = await readAll('memory', { fileSystem: bytesFileSystem(bytes) });
        const found = await backwards(bytes);
        expect(found.records.reverse()).toEqual(forwards.records);
        expect(found.faults.reverse()).toEqual(
          forwards.faults.map((fault) => ({ ...fault, line: 0 })),
        );
      }),
      { numRuns: 100 },
    );
  });

  it('passes over a line that is too long to be held, and reports it', async () => {
    const bytes = Buffer.from(`1\n"${'x'.repeat(300_000)}"\n2\n`);
    const { records, faults } = await backwards(bytes, { maxLineBytes: 100_000 });
    expect(records).toEqual([2, 1]);
    expect(faults).toEqual([{ kind: 'too_long', byteStart: 2, byteEnd: 300_004, line: 0 }]);
  });

  it('reads no more of the file than it needs', async () => {
    const at = temporaryDirectory();
    writeFileSync(at('a.jsonl'), '{"n":1}\n'.repeat(1_000_000));
    let bytes = 0;
    const base = faultyFileSystem({});
    const fileSystem = {
      ...base,
      read: async (file: number, into: Uint8Array, position: number) => {
        bytes += into.length;
        return base.read(file, into, position);
      },
    };
    const { records } = await readTail(at('a.jsonl'), 50, { fileSystem });
    expect(records).toHaveLength(50);
    expect(bytes).toBeLessThan(100_000);
  });
});

describe('readTail()', () => {
  it('gives the last records in the order of the file, with the damage beside them', async () => {
    const fileSystem = bytesFileSystem(Buffer.from('1\n2\noops\n3\n4\n{"n":'));
    expect(await readTail('memory', 3, { fileSystem })).toEqual({
      records: [2, 3, 4],
      faults: [
        { kind: 'not_json', byteStart: 4, byteEnd: 8, line: 0 },
        { kind: 'torn_tail', byteStart: 13, byteEnd: 18, line: 0 },
      ],
    });
    expect((await readTail('memory', 0, { fileSystem })).records).toEqual([]);
    expect((await readTail('memory', 99, { fileSystem })).records).toEqual([1, 2, 3, 4]);
    expect((await readTail('memory', 1, { fileSystem, where: { n: 1 } })).records).toEqual([]);
    await expect(readTail('memory', -1, { fileSystem })).rejects.toBeInstanceOf(RangeError);
  });

  it('refuses a compressed file', async () => {
    const fileSystem = bytesFileSystem(gzipSync('1\n'));
    await expect(readTail('memory', 1, { fileSystem })).rejects.toMatchObject({
      code: 'ORCH_JSONL_UNSUPPORTED',
    });
  });
});
