import { execFileSync } from 'node:child_process';
import { closeSync, openSync, writeFileSync, writeSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openWriter, read, readAll, readSync, type Fault } from '../../src/index.js';
import { bytesFileSystem } from '../bytes-file-system.js';
import { faultyFileSystem, systemError } from '../faulty-file-system.js';
import { temporaryDirectory } from '../temporary-directory.js';

async function gather<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

describe('read()', () => {
  it('gives the values, the entries with their place, or batches', async () => {
    const at = temporaryDirectory();
    const text = '{"n":1}\n\n{"n":"é"}\r\n[3]';
    writeFileSync(at('a.jsonl'), text);
    const values: unknown[] = [{ n: 1 }, { n: 'é' }, [3]];
    const reader = read(at('a.jsonl'));
    expect(await gather(reader)).toEqual(values);
    expect(await gather(reader.entries())).toEqual([
      { value: { n: 1 }, byteStart: 0, byteEnd: 8, line: 1 },
      { value: { n: 'é' }, byteStart: 9, byteEnd: 21, line: 3 },
      { value: [3], byteStart: 21, byteEnd: 24, line: 4 },
    ]);
    expect((await gather(reader.batches())).flat(1)).toEqual(values);
    expect(reader.faults).toEqual([{ kind: 'crlf', byteStart: 9, byteEnd: 20, line: 3 }]);
  });

  it('returns what was written, however the file is cut into chunks', async () => {
    const json = fc.jsonValue({ maxDepth: 3, noUnicodeString: false });
    await fc.assert(
      fc.asyncProperty(
        fc.array(json, { maxLength: 20 }),
        fc.integer({ min: 1, max: 40 }),
        async (values, chunk) => {
          const content = Buffer.from(values.map((value) => JSON.stringify(value) + '\n').join(''));
          const expected = values.map((value): unknown => JSON.parse(JSON.stringify(value)));
          const fileSystem = bytesFileSystem(content, chunk);
          expect(await readAll('memory', { fileSystem })).toEqual({
            records: expected,
            faults: [],
          });
          const entries = await gather(read('memory', { fileSystem }).entries());
          for (const { value, byteStart, byteEnd } of entries) {
            expect(JSON.parse(content.toString('utf8', byteStart, byteEnd))).toEqual(value);
          }
          // Reading can go on at any byteEnd.
          for (const [index, { byteEnd }] of entries.entries()) {
            const rest = await readAll('memory', { fileSystem, from: byteEnd });
            expect(rest.records).toEqual(expected.slice(index + 1));
          }
        },
      ),
      { numRuns: 150 },
    );
  });

  it('reads what a writer has written, for any text', async () => {
    const at = temporaryDirectory();
    const texts = fc.array(fc.string({ unit: 'binary' }), { minLength: 1, maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(texts, async (values) => {
        const path = at('a.jsonl');
        writeFileSync(path, '');
        const writer = await openWriter(path, { durability: 'kernel' });
        await writer.appendMany(values);
        await writer.close();
        expect(await readAll(path)).toEqual({ records: values, faults: [] });
      }),
      { numRuns: 50 },
    );
  });

  it('keeps apart passes that run side by side, and those that begin while others are not ended', async () => {
    const at = temporaryDirectory();
    const names = ['a', 'b', 'c'];
    for (const name of names) writeFileSync(at(name), `{"in":"${name}"}\n`.repeat(60_000));
    const isFrom = (name: string) => (value: unknown) => (value as { in: string }).in === name;
    [...readSync(at('a'))].forEach((value) => expect(isFrom('a')(value)).toBe(true));
    const others: unknown[] = [];
    const results = await Promise.all(
      names.map(async (name) => {
        const values: unknown[] = [];
        for await (const batch of read(at(name)).batches()) {
          values.push(...batch);
          if (values.length % 7 === 0) others.push(...readSync(at('c')));
        }
        return values;
      }),
    );
    names.forEach((name, index) => {
      expect(results[index]).toHaveLength(60_000);
      expect(results[index]?.every(isFrom(name))).toBe(true);
    });
    expect(others.length).toBeGreaterThan(0);
    expect(others.every(isFrom('c'))).toBe(true);
  });

  it('reads only up to `to`, as if the file ended there', async () => {
    const content = Buffer.from('{"n":1}\n{"n":2}\n{"n":3}\n');
    const fileSystem = bytesFileSystem(content);
    const upTo = async (to: number): Promise<unknown> => {
      const { records, faults } = await readAll<{ n: number }>('memory', { fileSystem, to });
      return [records.map(({ n }) => n), faults.map(({ kind }) => kind)];
    };
    expect(await upTo(16)).toEqual([[1, 2], []]);
    expect(await upTo(15)).toEqual([[1, 2], []]);
    expect(await upTo(14)).toEqual([[1], ['torn_tail']]);
    expect(await upTo(0)).toEqual([[], []]);
    expect(await upTo(1000)).toEqual([[1, 2, 3], []]);
  });

  it('stops reading when the consumer stops, and closes the file', async () => {
    const at = temporaryDirectory();
    writeFileSync(at('a.jsonl'), '1\n'.repeat(1_000_000));
    let reads = 0;
    let closes = 0;
    const fileSystem = faultyFileSystem({
      before: (call) => {
        if (call === 'read') reads += 1;
        if (call === 'close') closes += 1;
      },
    });
    for await (const value of read(at('a.jsonl'), { fileSystem })) if (value === 1) break;
    expect([reads, closes]).toEqual([1, 1]);
  });

  it('fails with a typed error when there is no file, or no reading it', async () => {
    const at = temporaryDirectory();
    await expect(readAll(at('absent.jsonl'))).rejects.toMatchObject({
      code: 'ORCH_JSONL_NOT_FOUND',
    });
    await expect(readAll(at(''))).rejects.toMatchObject({ code: 'ORCH_JSONL_READ_FAILED' });
    writeFileSync(at('a.jsonl'), '1\n');
    const fileSystem = faultyFileSystem({
      before: (call) => {
        if (call === 'read') throw systemError('EIO', call);
      },
    });
    await expect(readAll(at('a.jsonl'), { fileSystem })).rejects.toMatchObject({
      code: 'ORCH_JSONL_READ_FAILED',
      cause: { code: 'EIO' },
    });
  });

  it('fails at a pipe under the name of a file, and does not wait for it', async () => {
    const at = temporaryDirectory();
    execFileSync('mkfifo', [at('a.jsonl')]);
    await expect(readAll(at('a.jsonl'))).rejects.toMatchObject({ code: 'ORCH_JSONL_READ_FAILED' });
  });

  it('refuses offsets and limits that are none', () => {
    for (const options of [
      { from: -1 },
      { to: 1.5 },
      { from: NaN },
      { maxLineBytes: 0 },
      { maxLineBytes: 2 ** 40 },
    ]) {
      expect(() => read('a.jsonl', options)).toThrow(RangeError);
    }
  });
});

describe('onCorrupt', () => {
  const content = Buffer.from('{"n":1}\nnot json\n{"n":2}\n{"n":');
  const fault = { kind: 'not_json', byteStart: 8, byteEnd: 16, line: 2 };
  const tail = { kind: 'torn_tail', byteStart: 25, byteEnd: 30, line: 4 };
  const fileSystem = bytesFileSystem(content);

  it("'skip' reports the damage and goes on", async () => {
    expect(await readAll('memory', { fileSystem })).toEqual({
      records: [{ n: 1 }, { n: 2 }],
      faults: [fault, tail],
    });
  });

  it("'throw' gives the records before the damage, then fails", async () => {
    const seen: unknown[] = [];
    const reader = read('memory', { fileSystem, onCorrupt: 'throw' });
    const work = (async () => {
      for await (const value of reader) seen.push(value);
    })();
    await expect(work).rejects.toMatchObject({ code: 'ORCH_JSONL_CORRUPT', details: { fault } });
    expect(seen).toEqual([{ n: 1 }]);
  });

  it("'throw' does not fail at a torn tail", async () => {
    const options = { fileSystem, onCorrupt: 'throw', from: 17 } as const;
    expect(await readAll('memory', options)).toMatchObject({
      records: [{ n: 2 }],
      faults: [{ kind: 'torn_tail' }],
    });
  });

  it('a function is given each fault, and may end the pass by throwing', async () => {
    const faults: Fault[] = [];
    const reader = read('memory', { fileSystem, onCorrupt: (found) => faults.push(found) });
    expect(await gather(reader)).toHaveLength(2);
    expect(faults).toEqual([fault, tail]);
    expect(reader.faults).toEqual([]);
    const stop = new Error('enough');
    const stopping = read('memory', {
      fileSystem,
      onCorrupt: () => {
        throw stop;
      },
    });
    await expect(gather(stopping)).rejects.toBe(stop);
  });
});

describe('a huge line', () => {
  const size = 64 * 1024 * 1024;

  function writeHuge(path: string, bytes: number): void {
    const file = openSync(path, 'w');
    writeSync(file, '{"n":1}\n"');
    const block = Buffer.alloc(1024 * 1024, 'x');
    for (let left = bytes - 2; left > 0; left -= block.length) {
      writeSync(file, block, 0, Math.min(left, block.length));
    }
    writeSync(file, '"\n{"n":2}\n');
    closeSync(file);
  }

  it('of 64 MiB is read, in time linear in its length', async () => {
    const at = temporaryDirectory();
    writeHuge(at('a.jsonl'), size);
    let reads = 0;
    const fileSystem = faultyFileSystem({
      before: (call) => {
        if (call === 'read') reads += 1;
      },
    });
    const { records, faults } = await readAll(at('a.jsonl'), { fileSystem });
    expect(faults).toEqual([]);
    expect(records[0]).toEqual({ n: 1 });
    expect((records[1] as string).length).toBe(size - 2);
    expect(records[2]).toEqual({ n: 2 });
    // Each byte was read once: about one read for each 256 KiB.
    expect(reads).toBeLessThan(size / (256 * 1024) + 20);
  }, 60_000);

  it('beyond maxLineBytes is a fault, is not held in memory, and hides nothing', async () => {
    const at = temporaryDirectory();
    writeHuge(at('a.jsonl'), size);
    const before = process.memoryUsage().arrayBuffers;
    let most = 0;
    const reader = read(at('a.jsonl'), {
      maxLineBytes: 1024 * 1024,
      onCorrupt: 'skip',
      fileSystem: faultyFileSystem({
        before: () => (most = Math.max(most, process.memoryUsage().arrayBuffers - before)),
      }),
    });
    expect(await gather(reader)).toEqual([{ n: 1 }, { n: 2 }]);
    expect(reader.faults).toEqual([{ kind: 'too_long', byteStart: 8, byteEnd: 8 + size, line: 2 }]);
    expect(most).toBeLessThan(32 * 1024 * 1024);
  }, 60_000);

  it('is measured exactly: maxLineBytes is the longest that is read', async () => {
    for (const chunk of [3, 7, 1000]) {
      const fileSystem = bytesFileSystem(
        Buffer.from('"12345678"\n"123456789"\n"x"\n"123456789'),
        chunk,
      );
      const { records, faults } = await readAll('memory', { fileSystem, maxLineBytes: 10 });
      expect(records).toEqual(['12345678', 'x']);
      expect(faults).toEqual([
        { kind: 'too_long', byteStart: 11, byteEnd: 22, line: 2 },
        { kind: 'torn_tail', byteStart: 27, byteEnd: 37, line: 4 },
      ]);
    }
  });
});
