import { describe, expect, it } from 'vitest';
import { openWriter } from '../../src/index.js';
import { logPower } from '../power-loss.js';
import {
  acknowledging,
  appendBursts,
  play,
  writerOf,
  type Event,
  type Scenario,
} from '../power-scenarios.js';
import { temporaryDirectory } from '../temporary-directory.js';

const rotate = { bytes: 40 };

const scenarios: Readonly<Record<string, Scenario>> = {
  "durability 'batch', exclusive": acknowledging({ maxBatchBytes: 30 }),
  "durability 'sync', exclusive": acknowledging({ durability: 'sync' }, [1, 3]),
  "durability 'batch', shared": acknowledging({ access: 'shared', maxBatchBytes: 30 }),
  "durability 'batch', locked": acknowledging({ access: 'locked', maxBatchBytes: 30 }),
  'rotation, exclusive': acknowledging({ rotate }, [1, 3, 2]),
  'rotation, locked': acknowledging({ rotate, access: 'locked' }, [1, 3, 2]),
  'rotation with compression': {
    async run(at, log) {
      const options = { rotate: { ...rotate, compress: 'gzip' } } as const;
      const writer = await writerOf(at, log, options);
      await appendBursts(writer, log, [1, 2]);
      await writer.close();
    },
  },
  "durability 'kernel' and flush(), rotated in between": {
    needs: (sync) => sync.startsWith('fdatasync'),
    async run(at, log) {
      const writer = await writerOf(at, log, { rotate, durability: 'kernel' });
      for (let id = 1; id <= 9; id += 1) await writer.append({ id });
      await writer.flush();
      for (let id = 1; id <= 9; id += 1) log.acknowledge(id);
      await writer.close();
    },
  },
  'a file that another process left unsynced': {
    power: (at) => ({ unsynced: { path: at('a.jsonl'), content: '{"id":1}\n{"id":2}' } }),
    async run(at, log) {
      const writer = await writerOf(at, log, {});
      log.acknowledge(1);
      log.acknowledge(2);
      await writer.append({ id: 3 });
      log.acknowledge(3);
      await writer.close();
    },
  },
  'a locked file that another process rotated and left': {
    // The other one stops for good while it syncs the name of the new file.
    power: () => ({ stuckAt: 3 }),
    needs: (_sync, index) => index > 3,
    async run(at, log) {
      const options = { rotate, access: 'locked', durability: 'kernel' } as const;
      const other = await writerOf(at, log, options);
      const writer = await writerOf(at, log, options);
      for (let id = 1; id <= 4; id += 1) await writer.append({ id });
      void other.append({ id: 5 });
      for (let waited = 0; log.syncs.length < 4 && waited < 2000; waited += 1) {
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      await writer.append({ id: 6 });
      await writer.flush();
      for (const id of [1, 2, 3, 4, 6]) log.acknowledge(id);
      await writer.close();
    },
  },
};

describe('a power loss at every moment', () => {
  it.each(Object.entries(scenarios))(
    'loses nothing that was acknowledged, and would without any one of the syncs: %s',
    async (_name, scenario) => {
      const { lost, syncs, images, moments } = await play(scenario);
      expect(lost).toBe(0);
      expect(images).toBeGreaterThan(moments);
      const useless: string[] = [];
      for (const [index, sync] of syncs.entries()) {
        if (scenario.needs?.(sync, index) === false) continue;
        const without = await play(scenario, index);
        if (without.lost === 0) useless.push(`${index}: ${sync}`);
      }
      expect(useless).toEqual([]);
    },
    120_000,
  );

  it('loses some when a sync is not waited for (negative control)', async () => {
    const at = temporaryDirectory();
    const log = logPower();
    const writer = await openWriter<Event>(at('a.jsonl'), {
      fileSystem: {
        ...log.fileSystem,
        fdatasync: (file) => {
          void log.fileSystem.fdatasync(file);
          return Promise.resolve();
        },
      },
    });
    await appendBursts(writer, log, [1, 3]);
    await writer.close();
    expect((await log.countLost()).lost).toBeGreaterThan(0);
  });

  it("may lose records acknowledged with durability 'kernel'", async () => {
    const { lost } = await play(acknowledging({ durability: 'kernel' }));
    expect(lost).toBeGreaterThan(0);
  });
});
