import { appendFileSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  chainStart,
  JsonlError,
  openWriter,
  readAll,
  verifyChain,
  type FileSystem,
  type WriterOptions,
} from '../../src/index.js';
import { faultyFileSystem, systemError, type Faults } from '../faulty-file-system.js';
import { temporaryDirectory } from '../temporary-directory.js';

interface Event {
  readonly id: number;
  readonly text: string;
}

interface Outcome {
  readonly acknowledged: readonly number[];
  readonly errors: readonly JsonlError[];
}

/** Appends twelve records in four bursts; every rejection must be one of ours. */
async function appendTwelve(path: string, options: WriterOptions): Promise<Outcome> {
  const acknowledged: number[] = [];
  const errors: JsonlError[] = [];
  const note = (reason: unknown): void => {
    if (!JsonlError.isInstance(reason)) throw reason;
    errors.push(reason);
  };
  let writer;
  try {
    writer = await openWriter<Event>(path, { maxBatchBytes: 120, ...options });
  } catch (reason) {
    note(reason);
    return { acknowledged, errors };
  }
  for (let burst = 0; burst < 4; burst += 1) {
    const ids = [1, 2, 3].map((n) => burst * 3 + n);
    const append = writer.append.bind(writer);
    await Promise.all(
      ids.map((id) =>
        append({ id, text: 'x'.repeat(40) }).then(() => void acknowledged.push(id), note),
      ),
    );
  }
  await writer.close().catch(note);
  return { acknowledged, errors };
}

const ids = (records: readonly Event[]): number[] => records.map(({ id }) => id);
const all = Array.from({ length: 12 }, (_, n) => n + 1);
/** Takes half of a write, and nothing afterwards. */
const fullAfterHalf = (index: number, code: string): Faults => ({
  before: (call, at) => {
    if ((call === 'write' || call === 'writeSync') && at > index) throw systemError(code, call);
  },
  take: (at, length) => (at === index ? Math.ceil(length / 2) : length),
});

describe('a full disk', () => {
  for (const access of ['exclusive', 'shared'] as const) {
    it(`never loses an acknowledged record and refuses what follows, at every write (${access})`, async () => {
      const at = temporaryDirectory();
      let failed = 0;
      for (let index = 0; index < 9; index += 1) {
        const path = at(`${access}-${index}.jsonl`);
        const fileSystem = faultyFileSystem(fullAfterHalf(index, 'ENOSPC'));
        const { acknowledged, errors } = await appendTwelve(path, { access, fileSystem });
        expect(acknowledged).toEqual(all.slice(0, acknowledged.length));
        const { records } = await readAll<Event>(path);
        expect(ids(records).slice(0, acknowledged.length)).toEqual(acknowledged);
        if (acknowledged.length === 12) continue;
        failed += 1;
        expect(errors.map(({ code }) => code)).toEqual([
          ...errors.filter(({ code }) => code === 'ORCH_JSONL_DISK_FULL').map(({ code }) => code),
          ...errors
            .filter(({ code }) => code === 'ORCH_JSONL_WRITER_FAILED')
            .map(({ code }) => code),
        ]);
        expect(acknowledged.length + errors.length).toBe(12);

        // Space is there again: a new writer goes on, and both old and new records are read.
        const writer = await openWriter<Event>(path, { access });
        await writer.append({ id: 99, text: 'after' });
        await writer.close();
        const after = await readAll<Event>(path);
        expect(ids(after.records)).toEqual([...ids(records), 99]);
      }
      expect(failed).toBeGreaterThan(5);
    });
  }

  it('cuts an exclusive file back, so that what was refused is not there', async () => {
    const at = temporaryDirectory();
    for (let index = 0; index < 6; index += 1) {
      const path = at(`${index}.jsonl`);
      const fileSystem = faultyFileSystem(fullAfterHalf(index, 'ENOSPC'));
      const { acknowledged } = await appendTwelve(path, { fileSystem });
      expect(await readAll(path)).toMatchObject({ faults: [] });
      expect(ids((await readAll<Event>(path)).records)).toEqual(acknowledged);
    }
  });

  it('leaves half a record when the file is not cut back (negative control)', async () => {
    const at = temporaryDirectory();
    const fileSystem = faultyFileSystem({
      ...fullAfterHalf(1, 'ENOSPC'),
      before: (call, index) => {
        if (call === 'truncate') throw systemError('EIO', call);
        fullAfterHalf(1, 'ENOSPC').before?.(call, index);
      },
    });
    const { errors } = await appendTwelve(at('a.jsonl'), { fileSystem });
    expect(errors[0]?.details).toMatchObject({ takenBack: false });
    expect((await readAll(at('a.jsonl'))).faults).toMatchObject([{ kind: 'torn_tail' }]);
  });

  it('keeps a chain whole', async () => {
    const at = temporaryDirectory();
    const chain = { previous: chainStart };
    for (let index = 0; index < 6; index += 1) {
      const path = at(`${index}.jsonl`);
      const fileSystem = faultyFileSystem(fullAfterHalf(index, 'ENOSPC'));
      const { acknowledged } = await appendTwelve(path, { chain, fileSystem });
      const check = await verifyChain(path, chain);
      expect(check).toMatchObject({ records: acknowledged.length });
      expect(check).not.toHaveProperty('unsealed');
    }
  });
});

