import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createProcessOwner, type Hold } from '../src/index.js';
import { groupHold } from '../src/level.js';
import { entrances, probeEntrance } from '../src/probe-levels.js';
import { environment, temporaryDirectory, until, type Cleanup } from './witness.js';

/** Whoever is not root gets no PID namespace here. `node tooling/setup/daemons.mjs` installs tmux and at. */
const isRoot = process.platform === 'linux' && process.getuid?.() === 0;
const namespaces: [string, () => Hold][] = [
  ['unshare', () => ({ level: 'pid namespace', enter: entrances.unshare() })],
  ['bubblewrap', () => ({ level: 'pid namespace', enter: entrances.bubblewrap() })],
];
const ours = isRoot ? readlinkSync('/proc/self/ns/pid') : '';
let count = 0;

/** Runs a script to its end as a tree that is held. What it says of itself comes back. */
async function runHeld(hold: Hold, script: string, env: Record<string, string>): Promise<string> {
  const owner = createProcessOwner({ marker: `daemons-${process.pid}.${(count += 1)}`, hold });
  const ended = await owner.run({
    argv: ['sh', '-c', script],
    cwd: '/',
    env,
    graceMs: 200,
  });
  expect(await owner.close()).toEqual([]);
  return ended.stdout.text + ended.stderr.text;
}

/** A tmux server of the test on a socket of its own; ended by its number. */
function startTmux(clean: Cleanup) {
  const directory = temporaryDirectory(clean);
  const env = { ...environment, TMUX_TMPDIR: directory };
  const tmux = (...args: string[]): string =>
    execFileSync('tmux', args, { env, encoding: 'utf8' }).trim();
  tmux('new-session', '-d', '-s', 'outside', 'sleep 1000');
  const server = Number(tmux('display-message', '-p', '#{pid}'));
  clean(() => {
    for (const pid of tmux('list-panes', '-a', '-F', '#{pane_pid}').split('\n'))
      process.kill(Number(pid), 'SIGKILL');
    process.kill(server, 'SIGKILL');
  });
  return { directory, env, sessions: () => tmux('list-sessions', '-F', '#{session_name}') };
}

const asksTmux = (directory: string): string =>
  [
    `tmux run-shell 'readlink /proc/self/ns/pid >${directory}/ran'`,
    `tmux new-session -d -s asked 'readlink /proc/self/ns/pid >${directory}/started; exec sleep 1000'`,
    'sleep 0.5',
  ].join('\n');
const said = (path: string): string => (existsSync(path) ? readFileSync(path, 'utf8').trim() : '');

/** The real atd, as long as the test runs; a machine has but one, so one that runs already is taken. */
async function startAtd(clean: (end: () => Promise<void>) => void): Promise<void> {
  if (said(`/proc/${said('/run/atd.pid')}/comm`) === 'atd') return;
  const atd = spawn('/usr/sbin/atd', ['-f'], { stdio: 'ignore' });
  const exited = once(atd, 'exit');
  clean(async () => {
    atd.kill('SIGTERM');
    await exited;
  });
  await until(() => said('/run/atd.pid') === String(atd.pid), 'atd to be ready');
}
const jobsFor = (path: string): string[] =>
  readdirSync('/var/spool/cron/atjobs').filter((name) =>
    said(join('/var/spool/cron/atjobs', name)).includes(path),
  );

