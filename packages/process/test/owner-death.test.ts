import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test, vi } from 'vitest';
import { createProcessOwner, endLeftovers, isAlive, probeLevels } from '../src/index.js';
import { bundle } from './bundle.js';
import { killOwner, killOwnerAndReaper, reaperOf, startOwner } from './mortal-owner.js';
import {
  environment,
  hasSetsid,
  possible,
  programs,
  startWitness,
  temporaryDirectory,
  until,
} from './witness.js';

const plain = await bundle('owner.ts');
const minified = await bundle('owner.ts', { minify: true });
const renamed = await bundle('owner.ts', { keepNames: true });
const unusable = await bundle('owner.ts', { minify: true, keepNames: true });
// Nearly all of the time is the witnesses' silence.
vi.setConfig({ maxConcurrency: 12 });
const gone = { gone: true, ended: true, ticking: [] };
const unseen = ['hidden', 'renamed-daemon'];
const holds = (await probeLevels()).all.flatMap((probe) => (probe.works ? [probe.hold] : []));
const working = holds.map(({ level }) => level);
const shapes = possible('plain', 'setsid', 'daemon', 'deaf', 'stopped', 'orphan', 'emptied');

test('start() refuses when a bundler broke the reaper, instead of going without one', () => {
  const run = spawnSync(process.execPath, [unusable, 'broken', 'true'], { encoding: 'utf8' });
  expect(run.status).toBe(1);
  expect(run.stderr).toContain('ORCH_PROCESS_START');
  expect(run.stderr).toContain('keep it external');
});

