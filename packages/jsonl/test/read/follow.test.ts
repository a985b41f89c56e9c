import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  mkdirSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  follow,
  nodeFileSystem,
  openWriter,
  type FollowOptions,
  type RotateOptions,
} from '../../src/index.js';
import { temporaryDirectory } from '../temporary-directory.js';

/** Follows in the background; `next(count)` resolves with that many more values. */
function following(path: string, options: Partial<FollowOptions> = {}) {
  const controller = new AbortController();
  onTestFinished(() => controller.abort());
  const iterator = follow(path, { signal: controller.signal, pollMs: 50, ...options })[
    Symbol.asyncIterator
  ]();
  const ends: number[] = [];
  const generations: number[] = [];
  return {
    ends,
    generations,
    async next(count: number): Promise<unknown[]> {
      const values: unknown[] = [];
      while (values.length < count) {
        const result = await iterator.next();
        if (result.done === true) throw new Error(`ended after ${values.length} values`);
        values.push(result.value.value);
        ends.push(result.value.byteEnd);
        generations.push(result.value.generation);
      }
      return values;
    },
    /** Aborts while a value is being waited for; gives what comes after it. */
    async stop(): Promise<unknown> {
      const pending = iterator.next();
      controller.abort();
      await pending;
      return iterator.next();
    },
  };
}

/** The file system, telling how often the file was looked at. */
function counting() {
  const state = { looks: 0, waiting: [] as { at: number; resolve: () => void }[] };
  return {
    fileSystem: {
      ...nodeFileSystem,
      stat: async (file: number) => {
        const size = await nodeFileSystem.stat(file);
        state.looks += 1;
        for (const { at, resolve } of state.waiting) if (state.looks >= at) resolve();
        return size;
      },
    },
    /** Resolves after `count` more looks. */
    looked: (count: number) =>
      new Promise<void>((resolve) => state.waiting.push({ at: state.looks + count, resolve })),
  };
}

