import { readdirSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import {
  createProcessOwner,
  endLeftovers,
  identify,
  isAlive,
  probeLevels,
  ProcessError,
  type ProcessIdentity,
} from '../src/index.js';
import { createHeld } from '../src/level.js';
import { probeEntrance } from '../src/probe-levels.js';
import { bundle } from './bundle.js';
import { environment } from './witness.js';

const alive = await bundle('alive.ts');
const levels = await probeLevels();
const held = levels.all.flatMap((probe) =>
  probe.works && probe.level !== 'process group' ? [[probe.level, probe.hold] as const] : [],
);
const env = environment;
const shell = (script: string) => ({
  argv: ['sh', '-c', script] as [string, ...string[]],
  cwd: '/',
  env,
});

test('every level that does not work says why', () => {
  for (const probe of levels.all) if (!probe.works) expect(probe.problem).not.toBe('');
  expect(levels.all.map(({ level }) => level)).toEqual([
    'pid namespace',
    'cgroup',
    'process group',
  ]);
  expect(levels.all.at(-1)?.works).toBe(true);
});

test.runIf(process.platform === 'linux')(
  'a way into a namespace that takes rights from programs is refused',
  async () => {
    const rest = ['--pid', '--fork', '--kill-child=KILL', '--mount-proc'] as const;
    const user = ['--user', '--map-current-user'];
    expect(await probeEntrance(['unshare', ...user, ...rest])).toMatch(
      /user namespace|Operation not permitted|unshare failed/,
    );
    if (process.getuid?.() !== 0) return;
    const drop = ['setpriv', '--bounding-set', '-chown', '--inh-caps', '-chown'];
    const less = await probeEntrance(['unshare', ...rest, ...drop]);
    expect(less).toMatch(/lose rights \(CapEff/);
    // The same way that takes nothing away is not.
    expect(await probeEntrance(['unshare', ...rest])).toBe(
      levels.best.level === 'pid namespace' ? undefined : expect.any(String),
    );
  },
);

describe.each(held)('held by a %s', (level, hold) => {
  const owner = createProcessOwner({ marker: `level-${process.pid}-${level.slice(0, 3)}`, hold });
  afterAll(async () => {
    expect(await owner.close()).toEqual([]);
  });

  test('a program ends, speaks and listens as it does without', async () => {
    expect(owner.level).toBe(level);
    expect(await owner.run({ ...shell('cat; echo err >&2; exit 3'), input: 'in' })).toMatchObject({
      reason: 'exited',
      code: 3,
      signal: null,
      stdout: { text: 'in' },
      stderr: { text: 'err\n' },
      survivors: [],
    });
    expect(await owner.run(shell('cat; echo end'))).toMatchObject({ stdout: { text: 'end\n' } });
    expect(await owner.run({ ...shell('sleep 1000'), wallMs: 1000 })).toMatchObject({
      reason: 'timed_out',
      code: null,
      signal: 'SIGTERM',
    });
    expect(
      await owner.run({
        ...shell('trap "" TERM; while :; do sleep 0.1; done'),
        wallMs: 1000,
        graceMs: 200,
      }),
    ).toMatchObject({
      reason: 'timed_out',
      code: null,
      signal: 'SIGKILL',
    });
  });

  test('a program that cleans up when it is told to end is given the time', async () => {
    const script =
      'trap "sleep 0.3; echo clean; exit 5" TERM; echo up; while :; do sleep 0.05; done';
    const ended = await owner.run({ ...shell(script), wallMs: 400, graceMs: 10_000 });
    expect(ended).toMatchObject({ reason: 'timed_out', code: 5, stdout: { text: 'up\nclean\n' } });
  });

  test('a program that cannot be started is refused for its own reason', async () => {
    const reason = async (argv: [string], cwd = '/') =>
      owner.start({ argv, cwd, env }).then(
        () => 'started',
        (error: unknown) => (ProcessError.isInstance(error) ? error.details['reason'] : error),
      );
    expect(await reason(['no-such-program'])).toBe('ENOENT');
    expect(await reason(['/etc/passwd'])).toBe('EACCES');
    expect(await reason(['true'], '/no/such')).toBe('ENOENT');
    expect(await owner.left()).toEqual([]);
  });

  test('a variable whose name no shell can use arrives, and nothing else does', async () => {
    const strange = {
      'a-b': '1',
      'npm_config_//host/:_authToken': 'x\ny z',
      'BASH_FUNC_f%%': '() {',
    };
    const print = 'console.log(JSON.stringify(process.env))';
    const argv = [process.execPath, '-e', print] as const;
    const { stdout, code } = await owner.run({ argv, cwd: '/', env: { ...env, ...strange } });
    expect(code).toBe(0);
    const seen = JSON.parse(stdout.text) as Record<string, string>;
    expect(seen).toMatchObject(strange);
    expect(Object.keys(seen).filter((name) => name.startsWith('ORCH_CARRIED'))).toEqual([]);
  });

  test('what a program leaves may still say something until drainMs has passed', async () => {
    const late = '(trap "exit 0" TERM; sleep 0.3; echo late) & exit 0';
    expect(await owner.run({ ...shell(late), drainMs: 10_000 })).toMatchObject({
      code: 0,
      stdout: { text: 'late\n' },
    });
    expect(await owner.run({ ...shell(late.replace('0.3', '1000')), drainMs: 0 })).toMatchObject({
      code: 0,
      stdout: { text: '' },
    });
  });

  test('what is left is named, and all of it ends with the owner', async () => {
    const started = await owner.start(shell('setsid sleep 1001 & exec sleep 1002'));
    await expect
      .poll(async () => (await owner.left()).filter(({ name }) => name === 'sleep'))
      .toHaveLength(2);
    expect(await owner.endAll()).toEqual([]);
    expect(await owner.left()).toEqual([]);
    expect(isAlive(started.identity)).toBe(false);
  });
});

const namespace = held.find(([level]) => level === 'pid namespace')?.[1];
test.runIf(namespace)('in a PID namespace a program sees itself and its own alone', async () => {
  if (namespace === undefined) throw new Error('no PID namespace');
  const owner = createProcessOwner({ marker: `alone-${process.pid}`, hold: namespace });
  const { stdout } = await owner.run(shell('kill -9 -1; ls -d /proc/[0-9]* | wc -l; echo $$'));
  expect(Number(stdout.text.split('\n')[0])).toBeLessThan(6);
  expect(Number(stdout.text.split('\n')[1])).toBeLessThan(10);
  expect(await owner.close()).toEqual([]);
});

// An agent that runs a program of ours must not take a live owner outside for dead.
test.runIf(namespace)(
  'who cannot be seen from inside a PID namespace counts as alive',
  async () => {
    if (namespace === undefined) throw new Error('no PID namespace');
    const outside = identify(process.pid);
    const owner = createProcessOwner({ marker: `seen-${process.pid}`, hold: namespace });
    const argv = [process.execPath, alive, JSON.stringify(outside)] as const;
    const lines: string[] = [];
    const started = await owner.start({
      argv,
      cwd: '/',
      env,
      stdin: 'pipe',
      onStdoutLine: (line) => void lines.push(line),
    });
    await expect.poll(() => lines, { timeout: 15_000 }).toHaveLength(1);
    const { self, answers } = JSON.parse(lines[0] ?? '') as {
      self: ProcessIdentity;
      answers: boolean[];
    };
    expect(answers).toEqual([true, true, false]);
    // From outside, it lives as long as its namespace, and not as another process with its number.
    expect(isAlive(self)).toBe(true);
    await started.end();
    expect(isAlive(self)).toBe(false);
    expect(await owner.close()).toEqual([]);
  },
);

const cgroup = held.find(([level]) => level === 'cgroup')?.[1];
test.runIf(cgroup)('a cgroup is removed with its tree, and by endLeftovers()', async () => {
  if (cgroup?.level !== 'cgroup') throw new Error('no cgroup');
  const marker = `removed-${process.pid}`;
  const ours = () => readdirSync(cgroup.directory).filter((name) => name === `orch.${marker}`);
  const owner = createProcessOwner({ marker, hold: cgroup });
  await owner.run(shell('true'));
  expect(ours()).toHaveLength(1);
  expect(await owner.close()).toEqual([]);
  expect(ours()).toHaveLength(0);
  createHeld(cgroup, marker).wrap({ ...shell('true'), stdin: 'closed', branch: '' }, 'left', {
    graceMs: 1000,
    drainMs: 0,
  });
  expect(ours()).toHaveLength(1);
  expect(await endLeftovers({ marker, hold: cgroup })).toEqual({ ended: 0, survivors: [] });
  expect(ours()).toHaveLength(0);
});