describe.concurrent('when the owner is killed with kill -9', () => {
  test.for([
    ['as a bundle', plain],
    ['as a minified bundle', minified],
    ['as a bundle that keeps names', renamed],
  ] as const)(
    'the reaper ends every shape of tree (%s)',
    async ([, program], { onTestFinished }) => {
      const witness = await startWitness(onTestFinished);
      const owner = await startOwner(program, witness.hostile('stay', ...shapes), onTestFinished);
      await witness.untilAlive(...shapes);
      await killOwner(owner);
      expect(await witness.judge()).toEqual(gone);
    },
  );

  test('the reaper ends what has just been started, before it could hear of it', async ({
    onTestFinished,
  }) => {
    const witness = await startWitness(onTestFinished);
    const owner = await startOwner(plain, witness.hostile('stay', 'setsid'), onTestFinished);
    await killOwner(owner);
    expect(await witness.judge()).toMatchObject({ gone: true });
  });

  test('a reaper that was killed before is replaced, and the new one does the work', async ({
    onTestFinished,
  }) => {
    const witness = await startWitness(onTestFinished);
    const owner = await startOwner(
      plain,
      witness.hostile('stay', 'setsid', 'emptied'),
      onTestFinished,
    );
    await witness.untilAlive('setsid', 'emptied');
    await until(() => reaperOf(owner.child.pid) !== undefined, 'the reaper to start');
    const first = reaperOf(owner.child.pid) ?? 0;
    process.kill(first, 'SIGKILL');
    await until(() => ![undefined, first].includes(reaperOf(owner.child.pid)), 'another reaper');
    await killOwner(owner);
    expect(await witness.judge()).toEqual(gone);
  });

  test('control: with the reaper killed too the tree lives on, and endLeftovers() ends it by marker', async ({
    onTestFinished,
  }) => {
    const witness = await startWitness(onTestFinished);
    const owner = await startOwner(plain, witness.hostile('stay', ...shapes), onTestFinished);
    await witness.untilAlive(...shapes);
    await killOwnerAndReaper(owner);
    expect(await witness.judge(1)).toMatchObject({ gone: false, ended: false });
    expect(isAlive(owner.leader)).toBe(true);

    const { ended, survivors } = await endLeftovers({ marker: owner.marker, graceMs: 300 });
    expect(ended).toBeGreaterThanOrEqual(shapes.length + 1);
    expect(survivors).toEqual([]);
    expect(await witness.judge()).toEqual(gone);
    expect(await endLeftovers({ marker: owner.marker })).toEqual({ ended: 0, survivors: [] });
  });

  const levels = working.filter((level) => level !== 'process group');
  test.for(levels)(
    'a %s and what is in it ends with every shape of tree',
    async (level, { onTestFinished }) => {
      const witness = await startWitness(onTestFinished);
      const argv = witness.hostile('stay', ...shapes, ...unseen);
      const owner = await startOwner(plain, argv, onTestFinished, { LEVEL: level });
      await witness.untilAlive(...shapes, ...unseen);
      await killOwner(owner);
      expect(await witness.judge()).toEqual(gone);
      // The next owner finds nothing to end, and takes the empty cgroup away.
      const { marker } = owner;
      for (const hold of holds)
        expect(await endLeftovers({ marker, hold })).toEqual({ ended: 0, survivors: [] });
    },
  );

  test.runIf(levels.includes('pid namespace'))(
    'and its reaper with it, the kernel itself ends what is in a PID namespace',
    async ({ onTestFinished }) => {
      const witness = await startWitness(onTestFinished);
      const argv = witness.hostile('stay', ...shapes, ...unseen);
      const owner = await startOwner(plain, argv, onTestFinished, {
        LEVEL: 'pid namespace',
      });
      await witness.untilAlive(...shapes, ...unseen);
      await killOwnerAndReaper(owner);
      expect(await witness.judge()).toEqual(gone);
    },
  );

  test('the reaper kills what was started at once, and asks nobody to end', async ({
    onTestFinished,
  }) => {
    const directory = temporaryDirectory(onTestFinished);
    const argv = ['sh', join(programs, 'heeds-input.sh'), directory];
    const owner = await startOwner(plain, argv, onTestFinished);
    await until(() => existsSync(join(directory, 'acted')), 'the program to run');
    await killOwner(owner);
    await until(() => !isAlive(owner.leader), 'the program to end');
    expect(existsSync(join(directory, 'asked'))).toBe(false);
  });

  // The reaper is stopped meanwhile, so that nothing but the guard can be quicker than the program.
  test.for([
    ['guarded, it never sees the end of its input', { GUARD: '0' }, false],
    ['control: without a guard it does, and acts', {}, true],
  ] as const)('a program that heeds its input: %s', async ([, guard, acts], { onTestFinished }) => {
    const directory = temporaryDirectory(onTestFinished);
    const argv = ['sh', join(programs, 'heeds-input.sh'), directory];
    const more = { STDIN: 'pipe', ...guard };
    const owner = await startOwner(plain, argv, onTestFinished, more);
    await until(() => existsSync(join(directory, 'pid.heeds')), 'the program to run');
    await until(() => reaperOf(owner.child.pid) !== undefined, 'the reaper to start');
    const reaper = reaperOf(owner.child.pid) ?? 0;
    process.kill(reaper, 'SIGSTOP');
    await killOwner(owner);
    if (acts) await until(() => existsSync(join(directory, 'acted')), 'the program to act');
    else await until(() => !isAlive(owner.leader), 'the guard to kill the program');
    process.kill(reaper, 'SIGCONT');
    await until(() => !isAlive(owner.leader), 'the program to end');
    expect(existsSync(join(directory, 'acted'))).toBe(acts);
  });

  test.for([
    ['has so long to write down what it knows', '5000', true],
    ['control: with no time for it, does not', '0', false],
  ] as const)('a guarded program %s', async ([, guard, writes], { onTestFinished }) => {
    const directory = temporaryDirectory(onTestFinished);
    const argv = ['sh', join(programs, 'writes-late.sh'), directory];
    const more = { STDIN: 'pipe', GUARD: guard };
    const owner = await startOwner(plain, argv, onTestFinished, more);
    await until(() => existsSync(join(directory, 'runs')), 'the program to run');
    await killOwner(owner);
    if (writes) await sleep(200);
    else await until(() => !isAlive(owner.leader), 'the guard to kill the program');
    writeFileSync(join(directory, 'now'), '');
    await until(() => !isAlive(owner.leader), 'the program to end');
    expect(existsSync(join(directory, 'written'))).toBe(writes);
    expect(existsSync(join(directory, 'acted'))).toBe(false);
  });

  test.runIf(hasSetsid)(
    'endLeftovers() ends by recorded identity what carries another marker, and spares the exceptions',
    async ({ onTestFinished }) => {
      const [first, second] = [
        await startWitness(onTestFinished),
        await startWitness(onTestFinished),
      ];
      const a = await startOwner(plain, first.hostile('stay', 'plain', 'emptied'), onTestFinished);
      const b = await startOwner(
        plain,
        second.hostile('stay', 'setsid', 'emptied'),
        onTestFinished,
      );
      await first.untilAlive('plain', 'emptied');
      await second.untilAlive('setsid', 'emptied');
      await killOwnerAndReaper(a);
      await killOwnerAndReaper(b);
      const identities = [a.leader, b.leader];
      await endLeftovers({ marker: 'another', identities, except: [b.leader] });
      expect(await first.judge()).toEqual(gone);
      expect(await second.judge(1)).toMatchObject({ gone: false, ticking: ['emptied', 'setsid'] });
      await endLeftovers({ marker: 'another', identities });
      expect(await second.judge()).toEqual(gone);
    },
  );

  test('an owner inside the tree of another owner takes its own trees with it', async ({
    onTestFinished,
  }) => {
    const witness = await startWitness(onTestFinished);
    const outer = createProcessOwner({ marker: `outer-${process.pid}` });
    onTestFinished(() => void outer.close());
    const started = await outer.start({
      argv: [
        process.execPath,
        plain,
        `inner-${process.pid}`,
        ...witness.hostile('stay', 'daemon', 'deaf'),
      ],
      cwd: '/',
      env: environment,
    });
    await witness.untilAlive('daemon', 'deaf');
    const reaper = reaperOf(started.identity.pid);
    expect(await started.end()).toMatchObject({ reason: 'cancelled', survivors: [] });
    expect(await witness.judge()).toEqual(gone);
    expect(() => execFileSync('kill', ['-0', String(reaper)], { stdio: 'ignore' })).toThrow();
  });
});
