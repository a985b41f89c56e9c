import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { phases, type Phase } from '../harness/crash.js';
import { startCrashRun, type CrashRun } from '../harness/crash-run.js';

let run: CrashRun;
beforeEach(async () => {
  run = await startCrashRun();
});
afterEach(() => run.close());

const atOnce = (order: readonly Phase[]) => order.map((phase) => ({ phase, afterMs: 0 }));

describe('kill -9 of the leader', () => {
  it.each([
    ['once in each phase', phases],
    [
      'twice in each phase',
      [
        'clone made',
        'clone made',
        'agent streaming',
        'agent streaming',
        'result durable',
        'result durable',
        'gate',
        'gate',
        'merge',
        'merge',
        'delivery',
        'delivery',
      ],
    ],
    ['straight into the late ones', ['result durable', 'gate', 'merge', 'delivery']],
  ] as const)(
    '%s: resume finishes, nothing is paid twice, nothing is left',
    async (_name, order) => {
      const kills = await run.live(atOnce(order));
      expect(await run.finish(kills)).toEqual([]);
      // Each kill really fell into its phase: the disk still says so afterwards.
      expect(kills.filter((kill) => !kill.hit).map((kill) => kill.phase)).toEqual([]);
    },
  );

  it('with the journal removed the same check is red', async () => {
    const kills = await run.live(atOnce(['gate']));
    const asked = run.model.requests.length;
    expect(asked).toBeGreaterThan(0);
    run.removeJournal();
    expect(await run.finish(kills)).toContainEqual(
      expect.stringContaining('the last resume did not finish'),
    );
    // Starting over instead pays again for what was finished.
    expect(await run.startOver()).toBe(0);
    expect(run.model.requests.length - asked).toBe(9);
  });
});
