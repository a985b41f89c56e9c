import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import { nodeFileSystem, openWriter, readAll, type JsonlWriter } from '../../src/index.js';
import { recordFileSystem, type Recording } from '../recording-file-system.js';
import { temporaryDirectory } from '../temporary-directory.js';

const text = 'x'.repeat(1000);

/** A writer that has seen how long a sync takes here, and the calls it makes from now on. */
async function openUsed(
  path: string,
  fdatasync: () => Promise<void>,
): Promise<{ writer: JsonlWriter<unknown>; recording: Recording }> {
  let isUsed = false;
  const recording = recordFileSystem({
    ...nodeFileSystem,
    fdatasync: () => (isUsed ? fdatasync() : Promise.resolve()),
  });
  const writer = await openWriter(path, { fileSystem: recording.fileSystem });
  for (let n = 0; n < 20; n += 1) await writer.append('first');
  isUsed = true;
  recording.moments.length = 0;
  return { writer, recording };
}

describe('where a sync is quick', () => {
  it('a group of 256 KiB is on its way while others are still being appended', async () => {
    const { writer, recording } = await openUsed(temporaryDirectory()('a.jsonl'), () =>
      Promise.resolve(),
    );
    const appended = [];
    for (let n = 0; n < 300; n += 1) appended.push(writer.append({ n, text }));
    // In the same turn: nothing was waited for.
    expect([recording.count('writeSync'), recording.count('fdatasync')]).toEqual([1, 1]);
    await Promise.all(appended);
    expect([recording.count('writeSync'), recording.count('fdatasync')]).toEqual([2, 2]);
    await writer.close();
  });

  it('nobody is told before the own sync, and the next group is on its way when they are', async () => {
    const syncs: (() => void)[] = [];
    const path = temporaryDirectory()('a.jsonl');
    const { writer, recording } = await openUsed(
      path,
      () => new Promise((done) => syncs.push(done)),
    );
    const told: number[] = [];
    let startedWhenTold = 0;
    const appended = Array.from({ length: 600 }, async (_, n) => {
      await writer.append({ n, text });
      if (told.length === 0) startedWhenTold = recording.count('fdatasync');
      told.push(n);
    });
    await vi.waitFor(() => expect(syncs).toHaveLength(1));
    expect(told).toHaveLength(0);
    syncs[0]?.();
    await vi.waitFor(() => expect(told.length).toBeGreaterThan(250));
    await sleep(5);
    const first = told.length;
    expect(first).toBeLessThan(270);
    expect([startedWhenTold, syncs.length]).toEqual([2, 2]);
    syncs[1]?.();
    await vi.waitFor(() => expect(syncs).toHaveLength(3));
    syncs[2]?.();
    await Promise.all(appended);
    expect(told).toEqual(Array.from({ length: 600 }, (_, n) => n));
    await writer.close();
    const { records } = await readAll<{ n: number }>(path);
    expect(records.slice(20).map(({ n }) => n)).toEqual(told);
  });

  it('a failure of an early group refuses everybody behind it, too', async () => {
    let count = 0;
    const path = temporaryDirectory()('a.jsonl');
    const { writer } = await openUsed(path, () => {
      count += 1;
      return count === 2 ? Promise.reject(new Error('EIO')) : Promise.resolve();
    });
    const results = await Promise.allSettled(
      Array.from({ length: 900 }, (_, n) => writer.append({ n, text })),
    );
    const kept = results.filter(({ status }) => status === 'fulfilled').length;
    expect(kept).toBeGreaterThan(250);
    expect(kept).toBeLessThan(270);
    expect(results.slice(0, kept).every(({ status }) => status === 'fulfilled')).toBe(true);
    await writer.close();
    expect((await readAll(path)).records).toHaveLength(20 + kept);
  });
});

it('where a sync takes long, one is made for all who can wait for it', async () => {
  const recording = recordFileSystem({ ...nodeFileSystem, fdatasync: () => sleep(5) });
  const path = temporaryDirectory()('a.jsonl');
  const writer = await openWriter(path, { fileSystem: recording.fileSystem });
  await writer.append('first');
  recording.moments.length = 0;
  await Promise.all(Array.from({ length: 600 }, (_, n) => writer.append({ n, text })));
  expect(recording.count('fdatasync')).toBe(1);
  await writer.close();
});