describe('follow()', () => {
  it('gives what is there, and then what is appended', async () => {
    const at = temporaryDirectory();
    writeFileSync(at('a.jsonl'), '1\n2\n');
    const followed = following(at('a.jsonl'));
    expect(await followed.next(2)).toEqual([1, 2]);
    await using writer = await openWriter(at('a.jsonl'));
    await writer.append({ n: 3 });
    expect(await followed.next(1)).toEqual([{ n: 3 }]);
    await writer.appendMany([4, 5]);
    expect(await followed.next(2)).toEqual([4, 5]);
    expect(followed.ends).toEqual([2, 4, 12, 14, 16]);
  });

  it('waits for a file, and for a directory, that is not there yet', async () => {
    const at = temporaryDirectory();
    const followed = following(at('later/a.jsonl'));
    const first = followed.next(1);
    mkdirSync(at('later'));
    writeFileSync(at('later/a.jsonl'), '"here"\n');
    expect(await first).toEqual(['here']);
  });

  it('fails for what is no file, in the place of waiting for it without end', async () => {
    const at = temporaryDirectory();
    execFileSync('mkfifo', [at('pipe')]);
    for (const path of [at('pipe'), at('.')])
      await expect(following(path).next(1)).rejects.toMatchObject({
        code: 'ORCH_JSONL_READ_FAILED',
      });
  });

  it('goes on from a byte offset', async () => {
    const at = temporaryDirectory();
    writeFileSync(at('a.jsonl'), '1\n2\n3\n');
    expect(await following(at('a.jsonl'), { from: 4 }).next(1)).toEqual([3]);
  });

  it('waits for the rest of a line that is being written', async () => {
    const at = temporaryDirectory();
    const { fileSystem, looked } = counting();
    const faults: unknown[] = [];
    writeFileSync(at('a.jsonl'), '{"n":1}\n{"te');
    const options = { fileSystem, onCorrupt: (fault: unknown) => faults.push(fault) };
    const followed = following(at('a.jsonl'), options);
    expect(await followed.next(1)).toEqual([{ n: 1 }]);
    const second = followed.next(1);
    await looked(2);
    appendFileSync(at('a.jsonl'), 'xt":"käse');
    await looked(2);
    appendFileSync(at('a.jsonl'), '"}\n');
    expect(await second).toEqual([{ text: 'käse' }]);
    expect(faults).toEqual([]);
  });

  it.each([
    ['longer', { n: 3, text: 'new, and longer than before' }],
    ['shorter', { n: 3 }],
  ])(
    'does not mix the rest of a line that was cut off with what replaced it, %s',
    async (_length, record) => {
      const at = temporaryDirectory();
      const { fileSystem, looked } = counting();
      writeFileSync(at('a.jsonl'), '{"n":1}\n{"n":2,"text":"old');
      const followed = following(at('a.jsonl'), { fileSystem });
      expect(await followed.next(1)).toEqual([{ n: 1 }]);
      const second = followed.next(1);
      await looked(2);
      truncateSync(at('a.jsonl'), 8);
      appendFileSync(at('a.jsonl'), `${JSON.stringify(record)}\n`);
      expect(await second).toEqual([record]);
    },
  );

  it('fails when records that were delivered are no longer there', async () => {
    const at = temporaryDirectory();
    writeFileSync(at('a.jsonl'), '1\n2\n');
    const followed = following(at('a.jsonl'));
    await followed.next(2);
    const more = followed.next(1);
    truncateSync(at('a.jsonl'), 2);
    await expect(more).rejects.toMatchObject({ code: 'ORCH_JSONL_SHRUNK' });
  });

  it("begins again at the start of a file that was cut, with onTruncate 'restart'", async () => {
    const at = temporaryDirectory();
    writeFileSync(at('a.jsonl'), '1\n2\n');
    const followed = following(at('a.jsonl'), { onTruncate: 'restart' });
    await followed.next(2);
    const more = followed.next(2);
    // Shorter than before even if cutting and filling are seen as one change.
    truncateSync(at('a.jsonl'), 0);
    appendFileSync(at('a.jsonl'), '3\n');
    while (followed.ends.length < 3) await new Promise((resolve) => setTimeout(resolve, 5));
    appendFileSync(at('a.jsonl'), '4\n');
    expect(await more).toEqual([3, 4]);
    expect(followed.generations).toEqual([0, 0, 1, 1]);
  });

  it('goes over to the file that takes the name, after the rest of the old one', async () => {
    const at = temporaryDirectory();
    const faults: unknown[] = [];
    const onCorrupt = (fault: unknown) => faults.push(fault);
    writeFileSync(at('a.jsonl'), '{"n":1}\n{"n":2}\n{"n":3,"te');
    const followed = following(at('a.jsonl'), { onCorrupt });
    expect(await followed.next(2)).toEqual([{ n: 1 }, { n: 2 }]);
    const more = followed.next(2);
    renameSync(at('a.jsonl'), at('a.1.jsonl'));
    appendFileSync(at('a.1.jsonl'), 'xt":1}\n{"n":4,"te');
    writeFileSync(at('b.jsonl'), '{"n":5}\n');
    renameSync(at('b.jsonl'), at('a.jsonl'));
    expect(await more).toEqual([{ n: 3, text: 1 }, { n: 5 }]);
    expect(faults).toEqual([{ kind: 'torn_tail', byteStart: 33, byteEnd: 43, line: 1 }]);
    appendFileSync(at('a.jsonl'), '{"n":6}\n');
    expect(await followed.next(1)).toEqual([{ n: 6 }]);
    expect(followed.generations).toEqual([0, 0, 0, 1, 1]);
  });

  it('loses no record of a writer that rotates again and again', async () => {
    const at = temporaryDirectory();
    const followed = following(at('a.jsonl'));
    const seen = followed.next(60);
    for (let part = 0; part < 6; part += 1) {
      const writer = await openWriter(at('a.jsonl'), { durability: 'kernel' });
      for (let n = 0; n < 10; n += 1) await writer.append({ id: part * 10 + n });
      await writer.close();
      // What came and went between two looks would not be seen, so each part is waited for.
      const all = part * 10 + 10;
      while (followed.ends.length < all) await new Promise((resolve) => setTimeout(resolve, 5));
      renameSync(at('a.jsonl'), at(`a.${part}.jsonl`));
    }
    expect((await seen).map((value) => (value as { id: number }).id)).toEqual(
      Array.from({ length: 60 }, (_, id) => id),
    );
  });

  describe('reads what a writer rotated between two looks', () => {
    const ids = (from: number, to: number): number[] =>
      Array.from({ length: to - from }, (_, n) => from + n);
    const idOf = (value: unknown): number => (value as { id: number }).id;

    /** Appends in place, so that nobody can look meanwhile, four records to a file. */
    async function rotateUnseen(
      path: string,
      compress: Pick<RotateOptions, 'compress'>,
    ): Promise<void> {
      const writer = await openWriter(path, {
        durability: 'kernel',
        rotate: { bytes: 40, ...compress },
      });
      for (const id of ids(1, 41)) writer.appendSync({ id });
      await writer.close();
    }

    it.each([{}, { compress: 'gzip' }] as const)('in its order (%o)', async (compress) => {
      const at = temporaryDirectory();
      writeFileSync(at('a.jsonl'), '{"id":0}\n');
      const followed = following(at('a.jsonl'));
      expect((await followed.next(1)).map(idOf)).toEqual([0]);
      await rotateUnseen(at('a.jsonl'), compress);
      expect((await followed.next(40)).map(idOf)).toEqual(ids(1, 41));
      expect(followed.generations.at(-1)).toBe(10);
      appendFileSync(at('a.jsonl'), '{"id":41}\n');
      expect((await followed.next(1)).map(idOf)).toEqual([41]);
    });

    it('also where others were removed meanwhile, so that their numbers are given anew', async () => {
      const at = temporaryDirectory();
      const earlier = ids(1, 6).map((number) => at(`a.jsonl.00000${number}`));
      for (const name of earlier) writeFileSync(name, '{"id":-1}\n');
      writeFileSync(at('a.jsonl'), '{"id":0}\n');
      const followed = following(at('a.jsonl'));
      expect((await followed.next(1)).map(idOf)).toEqual([0]);
      for (const name of earlier) rmSync(name);
      await rotateUnseen(at('a.jsonl'), {});
      // One of them is missed, and that can be seen.
      rmSync(at('a.jsonl.000002'));
      expect((await followed.next(36)).map(idOf)).toEqual([...ids(1, 4), ...ids(8, 41)]);
      expect(followed.generations.slice(0, 5)).toEqual([0, 0, 0, 0, 2]);
      expect(followed.generations.at(-1)).toBe(10);
    });

    it('also where there was no file when following began, but what was rotated before', async () => {
      const at = temporaryDirectory();
      writeFileSync(at('a.jsonl.000007'), '{"id":-1}\n');
      let listed = (): void => undefined;
      const isListed = new Promise<void>((resolve) => (listed = resolve));
      const list = (directory: string): Promise<string[]> =>
        nodeFileSystem.list(directory).finally(listed);
      const followed = following(at('a.jsonl'), { fileSystem: { ...nodeFileSystem, list } });
      const all = followed.next(40);
      await isListed;
      await rotateUnseen(at('a.jsonl'), {});
      expect((await all).map(idOf)).toEqual(ids(1, 41));
    });

    it('and nothing that was removed already, though what is there', async () => {
      const at = temporaryDirectory();
      writeFileSync(at('a.jsonl'), '{"id":0}\n');
      const followed = following(at('a.jsonl'));
      await followed.next(1);
      await rotateUnseen(at('a.jsonl'), {});
      for (const n of [1, 2, 3, 4, 5]) rmSync(at(`a.jsonl.00000${n}`));
      // The first one was open already.
      expect((await followed.next(24)).map(idOf)).toEqual([1, 2, 3, ...ids(20, 41)]);
      // It can be told that there were more.
      expect(followed.generations.slice(3, 6)).toEqual([0, 5, 5]);
    });

    it('and would not, if it did not look for such files (negative control)', async () => {
      const at = temporaryDirectory();
      writeFileSync(at('a.jsonl'), '{"id":0}\n');
      const fileSystem = { ...nodeFileSystem, list: () => Promise.resolve([]) };
      const followed = following(at('a.jsonl'), { fileSystem });
      await followed.next(1);
      await rotateUnseen(at('a.jsonl'), {});
      expect((await followed.next(4)).map(idOf)).toEqual([1, 2, 3, 40]);
    });
  });

  it('ends without an error when the signal aborts', async () => {
    const at = temporaryDirectory();
    writeFileSync(at('a.jsonl'), '1\n2\n');
    const followed = following(at('a.jsonl'));
    await followed.next(1);
    expect(await followed.stop()).toMatchObject({ done: true });
    const waiting = following(at('a.jsonl'), { from: 4 });
    expect(await waiting.stop()).toMatchObject({ done: true });
    const absent = following(at('absent.jsonl'));
    expect(await absent.stop()).toMatchObject({ done: true });
  });

  it('recovers around damage and tells of it', async () => {
    const at = temporaryDirectory();
    const faults: unknown[] = [];
    writeFileSync(at('a.jsonl'), '{"n":1,"t{"n":2}\noops\n{"n":3}\n');
    const followed = following(at('a.jsonl'), { onCorrupt: (fault) => faults.push(fault) });
    expect(await followed.next(2)).toEqual([{ n: 2 }, { n: 3 }]);
    expect(faults).toMatchObject([{ kind: 'glued' }, { kind: 'not_json', byteStart: 17 }]);
  });

  it('sees every record of a shared file that many write', async () => {
    const at = temporaryDirectory();
    const followed = following(at('a.jsonl'));
    const writers = await Promise.all(
      [0, 1, 2, 3].map(() => openWriter(at('a.jsonl'), { access: 'shared', durability: 'kernel' })),
    );
    const seen = followed.next(400);
    await Promise.all(
      writers.flatMap((writer, w) =>
        Array.from({ length: 100 }, (_, n) => writer.append({ id: w * 100 + n })),
      ),
    );
    await Promise.all(writers.map((writer) => writer.close()));
    const ids = (await seen).map((value) => (value as { id: number }).id);
    expect(ids.sort((left, right) => left - right)).toEqual(
      Array.from({ length: 400 }, (_, n) => n),
    );
  });

  it('refuses options out of range', () => {
    const signal = AbortSignal.abort();
    expect(() => follow('a.jsonl', { signal, pollMs: 0 })).toThrow(RangeError);
    expect(() => follow('a.jsonl', { signal, from: -1 })).toThrow(RangeError);
  });
});
