import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { endLeftovers, identify, isAlive } from '../src/index.js';
import { entrances } from '../src/probe-levels.js';
import { finder } from '../src/system.js';
import { bundle } from '../test/bundle.js';
import { environment } from '../test/witness.js';

const reuse = await bundle('../../prove/programs/reuse.ts');

test('PID reuse, 10,000 property cases: no foreign process is taken for an earlier one', async () => {
  const child = spawn('sleep', ['100000'], { stdio: 'ignore' });
  await once(child, 'spawn');
  const now = identify(child.pid ?? 0);
  if (now === undefined) throw new Error('The bystander did not start.');
  const earlier = fc
    .record({ startTime: fc.nat().map(String), bootId: fc.constantFrom(now.bootId, 'earlier') })
    .filter(({ startTime, bootId }) => startTime !== now.startTime || bootId !== now.bootId);
  let cases = 0;
  fc.assert(
    fc.property(earlier, ({ startTime, bootId }) => {
      cases += 1;
      expect(isAlive({ pid: now.pid, startTime, bootId })).toBe(false);
      if (startTime === now.startTime) return;
      const known = new Map([[now.pid, startTime]]);
      const tree = { known, justLeft: new Set<number>(), owner: 'nobody', branch: 'nobody/' };
      expect(finder.look({ ...tree, since: 0, spared: new Set() }).members).toEqual([]);
    }),
    { numRuns: 10_000 },
  );
  expect(cases).toBe(10_000);
  expect(isAlive(now)).toBe(true);
  // The control: under its own identity it is found and ended.
  expect(await endLeftovers({ marker: 'nobody', identities: [now] })).toMatchObject({ ended: 1 });
  expect(isAlive(now)).toBe(false);
});

test('PID reuse, 50 real ones inside a namespace: no foreign process is signalled', async () => {
  const [program, ...args] = entrances.unshare();
  const argv = [...args, process.execPath, reuse, '50'];
  const { stdout } = await promisify(execFile)(program, argv, { env: environment });
  expect(JSON.parse(stdout)).toEqual({ reused: 50, harmed: 0, endedByTheirOwn: 50 });
});
