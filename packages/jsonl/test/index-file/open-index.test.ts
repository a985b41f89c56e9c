import { appendFileSync, existsSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  nodeFileSystem,
  openIndex,
  readAll,
  type FileSystem,
  type LineIndex,
} from '../../src/index.js';
import { bytesFileSystem } from '../bytes-file-system.js';
import { systemError } from '../faulty-file-system.js';
import { temporaryDirectory } from '../temporary-directory.js';

const line = fc.oneof(
  { weight: 6, arbitrary: fc.nat(99_999).map((n) => `{"n":${n}}`) },
  fc.constantFrom('', '\r', '{"n":1}\r', 'oops', '{"n":1}{"n":2}', '{"n":1,"te{"n":2}'),
);

describe('openIndex()', () => {
  it('gets every line, as reading it alone would, and counts no empty ones', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(line, { maxLength: 300 }),
        fc.boolean(),
        fc.constantFrom(1, 7, 1000),
        async (lines, ended, chunk) => {
          const bytes = Buffer.from(lines.join('\n') + (ended ? '\n' : ''));
          await using index = await openIndex('memory', {
            fileSystem: bytesFileSystem(bytes, chunk),
          });
          const expected = bytes
            .toString()
            .split('\n')
            .filter((text, at, all) =>
              at === all.length - 1 ? text !== '' : text !== '' && text !== '\r',
            );
          expect(index.length).toBe(expected.length);
          for (const n of [0, 1, 63, 64, 65, 128, expected.length - 1]) {
            const found = await index.get(n);
            const text = expected[n];
            if (text === undefined) {
              expect(found).toBeUndefined();
              continue;
            }
            expect(bytes.toString('utf8', found?.byteStart, found?.byteEnd).trimEnd()).toBe(
              text.trimEnd(),
            );
            const alone = await readAll('memory', {
              fileSystem: bytesFileSystem(
                Buffer.from(n === expected.length - 1 && bytes.at(-1) !== 10 ? text : `${text}\n`),
              ),
            });
            expect(found?.records).toEqual(alone.records);
            expect(found?.faults.map(({ kind }) => kind)).toEqual(
              alone.faults.map(({ kind }) => kind),
            );
          }
          expect(await index.get(-1)).toBeUndefined();
          expect(await index.get(0.5)).toBeUndefined();
        },
      ),
      { numRuns: 100 },
    );
  });

  it('takes in what was appended, and a last line once it is whole', async () => {
    const at = temporaryDirectory();
    writeFileSync(at('a.jsonl'), '1\n2\n{"n":');
    await using index = await openIndex(at('a.jsonl'));
    expect(index.length).toBe(3);
    expect(await index.get(2)).toMatchObject({ records: [], faults: [{ kind: 'torn_tail' }] });
    appendFileSync(at('a.jsonl'), '3}\n4\n');
    expect(await index.refresh()).toBe(4);
    expect((await index.get(2))?.records).toEqual([{ n: 3 }]);
    expect((await index.get(3))?.records).toEqual([4]);
    truncateSync(at('a.jsonl'), 2);
    await expect(index.refresh()).rejects.toMatchObject({ code: 'ORCH_JSONL_SHRUNK' });
  });

  it('with a sidecar reads only what is new', async () => {
    const at = temporaryDirectory();
    const content = Array.from({ length: 20_000 }, (_, n) => `{"n":${n}}\n`).join('');
    writeFileSync(at('a.jsonl'), content);
    await (await openIndex(at('a.jsonl'), { sidecar: true })).close();
    appendFileSync(at('a.jsonl'), '{"n":20000}\n');
    let bytes = 0;
    const fileSystem = {
      ...nodeFileSystem,
      read: async (file: number, into: Uint8Array, position: number) => {
        const count = await nodeFileSystem.read(file, into, position);
        bytes += count;
        return count;
      },
    };
    await using index = await openIndex(at('a.jsonl'), { sidecar: true, fileSystem });
    expect(index.length).toBe(20_001);
    expect(bytes).toBeLessThan(20_000);
    expect((await index.get(20_000))?.records).toEqual([{ n: 20_000 }]);
    expect((await index.get(12_345))?.records).toEqual([{ n: 12_345 }]);
  });

  it('does not believe a sidecar that does not fit the file', async () => {
    const at = temporaryDirectory();
    writeFileSync(at('a.jsonl'), '1\n2\n3\n');
    const options = { sidecar: at('side.json') };
    await (await openIndex(at('a.jsonl'), options)).close();
    const side = readFileSync(at('side.json'), 'utf8');
    expect(existsSync(at('a.jsonl.index'))).toBe(false);
    for (const [content, sidecar] of [
      ['111\n2\n', side],
      ['1\n2', side],
      ['1\n2\n3\n', '{"v":1'],
      ['1\n2\n3\n', side.replace('"starts":[0]', '"starts":[5,1]')],
      ['1\n2\n3\n', side.replace('"lines":3', '"lines":300')],
      ['1\n2\n3\n', '[]'],
    ] as const) {
      writeFileSync(at('a.jsonl'), content);
      writeFileSync(at('side.json'), sidecar);
      await using index = await openIndex(at('a.jsonl'), options);
      const { records } = await readAll(at('a.jsonl'));
      expect(index.length).toBe(records.length);
      for (const [n, record] of records.entries()) {
        expect((await index.get(n))?.records).toEqual([record]);
      }
    }
  });

  it('refuses a compressed file, and says when there is none or the sidecar cannot be written', async () => {
    const at = temporaryDirectory();
    writeFileSync(at('a.jsonl.gz'), gzipSync('1\n'));
    await expect(openIndex(at('a.jsonl.gz'))).rejects.toMatchObject({
      code: 'ORCH_JSONL_UNSUPPORTED',
    });
    await expect(openIndex(at('b.jsonl'))).rejects.toMatchObject({ code: 'ORCH_JSONL_NOT_FOUND' });
    writeFileSync(at('a.jsonl'), '1\n');
    const index = await openIndex(at('a.jsonl'), { sidecar: at('no/side') });
    await expect(index.close()).rejects.toMatchObject({ code: 'ORCH_JSONL_WRITE_FAILED' });
  });

  describe('close()', () => {
    const line = '{"n":1}\n';

    it('closes the file once: the number of a closed one may be that of another file', async () => {
      const at = temporaryDirectory();
      writeFileSync(at('a.jsonl'), line);
      const closed: number[] = [];
      const fileSystem: FileSystem = {
        ...nodeFileSystem,
        close: (file) => {
          closed.push(file);
          return nodeFileSystem.close(file);
        },
      };
      const index = await openIndex(at('a.jsonl'), { fileSystem });
      const first = index.close();
      expect(index.close()).toBe(first);
      await first;
      await index[Symbol.asyncDispose]();
      expect(closed).toHaveLength(1);
    });

    it('waits for what was begun before it', async () => {
      const at = temporaryDirectory();
      writeFileSync(at('a.jsonl'), line.repeat(1000));
      const calls: string[] = [];
      const fileSystem: FileSystem = {
        ...nodeFileSystem,
        read: (file, bytes, position) => {
          calls.push('read');
          return nodeFileSystem.read(file, bytes.subarray(0, 50), position);
        },
        close: (file) => {
          calls.push('close');
          return nodeFileSystem.close(file);
        },
      };
      const index = await openIndex(at('a.jsonl'), { fileSystem });
      appendFileSync(at('a.jsonl'), line);
      const begun = [index.get(999), index.refresh()] as const;
      await index.close();
      expect((await begun[0])?.records).toEqual([{ n: 1 }]);
      expect(await begun[1]).toBe(1001);
      expect(calls.indexOf('close')).toBe(calls.length - 1);
    });

    it('is the end: nothing is read or saved after it', async () => {
      const at = temporaryDirectory();
      writeFileSync(at('a.jsonl'), line);
      const index = await openIndex(at('a.jsonl'), { sidecar: true });
      await index.close();
      const code = { code: 'ORCH_JSONL_CLOSED' };
      await expect(index.get(0)).rejects.toMatchObject(code);
      await expect(index.refresh()).rejects.toMatchObject(code);
      await expect(index.save()).rejects.toMatchObject(code);
    });

    it('closes the file also when the sidecar cannot be written, and says so each time', async () => {
      const at = temporaryDirectory();
      writeFileSync(at('a.jsonl'), line);
      const index = await openIndex(at('a.jsonl'), { sidecar: at('no/side') });
      const code = { code: 'ORCH_JSONL_WRITE_FAILED' };
      await expect(index.close()).rejects.toMatchObject(code);
      await expect(index.close()).rejects.toMatchObject(code);
      await expect(index.get(0)).rejects.toMatchObject({ code: 'ORCH_JSONL_CLOSED' });
    });
  });

  describe('takes in what was appended as a whole', () => {
    const numbered = (from: number, to: number): string =>
      Array.from({ length: to - from }, (_, n) => `{"n":${from + n}}\n`).join('');
    /** Reads in small pieces, so that other work goes on in the middle of a refresh. */
    const inPieces: FileSystem = {
      ...nodeFileSystem,
      read: (file, bytes, position) => nodeFileSystem.read(file, bytes.subarray(0, 500), position),
    };
    async function expectAll(index: LineIndex<unknown>, lines: number): Promise<void> {
      expect(index.length).toBe(lines);
      for (let n = 0; n < lines; n += 1) expect((await index.get(n))?.records).toEqual([{ n }]);
    }

    it('when it is refreshed several times at once', async () => {
      const at = temporaryDirectory();
      writeFileSync(at('a.jsonl'), '');
      await using index = await openIndex(at('a.jsonl'), { fileSystem: inPieces });
      appendFileSync(at('a.jsonl'), numbered(0, 300));
      expect(await Promise.all([index.refresh(), index.refresh()])).toEqual([300, 300]);
      await expectAll(index, 300);
    });

    it('when a refresh fails on the way and is tried again', async () => {
      const at = temporaryDirectory();
      writeFileSync(at('a.jsonl'), '');
      let isBroken = true;
      const fileSystem: FileSystem = {
        ...inPieces,
        read: (file, bytes, position) =>
          isBroken && position > 1500
            ? Promise.reject(systemError('EIO', 'read'))
            : inPieces.read(file, bytes, position),
      };
      await using index = await openIndex(at('a.jsonl'), { fileSystem });
      appendFileSync(at('a.jsonl'), numbered(0, 300));
      await expect(index.refresh()).rejects.toMatchObject({ code: 'ORCH_JSONL_READ_FAILED' });
      expect(index.length).toBe(0);
      expect(await index.get(0)).toBeUndefined();
      isBroken = false;
      expect(await index.refresh()).toBe(300);
      await expectAll(index, 300);
    });

    it('when it is saved meanwhile', async () => {
      const at = temporaryDirectory();
      writeFileSync(at('a.jsonl'), numbered(0, 10));
      // Saving begins with a look at the beginning of the file, which takes longer than the refresh.
      let isSlow = true;
      const fileSystem: FileSystem = {
        ...inPieces,
        async read(file, bytes, position) {
          if (isSlow && position === 0) await new Promise((resolve) => setTimeout(resolve, 50));
          return inPieces.read(file, bytes, position);
        },
      };
      const options = { sidecar: true, fileSystem };
      const index = await openIndex(at('a.jsonl'), options);
      appendFileSync(at('a.jsonl'), numbered(10, 300));
      await Promise.all([index.save(), index.refresh()]);
      isSlow = false;
      await index.close();
      expect(JSON.parse(readFileSync(at('a.jsonl.index'), 'utf8'))).toMatchObject({ lines: 300 });
      await using again = await openIndex(at('a.jsonl'), options);
      await expectAll(again, 300);
    });
  });
});