describe('a failure of any call', () => {
  const calls: (keyof FileSystem)[] = [
    'open',
    'read',
    'write',
    'writeSync',
    'fdatasync',
    'stat',
    'fsyncDirectory',
    'close',
  ];
  it.each(calls)('at %s is a typed error, and no acknowledged record is lost', async (call) => {
    const at = temporaryDirectory();
    let failures = 0;
    for (const code of ['ENOSPC', 'EIO']) {
      for (let index = 0; index < 8; index += 1) {
        const path = at(`${code}-${index}.jsonl`);
        appendFileSync(path, '{"id":0,"text":"already there"}\n{"id":0.5,"te');
        const fileSystem = faultyFileSystem({
          before: (name, nth) => {
            if (name === call && nth === index) throw systemError(code, name);
          },
        });
        // What is synced next is written in place while it is small.
        const durability = call === 'write' ? 'kernel' : 'batch';
        const { acknowledged, errors } = await appendTwelve(path, { fileSystem, durability });
        failures += errors.length;
        for (const error of errors) {
          expect(error.message).toContain(path);
          expect(error.cause).toBeInstanceOf(Error);
        }
        expect(ids((await readAll<Event>(path)).records)).toEqual([0, ...acknowledged]);
        expect(readFileSync(path, 'utf8')).toContain('{"id":0.5,"te');
      }
    }
    expect(failures).toBeGreaterThan(0);
  });

  it('makes a failed sync final: nothing is acknowledged after it', async () => {
    const at = temporaryDirectory();
    const fileSystem = faultyFileSystem({
      before: (call, index) => {
        if (call === 'fdatasync' && index === 1) throw systemError('EIO', call);
      },
    });
    const writer = await openWriter(at('a.jsonl'), { fileSystem });
    await writer.append(1);
    await expect(writer.append(2)).rejects.toMatchObject({ code: 'ORCH_JSONL_SYNC_FAILED' });
    await expect(writer.append(3)).rejects.toMatchObject({ code: 'ORCH_JSONL_WRITER_FAILED' });
    await expect(writer.flush()).rejects.toMatchObject({ code: 'ORCH_JSONL_WRITER_FAILED' });
    expect(() => writer.appendSync(4)).toThrow(/earlier append failed/);
    await writer.close();
    expect((await readAll(at('a.jsonl'))).records).toEqual([1]);
  });

  it('is told at appendSync() as well', async () => {
    const at = temporaryDirectory();
    const fileSystem = faultyFileSystem(fullAfterHalf(1, 'ENOSPC'));
    const writer = await openWriter(at('a.jsonl'), { fileSystem });
    writer.appendSync('first');
    expect(() => writer.appendSync('second')).toThrow(/ENOSPC/);
    await writer.close();
    expect(readFileSync(at('a.jsonl'), 'utf8')).toBe('"first"\n');
  });

  it.each(['exclusive', 'shared'] as const)(
    'makes a failed sync final in appendSync() as well: %s',
    async (access) => {
      const at = temporaryDirectory();
      const fileSystem = faultyFileSystem({
        before: (call, index) => {
          if (call === 'fdatasyncSync' && index === 1) throw systemError('EIO', call);
        },
      });
      const writer = await openWriter(at('a.jsonl'), { access, fileSystem, durability: 'sync' });
      writer.appendSync(1);
      const caught = (() => {
        try {
          return writer.appendSync(2);
        } catch (error) {
          return error;
        }
      })();
      expect(caught).toMatchObject({
        code: 'ORCH_JSONL_SYNC_FAILED',
        details: { takenBack: access === 'exclusive' },
      });
      await expect(writer.append(3)).rejects.toMatchObject({ code: 'ORCH_JSONL_WRITER_FAILED' });
      await writer.close();
      const left = access === 'exclusive' ? [1] : [1, 2];
      expect((await readAll(at('a.jsonl'))).records).toEqual(left);
    },
  );

  it("is told at close() when durability 'none' has told nobody", async () => {
    const at = temporaryDirectory();
    const fileSystem = faultyFileSystem(fullAfterHalf(0, 'EDQUOT'));
    const writer = await openWriter(at('a.jsonl'), { durability: 'none', fileSystem });
    await writer.append('taken');
    await expect(writer.close()).rejects.toMatchObject({ code: 'ORCH_JSONL_DISK_FULL' });
  });

  it('does not cut off what somebody else has written', async () => {
    const at = temporaryDirectory();
    const path = at('a.jsonl');
    const fileSystem = faultyFileSystem({
      before: (call, index) => {
        if (call !== 'writeSync' || index !== 1) return;
        appendFileSync(path, `"a foreign record, longer than the group: ${'x'.repeat(100)}"\n`);
        throw systemError('EIO', call);
      },
    });
    const writer = await openWriter(path, { fileSystem });
    await writer.append('ours');
    await expect(writer.append('refused')).rejects.toMatchObject({ details: { takenBack: false } });
    await writer.close();
    expect((await readAll(path)).records).toHaveLength(2);
  });
});

