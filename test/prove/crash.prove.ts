import { expect, test } from 'vitest';
import { startCrashRun } from '../harness/crash-run.js';
import { momentsOf } from '../harness/seed.js';

const first = Number(process.env['ORCH_PROVE_SEED'] ?? 1);
const seeds = Number(process.env['ORCH_PROVE_SEEDS'] ?? 20);

test.each(Array.from({ length: seeds }, (_, index) => first + index))(
  'kill -9 of orch at the moments of seed %i: resume finishes, nothing is paid twice, nothing is left',
  async (seed) => {
    const run = await startCrashRun();
    try {
      const kills = await run.live(momentsOf(seed));
      expect(await run.finish(kills)).toEqual([]);
    } finally {
      await run.close();
    }
  },
);
