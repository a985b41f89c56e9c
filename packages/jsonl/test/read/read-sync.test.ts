import { writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { read, readAll, readSync, type Entry } from '../../src/index.js';
import { temporaryDirectory } from '../temporary-directory.js';
import { jsonText } from './arbitrary-lines.js';

describe('readSync()', () => {
  it('gives what read() gives, of whole and of damaged lines', async () => {
    const at = temporaryDirectory();
    const lines = fc.array(
      fc.oneof(
        { weight: 4, arbitrary: jsonText },
        fc.tuple(jsonText, fc.nat(20)).map(([text, cut]) => text.slice(0, cut)),
        fc.constantFrom('\r', '\0\0', '{"n":1}{"n":2}'),
      ),
      { maxLength: 12 },
    );
    await fc.assert(
      fc.asyncProperty(lines, fc.nat(30), fc.nat(200), async (texts, from, length) => {
        const path = at('a.jsonl');
        writeFileSync(path, texts.join('\n'));
        for (const options of [{}, { from, to: from + length }]) {
          const expected = await readAll(path, options);
          const reader = readSync(path, options);
          expect([...reader]).toEqual(expected.records);
          expect(reader.faults).toEqual(expected.faults);
          expect([...reader.batches()].flat(1)).toEqual(expected.records.flat(0));
          const entries: Entry<unknown>[] = [];
          for await (const entry of read(path, options).entries()) entries.push(entry);
          expect([...reader.entries()]).toEqual(entries);
        }
      }),
      { numRuns: 150 },
    );
  });

  it('gives plain objects as steps, as does read()', async () => {
    const at = temporaryDirectory();
    writeFileSync(at('a.jsonl'), '1\n2\n');
    const steps = readSync(at('a.jsonl'))[Symbol.iterator]();
    const later = read(at('a.jsonl'))[Symbol.asyncIterator]();
    for (const value of [1, 2]) {
      expect(steps.next()).toStrictEqual({ done: false, value });
      expect(await later.next()).toStrictEqual({ done: false, value });
    }
    expect(steps.next()).toStrictEqual({ done: true, value: undefined });
    expect(await later.next()).toStrictEqual({ done: true, value: undefined });
  });

  it('closes the file when the consumer stops, and reads a large file in batches', () => {
    const at = temporaryDirectory();
    writeFileSync(at('a.jsonl'), '{"n":1}\n'.repeat(100_000));
    const sizes = [...readSync(at('a.jsonl')).batches()].map((batch) => batch.length);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(100_000);
    expect(sizes.length).toBeGreaterThan(10);
    expect(sizes.length).toBeLessThan(1000);
    for (const value of readSync<{ n: number }>(at('a.jsonl'))) {
      expect(value.n).toBe(1);
      break;
    }
  });

  it("fails with typed errors, and with onCorrupt 'throw' after what precedes the damage", () => {
    const at = temporaryDirectory();
    expect(() => [...readSync(at('absent.jsonl'))]).toThrow(
      expect.objectContaining({ code: 'ORCH_JSONL_NOT_FOUND' }),
    );
    expect(() => [...readSync(at('.'))]).toThrow(
      expect.objectContaining({ code: 'ORCH_JSONL_READ_FAILED' }),
    );
    writeFileSync(at('a.jsonl.gz'), gzipSync('1\n'));
    expect(() => [...readSync(at('a.jsonl.gz'))]).toThrow(
      expect.objectContaining({ code: 'ORCH_JSONL_UNSUPPORTED' }),
    );
    writeFileSync(at('a.jsonl'), '1\noops\n2\n');
    const seen: unknown[] = [];
    expect(() => {
      for (const value of readSync(at('a.jsonl'), { onCorrupt: 'throw' })) seen.push(value);
    }).toThrow(expect.objectContaining({ code: 'ORCH_JSONL_CORRUPT' }));
    expect(seen).toEqual([1]);
  });
});
