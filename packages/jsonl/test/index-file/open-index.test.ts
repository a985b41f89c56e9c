import { createHash } from 'node:crypto';
import {
  appendFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
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

  it('believes no sidecar of which a bit was changed, in whichever byte', async () => {
    const at = temporaryDirectory();
    const count = 200;
    writeFileSync(at('a.jsonl'), Array.from({ length: count }, (_, n) => `{"n":${n}}\n`).join(''));
    await (await openIndex(at('a.jsonl'), { sidecar: true })).close();
    const whole = readFileSync(at('a.jsonl.index'));
    // These bits make other digits of digits.
    const changes = [...whole.entries()].flatMap(([place, byte]) =>
      [1, 2, 4].map((bit) => [place, byte ^ bit] as const),
    );
    for (const [place, byte] of changes) {
      const changed = Buffer.from(whole);
      changed[place] = byte;
      writeFileSync(at('a.jsonl.index'), changed);
      await using index = await openIndex(at('a.jsonl'), { sidecar: true });
      expect(index.length).toBe(count);
      for (const n of [0, 63, 64, 130, count - 1])
        expect((await index.get(n))?.records).toEqual([{ n }]);
    }
  });

  it('makes a sidecar of an older form anew, whose hash was of the file alone', async () => {
    const at = temporaryDirectory();
    const content = '1\n2\n3\n';
    writeFileSync(at('a.jsonl'), content);
    const probe = createHash('sha256').update(content).update(content).digest('hex');
    const older = { v: 1, stride: 64, lines: 1, settled: 6, probe, starts: [4] };
    writeFileSync(at('a.jsonl.index'), JSON.stringify(older));
    const index = await openIndex(at('a.jsonl'), { sidecar: true });
    expect(index.length).toBe(3);
    await index.close();
    expect(JSON.parse(readFileSync(at('a.jsonl.index'), 'utf8'))).toMatchObject({ v: 2, lines: 3 });
  });

  it('refuses the file itself as its sidecar, by whatever name, and writes nothing', async () => {
    const at = temporaryDirectory();
    mkdirSync(at('other'));
    writeFileSync(at('a.jsonl'), '1\n');
    linkSync(at('a.jsonl'), at('hard'));
    symlinkSync(at('a.jsonl'), at('soft'));
    symlinkSync(at('.'), at('other/directory'));
    const names = readdirSync(at('.'));
    for (const sidecar of [
      'a.jsonl',
      'other/../a.jsonl',
      'hard',
      'soft',
      'other/directory/a.jsonl',
    ]) {
      const opened = openIndex(at('a.jsonl'), { sidecar: `${at('.')}/${sidecar}` });
      await expect(opened).rejects.toBeInstanceOf(TypeError);
    }
    symlinkSync(at('a.jsonl'), at('soft.index'));
    await expect(openIndex(at('soft'), { sidecar: true })).rejects.toBeInstanceOf(TypeError);
    expect(readFileSync(at('a.jsonl'), 'utf8')).toBe('1\n');
    expect(readdirSync(at('.'))).toEqual([...names, 'soft.index']);
  });

  describe('get() says that indexed lines are no longer there', () => {
    const numbered = (count: number): string =>
      Array.from({ length: count }, (_, n) => `{"n":${1000 + n}}\n`).join('');
    const bytesEach = '{"n":1000}\n'.length;
    const shrunk = { code: 'ORCH_JSONL_SHRUNK' };

    it('when the file was cut, whichever part of it a line was in', async () => {
      const at = temporaryDirectory();
      for (const [kept, n] of [
        [0, 0],
        [10 * bytesEach, 10],
        [10 * bytesEach + 3, 10],
        [10 * bytesEach + 3, 63],
        [64 * bytesEach, 64],
        [80 * bytesEach, 199],
        [200 * bytesEach, 200],
        [200 * bytesEach + 3, 200],
      ] as const) {
        writeFileSync(at('a.jsonl'), `${numbered(200)}{"tail":1}`);
        await using index = await openIndex(at('a.jsonl'));
        truncateSync(at('a.jsonl'), kept);
        await expect(index.get(n)).rejects.toMatchObject(shrunk);
      }
    });

    it('but gives those before the cut, until one that is gone was asked for', async () => {
      const at = temporaryDirectory();
      writeFileSync(at('a.jsonl'), numbered(200));
      await using index = await openIndex(at('a.jsonl'));
      truncateSync(at('a.jsonl'), 100 * bytesEach);
      expect((await index.get(10))?.records).toEqual([{ n: 1010 }]);
      await expect(index.get(150)).rejects.toMatchObject(shrunk);
      // It may be longer again, but it is another file now.
      writeFileSync(at('a.jsonl'), numbered(300).replace('1000', '1'));
      await expect(index.get(10)).rejects.toMatchObject(shrunk);
      await expect(index.refresh()).rejects.toMatchObject(shrunk);
    });

    it('and after a last line without newline was taken back goes on', async () => {
      const at = temporaryDirectory();
      writeFileSync(at('a.jsonl'), '1\n{"tail":1}');
      await using index = await openIndex(at('a.jsonl'));
      truncateSync(at('a.jsonl'), 4);
      await expect(index.get(1)).rejects.toMatchObject(shrunk);
      appendFileSync(at('a.jsonl'), 't":2}\n');
      expect(await index.refresh()).toBe(2);
      expect((await index.get(1))?.records).toEqual([{ t: 2 }]);
    });

    it('when the file was rewritten with the same length, beginning and end; it is indexed anew after that', async () => {
      const content = numbered(2000);
      const middle = 680;
      const part = (from: number, to: number): string =>
        content.slice(from * bytesEach, to * bytesEach);
      // Seven lines and a longer one in the place of eight: all bytes after them stay where they are.
      const longer = `{"n":"${'x'.repeat(2 * bytesEach - 9)}"}\n`;
      const changed = part(0, middle) + part(middle, middle + 6) + longer + part(middle + 8, 2000);
      expect(changed).toHaveLength(content.length);
      for (const n of [middle - 10, middle + 3]) {
        const at = temporaryDirectory();
        writeFileSync(at('a.jsonl'), content);
        await (await openIndex(at('a.jsonl'), { sidecar: true })).close();
        writeFileSync(at('a.jsonl'), changed);
        const index = await openIndex(at('a.jsonl'), { sidecar: true });
        await expect(index.get(n)).rejects.toMatchObject(shrunk);
        await index.close();
        await using again = await openIndex(at('a.jsonl'), { sidecar: true });
        expect(again.length).toBe(1999);
        expect((await again.get(1998))?.records).toEqual([{ n: 2999 }]);
      }
    });

    it('when a line no longer begins after a newline', async () => {
      const at = temporaryDirectory();
      const content = numbered(200);
      writeFileSync(at('a.jsonl'), content);
      await using index = await openIndex(at('a.jsonl'));
      const moved = `${content.slice(0, 60 * bytesEach)} ${content.slice(60 * bytesEach)}`;
      writeFileSync(at('a.jsonl'), moved);
      await expect(index.get(64)).rejects.toMatchObject(shrunk);
    });

    it('when a last line without newline has become several', async () => {
      const at = temporaryDirectory();
      writeFileSync(at('a.jsonl'), '1\n[2, 3, 4]');
      await using index = await openIndex(at('a.jsonl'));
      for (const content of ['1\n2\n3\n4567', '100\n4567890']) {
        writeFileSync(at('a.jsonl'), content);
        await expect(index.get(1)).rejects.toMatchObject(shrunk);
      }
    });
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
