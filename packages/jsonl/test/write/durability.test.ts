import { writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  openWriter,
  readAll,
  type Access,
  type Durability,
  type FileSystem,
} from '../../src/index.js';
import { durableImage, recordFileSystem } from '../recording-file-system.js';
import { temporaryDirectory } from '../temporary-directory.js';

interface Event {
  readonly id: number;
}

/**
 * Appends in bursts and notes after which moment each record was acknowledged. Then fails the power
 * after every moment, and looks for every record acknowledged by then in what the disk is sure to
 * hold. Gives how many are missing, over all moments.
 */
async function countLost(
  at: (name: string) => string,
  durability: Durability,
  access: Access,
  alter: (fileSystem: FileSystem) => FileSystem = (fileSystem) => fileSystem,
): Promise<{ moments: number; acknowledged: number; lost: number }> {
  const { fileSystem, moments } = recordFileSystem();
  const writer = await openWriter<Event>(at('live.jsonl'), {
    access,
    durability,
    maxBatchBytes: 60,
    fileSystem: alter(fileSystem),
  });
  const acknowledgedAt = new Map<number, number>();
  const append = async (id: number): Promise<void> => {
    await writer.append({ id });
    acknowledgedAt.set(id, moments.length);
  };
  let id = 0;
  for (const burst of [1, 3, 20, 1, 7]) {
    await Promise.all(Array.from({ length: burst }, () => append((id += 1))));
    writer.appendSync({ id: (id += 1) });
    acknowledgedAt.set(id, moments.length);
  }
  await writer.close();

  let lost = 0;
  for (let end = 0; end <= moments.length; end += 1) {
    const image = at('image.jsonl');
    writeFileSync(image, durableImage(moments.slice(0, end)));
    const { records, faults } = await readAll<Event>(image);
    expect(faults).toEqual([]);
    const found = new Set(records.map((record) => record.id));
    for (const [record, when] of acknowledgedAt) if (when <= end && !found.has(record)) lost += 1;
  }
  return { moments: moments.length, acknowledged: acknowledgedAt.size, lost };
}

describe('a power loss at every moment', () => {
  it.each([
    ['batch', 'exclusive'],
    ['sync', 'exclusive'],
    ['batch', 'shared'],
  ] as const)(
    "loses no record acknowledged with durability '%s', %s",
    async (durability, access) => {
      const result = await countLost(temporaryDirectory(), durability, access);
      expect(result).toMatchObject({ acknowledged: 37, lost: 0 });
      expect(result.moments).toBeGreaterThan(50);
    },
  );

  it('loses some when the sync is taken out (negative control)', async () => {
    const withoutSync = (fileSystem: FileSystem): FileSystem => ({
      ...fileSystem,
      fdatasync: () => Promise.resolve(),
      fdatasyncSync: () => undefined,
    });
    const result = await countLost(temporaryDirectory(), 'batch', 'exclusive', withoutSync);
    expect(result.lost).toBeGreaterThan(0);
  });

  it('loses some when the sync is not waited for (negative control)', async () => {
    const withoutWaiting = (fileSystem: FileSystem): FileSystem => ({
      ...fileSystem,
      fdatasync: (file) => {
        void fileSystem.fdatasync(file);
        return Promise.resolve();
      },
    });
    const result = await countLost(temporaryDirectory(), 'batch', 'exclusive', withoutWaiting);
    expect(result.lost).toBeGreaterThan(0);
  });

  it("may lose records acknowledged with durability 'kernel'", async () => {
    const result = await countLost(temporaryDirectory(), 'kernel', 'exclusive');
    expect(result.lost).toBeGreaterThan(0);
  });
});