describe('short writes', () => {
  const slow = (most: number): Faults => ({ take: (_index, length) => Math.min(length, most) });

  it('are continued in an exclusive file', async () => {
    const at = temporaryDirectory();
    const { acknowledged } = await appendTwelve(at('a.jsonl'), {
      fileSystem: faultyFileSystem(slow(7)),
    });
    expect(acknowledged).toEqual(all);
    expect(await readAll(at('a.jsonl'))).toMatchObject({ faults: [] });
  });

  it('neither tear nor repeat a record of a shared file when another process writes in between', async () => {
    const at = temporaryDirectory();
    const group = '\n' + [1, 2, 3].map((id) => `{"id":${id},"text":"y"}\n`).join('');
    for (let most = 0; most < group.length; most += 1) {
      const path = at(`${most}.jsonl`);
      const fileSystem = faultyFileSystem({
        take: (index, length) => (index === 0 ? most : length),
        before: (call, index) => {
          if (call === 'writeSync' && index === 1)
            appendFileSync(path, '\n{"id":9,"text":"other"}\n');
        },
      });
      const writer = await openWriter<Event>(path, { access: 'shared', fileSystem });
      await writer.appendMany([1, 2, 3].map((id) => ({ id, text: 'y' })));
      await writer.close();
      const found = ids((await readAll<Event>(path)).records);
      expect(found.filter((id) => id !== 9)).toEqual([1, 2, 3]);
      expect(found).toHaveLength(4);
    }
  });

  it('fail in a shared file that never takes a whole record', async () => {
    const at = temporaryDirectory();
    const options = { access: 'shared', fileSystem: faultyFileSystem(slow(5)) } as const;
    const { acknowledged, errors } = await appendTwelve(at('a.jsonl'), options);
    expect(acknowledged).toEqual([]);
    expect(errors[0]?.code).toBe('ORCH_JSONL_WRITE_FAILED');
  });

  it('that take nothing are a failure, not an endless loop', async () => {
    const at = temporaryDirectory();
    const { errors } = await appendTwelve(at('a.jsonl'), { fileSystem: faultyFileSystem(slow(0)) });
    expect(errors[0]?.code).toBe('ORCH_JSONL_WRITE_FAILED');
  });
});