describe.runIf(isRoot)('a daemon that runs already and is asked to start something', () => {
  describe.each(namespaces)('from a PID namespace of %s', (_, holdOf) => {
    test('tmux: starts nothing outside of the tree', async ({ onTestFinished }) => {
      const { directory, env, sessions } = startTmux(onTestFinished);
      await runHeld(holdOf(), asksTmux(directory), env);
      expect(sessions()).toBe('outside');
      // Where a server of its own did it, that was in the namespace, and ended with it.
      expect(said(join(directory, 'ran'))).not.toBe(ours);
      expect(said(join(directory, 'started'))).not.toBe(ours);
    });

    test('tmux: a server that begins later is not reached either', async ({ onTestFinished }) => {
      const directory = temporaryDirectory(onTestFinished);
      const env = { ...environment, TMUX_TMPDIR: directory };
      const owner = createProcessOwner({
        marker: `daemons-${process.pid}.${(count += 1)}`,
        hold: holdOf(),
      });
      const lines: string[] = [];
      const started = await owner.start({
        argv: ['sh', '-c', 'echo up; read -r go; tmux list-sessions 2>&1; echo asked'],
        cwd: '/',
        env,
        stdin: 'pipe',
        onStdoutLine: (line) => void lines.push(line),
      });
      await until(() => lines.length > 0, 'the tree to run');
      const tmux = (...args: string[]) => execFileSync('tmux', args, { env, encoding: 'utf8' });
      tmux('new-session', '-d', '-s', 'later', 'sleep 1000');
      const [server, pane] = [
        Number(tmux('display-message', '-p', '#{pid}')),
        Number(tmux('list-panes', '-a', '-F', '#{pane_pid}')),
      ];
      await started.write('go\n');
      await started.ended;
      process.kill(pane, 'SIGKILL');
      process.kill(server, 'SIGKILL');
      expect(lines.at(-1)).toBe('asked');
      expect(lines.join('\n')).not.toContain('later');
      expect(await owner.close()).toEqual([]);
    });

    test('screen, at and cron: their places are empty, and what is written there stays inside', async () => {
      const places = ['/run/screen', '/var/spool/cron', '/var/spool/at'].filter(existsSync);
      const name = `orch-daemons-${process.pid}`;
      const script = `for place in ${places.join(' ')}; do ls -A $place; echo x >$place/${name}; done; echo written`;
      expect(await runHeld(holdOf(), script, environment)).toBe('written\n');
      for (const place of places) expect(existsSync(join(place, name))).toBe(false);
    });

    test('at: the real atd gets no job', async ({ onTestFinished }) => {
      await startAtd(onTestFinished);
      const ran = join(temporaryDirectory(onTestFinished), 'ran');
      await runHeld(holdOf(), `echo 'echo x >${ran}' | at now; sleep 1`, environment);
      expect(jobsFor(ran)).toEqual([]);
      expect(existsSync(ran)).toBe(false);
    });
  });

  test('where a place cannot be hidden, nothing is started, and the level does not work; both say why', async ({
    onTestFinished,
  }) => {
    // Without this right nothing can be mounted.
    const cannot = ['setpriv', '--bounding-set', '-sys_admin', '--inh-caps', '-sys_admin'] as const;
    const enter = [...entrances.unshare(), ...cannot] as const;
    expect(await probeEntrance(enter)).toMatch(/\/tmp\/tmux-0, .* could not be hidden/);
    const ran = join(temporaryDirectory(onTestFinished), 'ran');
    const told = await runHeld({ level: 'pid namespace', enter }, `echo x >${ran}`, environment);
    expect(told).toContain('could not be hidden, so nothing was started');
    expect(existsSync(ran)).toBe(false);
  });

  test('control: from a process group, tmux starts it, and it stays', async ({
    onTestFinished,
  }) => {
    const { directory, env, sessions } = startTmux(onTestFinished);
    await runHeld(groupHold, asksTmux(directory), env);
    expect(sessions().split('\n').sort()).toEqual(['asked', 'outside']);
    expect(said(join(directory, 'ran'))).toBe(ours);
    expect(said(join(directory, 'started'))).toBe(ours);
  });

  test('control: from a process group, atd runs the job', async ({ onTestFinished }) => {
    await startAtd(onTestFinished);
    const ran = join(temporaryDirectory(onTestFinished), 'ran');
    await runHeld(groupHold, `echo 'echo x >${ran}' | at now; sleep 1`, environment);
    await until(() => existsSync(ran), 'atd to run the job');
  });
});
