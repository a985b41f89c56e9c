import { spawn } from 'node:child_process';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { createProcessOwner, isAlive, probeLevels } from '../src/index.js';
import { environment, hasSetsid, possible, startWitness } from './witness.js';

// Nearly all of the time is the witnesses' silence.
vi.setConfig({ maxConcurrency: 12 });
const cwd = '/';
const levels = await probeLevels();
const owners = new Map(
  levels.all
    .filter((probe) => probe.works)
    .map(({ level, hold }) => [
      level,
      createProcessOwner({ marker: `hostile-${process.pid}-${level.replace(' ', '-')}`, hold }),
    ]),
);
const owner = createProcessOwner({ marker: `hostile-${process.pid}` });
afterAll(async () => {
  for (const one of [...owners.values(), owner]) expect(await one.close()).toEqual([]);
});

const visible = possible('plain', 'setsid', 'daemon', 'deaf', 'stopped', 'orphan', 'emptied');
const sly = possible('renamed', 'subreaper', 'closed');
/** Gone whenever it is looked for: at the level of a process group it mostly ends, but not for certain. */
const racing = ['chain'];
/** What only the kernel can hold: nothing connects it to its tree any more. */
const unseen = possible('hidden', 'renamed-daemon');
const gone = { gone: true, ended: true, ticking: [] };

test.runIf(process.platform === 'linux' && process.getuid?.() === 0)(
  'all levels work here, so that all are proved here',
  () => {
    const failing = levels.all.filter((probe) => !probe.works);
    expect(failing).toEqual([]);
    expect(levels.best.level).toBe('pid namespace');
  },
);

describe.each([...owners])('held by a %s', (level, owner) => {
  const shapes = [...visible, ...sly, ...(level === 'process group' ? [] : [...racing, ...unseen])];

  describe.concurrent.each(shapes)('a tree with a %s descendant', (shape) => {
    test('is gone after end()', async ({ onTestFinished }) => {
      const witness = await startWitness(onTestFinished);
      const started = await owner.start({
        argv: witness.hostile('stay', shape),
        cwd,
        env: environment,
        graceMs: 500,
      });
      await witness.untilAlive(shape);
      const ended = await started.end();
      expect(ended).toMatchObject({ reason: 'cancelled', survivors: [] });
      expect(await witness.judge()).toEqual(gone);
    });

    test('is gone after its leader has ended well, without waiting for it', async ({
      onTestFinished,
    }) => {
      const witness = await startWitness(onTestFinished);
      const argv = witness.hostile('leave', shape);
      const ended = await owner.run({ argv, cwd, env: environment, graceMs: 500 });
      expect(ended).toMatchObject({ reason: 'exited', code: 0, survivors: [] });
      expect(ended.stdout.text).toBe('ready\n');
      expect(await witness.judge()).toEqual(gone);
    });

    test('is gone after its signal was aborted', async ({ onTestFinished }) => {
      const witness = await startWitness(onTestFinished);
      const stop = new AbortController();
      const { ended } = await owner.start({
        argv: witness.hostile('stay', shape),
        cwd,
        env: environment,
        graceMs: 0,
        signal: stop.signal,
      });
      await witness.untilAlive(shape);
      stop.abort();
      expect(await ended).toMatchObject({ reason: 'cancelled', survivors: [] });
      expect(await witness.judge()).toEqual(gone);
    });
  });

  test('a tree with all shapes at once is gone after its time is up', async ({
    onTestFinished,
  }) => {
    const witness = await startWitness(onTestFinished);
    const argv = witness.hostile('stay', ...shapes);
    const ended = await owner.run({ argv, cwd, env: environment, wallMs: 3000, graceMs: 300 });
    expect(ended).toMatchObject({ reason: 'timed_out', survivors: [] });
    expect(await witness.judge()).toEqual(gone);
  });
});

describe.concurrent('ending', () => {
  test.runIf(hasSetsid)(
    'leaves the other trees of the same owner alone',
    async ({ onTestFinished }) => {
      const [first, second] = [
        await startWitness(onTestFinished),
        await startWitness(onTestFinished),
      ];
      const env = environment;
      const a = await owner.start({ argv: first.hostile('stay', 'setsid'), cwd, env });
      const b = await owner.start({ argv: second.hostile('stay', 'setsid', 'daemon'), cwd, env });
      await first.untilAlive('setsid');
      await second.untilAlive('setsid', 'daemon');
      await a.end();
      expect(await first.judge()).toEqual(gone);
      expect(isAlive(b.identity)).toBe(true);
      expect(await second.judge(1)).toMatchObject({ gone: false, ticking: ['daemon', 'setsid'] });
      await b.end();
      expect(await second.judge()).toEqual(gone);
    },
  );

  test.runIf(hasSetsid)(
    'control: killing the child alone leaves a setsid descendant, and the witness sees it',
    async ({ onTestFinished }) => {
      const witness = await startWitness(onTestFinished);
      const [program, ...args] = witness.hostile('stay', 'setsid');
      const child = spawn(program, args, { cwd, env: environment, stdio: 'ignore' });
      await witness.untilAlive('setsid');
      child.kill('SIGKILL');
      expect(await witness.judge(1)).toEqual({ gone: false, ended: false, ticking: ['setsid'] });
    },
  );

  for (const shape of unseen) {
    test(`control: a process group does not hold a ${shape} descendant, and the witness sees it`, async ({
      onTestFinished,
    }) => {
      const witness = await startWitness(onTestFinished);
      const argv = witness.hostile('leave', shape);
      const ended = await owner.run({ argv, cwd, env: environment });
      // It holds stdout open and yet nothing waits for it.
      expect(ended).toMatchObject({ reason: 'exited', survivors: [] });
      expect(await witness.judge(1)).toEqual({ gone: false, ended: false, ticking: [shape] });
    });
  }
});
