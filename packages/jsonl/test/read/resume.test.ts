import {
  appendFileSync,
  copyFileSync,
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
  type FileSystem,
  type Followed,
  type FollowOptions,
  type FollowPlace,
  type RotateOptions,
} from '../../src/index.js';
import { temporaryDirectory } from '../temporary-directory.js';

interface Numbered {
  readonly id: number;
}

/** Follows for `count` records, and stops. */
async function take(
  path: string,
  count: number,
  options: Partial<FollowOptions> = {},
): Promise<Followed<Numbered>[]> {
  const stop = new AbortController();
  onTestFinished(() => stop.abort());
  const taken: Followed<Numbered>[] = [];
  if (count === 0) return taken;
  for await (const entry of follow<Numbered>(path, {
    signal: stop.signal,
    pollMs: 50,
    ...options,
  })) {
    if (taken.push(entry) === count) break;
  }
  return taken;
}

const idsOf = (entries: readonly Followed<Numbered>[]): number[] =>
  entries.map(({ value }) => value.id);
const ids = (from: number, to: number): number[] =>
  Array.from({ length: to - from }, (_, n) => from + n);

/** As another process gets it. */
const kept = (entry: Followed<unknown> | undefined): FollowPlace =>
  JSON.parse(JSON.stringify(entry?.place)) as FollowPlace;

async function write(path: string, values: readonly number[], rotate?: RotateOptions) {
  const writer = await openWriter<Numbered>(path, {
    durability: 'kernel',
    ...(rotate === undefined ? {} : { rotate }),
  });
  for (const id of values) await writer.append({ id });
  await writer.close();
}

describe('follow({ resumeAt })', () => {
  it('goes on after the record whose place it is', async () => {
    const at = temporaryDirectory();
    await write(at('a.jsonl'), ids(0, 5));
    const [, second] = await take(at('a.jsonl'), 2);
    expect(second?.place.byteEnd).toBe(second?.byteEnd);
    expect(idsOf(await take(at('a.jsonl'), 3, { resumeAt: kept(second) }))).toEqual([2, 3, 4]);
  });

  it.each([{}, { compress: 'gzip' }] as const)(
    'misses nothing of a file that was rotated meanwhile, nor of those after it (%o)',
    async (compress) => {
      const at = temporaryDirectory();
      const rotate = { bytes: 40, ...compress };
      await write(at('a.jsonl'), [1, 2, 3], rotate);
      const [first] = await take(at('a.jsonl'), 1);
      await write(at('a.jsonl'), ids(4, 30), rotate);
      expect(idsOf(await take(at('a.jsonl'), 28, { resumeAt: kept(first) }))).toEqual(ids(2, 30));
    },
  );

  it('a bare byte offset would pass over the rest of that file (negative control)', async () => {
    const at = temporaryDirectory();
    await write(at('a.jsonl'), [1, 2, 3]);
    const [first] = await take(at('a.jsonl'), 1);
    await write(at('a.jsonl'), [4, 5], { bytes: 30 });
    expect(idsOf(await take(at('a.jsonl'), 1, { from: first?.byteEnd ?? 0 }))).toEqual([5]);
  });

  it('goes on at the place of any record, of a rotated and compressed file as well', async () => {
    const at = temporaryDirectory();
    const rotate = { bytes: 40, compress: 'gzip' } as const;
    await write(at('a.jsonl'), [0], rotate);
    const [before] = await take(at('a.jsonl'), 1);
    await write(at('a.jsonl'), ids(1, 20), rotate);
    const all = [before, ...(await take(at('a.jsonl'), 19, { resumeAt: kept(before) }))];
    for (const [index, entry] of all.entries()) {
      const left = 19 - index;
      const more = await take(at('a.jsonl'), left, { resumeAt: kept(entry) });
      expect(idsOf(more)).toEqual(ids(index + 1, 20));
    }
  });

  it('is not misled by a place beyond the part of a file that is compared', async () => {
    const at = temporaryDirectory();
    const rotate = { bytes: 8000, compress: 'gzip' } as const;
    await write(at('a.jsonl'), ids(0, 700), rotate);
    const seen = await take(at('a.jsonl'), 700);
    expect(seen[690]?.byteEnd).toBeGreaterThan(4096);
    await write(at('a.jsonl'), ids(700, 2000), rotate);
    const more = await take(at('a.jsonl'), 1309, { resumeAt: kept(seen[690]) });
    expect(idsOf(more)).toEqual(ids(691, 2000));
  });

  it('tells files apart that all have the same text', async () => {
    const at = temporaryDirectory();
    const rotate = { bytes: 40, compress: 'gzip' } as const;
    await write(at('a.jsonl'), [7, 7, 7, 7], rotate);
    await write(at('a.jsonl'), [7, 7, 7, 7], rotate);
    const entries = await take(at('a.jsonl'), 2);
    await write(at('a.jsonl'), Array<number>(12).fill(7), rotate);
    const stop = new AbortController();
    let count = 0;
    const options = { signal: stop.signal, resumeAt: kept(entries[1]), pollMs: 20 };
    setTimeout(() => stop.abort(), 500);
    for await (const _ of follow(at('a.jsonl'), options)) count += 1;
    expect(count).toBe(2 + 12);
  });

  describe('says that the place is lost, and begins nowhere else,', () => {
    const lost = { code: 'ORCH_JSONL_PLACE_LOST' };

    it('when its file was removed', async () => {
      const at = temporaryDirectory();
      await write(at('a.jsonl'), [1, 2]);
      const [first] = await take(at('a.jsonl'), 1);
      await write(at('a.jsonl'), ids(3, 30), { bytes: 20, keep: 2 });
      await expect(take(at('a.jsonl'), 1, { resumeAt: kept(first) })).rejects.toMatchObject(lost);
    });

    it('when another file with the same beginning took the name', async () => {
      const at = temporaryDirectory();
      writeFileSync(at('a.jsonl'), '{"id":0}\n{"id":1}\n');
      const [first] = await take(at('a.jsonl'), 1);
      renameSync(at('a.jsonl'), at('elsewhere'));
      writeFileSync(at('a.jsonl'), '{"id":0}\n{"id":9}\n');
      await expect(take(at('a.jsonl'), 1, { resumeAt: kept(first) })).rejects.toMatchObject(lost);
    });

    it('when its inode was given to a file with other text', async () => {
      const at = temporaryDirectory();
      writeFileSync(at('a.jsonl'), '{"id":0}\n{"id":1}\n');
      const [first] = await take(at('a.jsonl'), 1);
      truncateSync(at('a.jsonl'), 0);
      appendFileSync(at('a.jsonl'), '{"id":7}\n{"id":8}\n');
      await expect(take(at('a.jsonl'), 1, { resumeAt: kept(first) })).rejects.toMatchObject(lost);
    });

    it('when its inode was given to a later file with the same text', async () => {
      const at = temporaryDirectory();
      writeFileSync(at('a.jsonl'), '{"id":0}\n{"id":1}\n');
      const [first] = await take(at('a.jsonl'), 1);
      // The file was rotated as 1 and removed; what has the name now comes after number 2.
      copyFileSync(at('a.jsonl'), at('a.jsonl.000002'));
      await expect(take(at('a.jsonl'), 1, { resumeAt: kept(first) })).rejects.toMatchObject(lost);
    });

    it('when its number was given to another file with the same beginning', async () => {
      const at = temporaryDirectory();
      for (const name of ['a.jsonl.000001', 'a.jsonl'])
        writeFileSync(at(name), '{"id":0}\n{"id":1}\n');
      const [first] = await take(at('a.jsonl'), 1);
      renameSync(at('a.jsonl'), at('elsewhere'));
      writeFileSync(at('a.jsonl.000002'), '{"id":0}\n{"id":9}\n');
      await expect(take(at('a.jsonl'), 1, { resumeAt: kept(first) })).rejects.toMatchObject(lost);
    });

    it('when there is nothing at all', async () => {
      const at = temporaryDirectory();
      writeFileSync(at('a.jsonl'), '{"id":0}\n');
      const [first] = await take(at('a.jsonl'), 1);
      rmSync(at('a.jsonl'));
      await expect(take(at('a.jsonl'), 1, { resumeAt: kept(first) })).rejects.toMatchObject(lost);
    });
  });

  it('finds a file that is rotated, or compressed, while it is looked for', async () => {
    const at = temporaryDirectory();
    await write(at('a.jsonl'), [1, 2, 3]);
    const [first] = await take(at('a.jsonl'), 1);
    let lists = 0;
    const fileSystem: FileSystem = {
      ...nodeFileSystem,
      async list(directory) {
        lists += 1;
        const before = await nodeFileSystem.list(directory);
        if (lists === 1) {
          renameSync(at('a.jsonl'), at('a.jsonl.000001'));
          writeFileSync(at('a.jsonl'), '{"id":4}\n');
        }
        return before;
      },
    };
    const more = await take(at('a.jsonl'), 3, { resumeAt: kept(first), fileSystem });
    expect(idsOf(more)).toEqual([2, 3, 4]);
  });

  it('finds a file that was not listed because its name changed meanwhile', async () => {
    const at = temporaryDirectory();
    await write(at('a.jsonl'), [1, 2, 3]);
    const [first] = await take(at('a.jsonl'), 1);
    await write(at('a.jsonl'), [4, 5], { bytes: 30, compress: 'gzip' });
    let lists = 0;
    const fileSystem: FileSystem = {
      ...nodeFileSystem,
      list: (directory) => (++lists === 1 ? Promise.resolve([]) : nodeFileSystem.list(directory)),
    };
    const more = await take(at('a.jsonl'), 4, { resumeAt: kept(first), fileSystem });
    expect(idsOf(more)).toEqual([2, 3, 4, 5]);
  });

  it('finds a file whose number became lower because others were removed', async () => {
    const at = temporaryDirectory();
    writeFileSync(at('a.jsonl.000007'), '{"id":0}\n');
    await write(at('a.jsonl'), [1, 2, 3]);
    const [first] = await take(at('a.jsonl'), 1);
    rmSync(at('a.jsonl.000007'));
    await write(at('a.jsonl'), [4, 5], { bytes: 30 });
    const more = await take(at('a.jsonl'), 4, { resumeAt: kept(first) });
    expect(idsOf(more)).toEqual([2, 3, 4, 5]);
  });

  it('leaves no file open, found or not', async () => {
    const at = temporaryDirectory();
    await write(at('a.jsonl'), [1, 2, 3]);
    const [first] = await take(at('a.jsonl'), 1);
    await write(at('a.jsonl'), ids(4, 10), { bytes: 30, compress: 'gzip' });
    const open = new Set<number>();
    const fileSystem: FileSystem = {
      ...nodeFileSystem,
      async open(...given) {
        const file = await nodeFileSystem.open(...given);
        open.add(file);
        return file;
      },
      async close(file) {
        open.delete(file);
        await nodeFileSystem.close(file);
      },
    };
    await take(at('a.jsonl'), 3, { resumeAt: kept(first), fileSystem });
    expect(open.size).toBe(0);
    rmSync(at('a.jsonl.000001.gz'));
    await take(at('a.jsonl'), 1, { resumeAt: kept(first), fileSystem }).catch(() => undefined);
    expect(open.size).toBe(0);
  });

  it('refuses what is no place, and a byte beside a place', () => {
    const signal = AbortSignal.abort();
    const place = { file: 'a.jsonl', byteEnd: 3 };
    expect(() => follow('a.jsonl', { signal, resumeAt: place })).toThrow(TypeError);
    const file = `1~${'x'.repeat(43)}~1:2`;
    expect(() => follow('a.jsonl', { signal, resumeAt: { file, byteEnd: -1 } })).toThrow(TypeError);
    const resumeAt = { file, byteEnd: 3 };
    expect(() => follow('a.jsonl', { signal, resumeAt, from: 3 })).toThrow(TypeError);
    expect(() => follow('a.jsonl', { signal, resumeAt })).not.toThrow();
  });
});
