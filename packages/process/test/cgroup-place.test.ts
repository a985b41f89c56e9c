import { spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmdirSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, describe, expect, test } from 'vitest';
import { ownCgroup } from '../src/cgroup-place.js';
import { bundle } from './bundle.js';
import { environment } from './witness.js';

type Cleanup = (clean: () => void | Promise<void>) => void;

/** A user with no rights here. */
const nobody = 65534;
const program = await bundle('makes-room.ts');
chmodSync(dirname(program), 0o755);
const top = ownCgroup() ?? '';
const wordsOf = (file: string): string[] =>
  existsSync(file) ? readFileSync(file, 'utf8').trim().split(' ') : [];
/** Any controller that is in cgroups v2 here: the rule under test is the same for all. */
const [controller = ''] = wordsOf(join(top, 'cgroup.controllers'));
const given = join(top, 'cgroup.subtree_control');

/** Those below `top` must be able to have the controller before they can be asked to give it on. */
function isGiven(): boolean {
  if (controller === '' || process.getuid?.() !== 0) return false;
  if (wordsOf(given).includes(controller)) return true;
  try {
    writeFileSync(given, `+${controller}`);
  } catch {
    return false;
  }
  afterAll(() => writeFileSync(given, `-${controller}`));
  return true;
}

/** A new cgroup whose processes may have the controller; handed over to a user, as systemd does it. */
function delegated(name: string, user: number, clean: Cleanup): string {
  const directory = join(top, `orch-test-${process.pid}-${name}`);
  mkdirSync(directory);
  clean(() => {
    for (const below of ['below', 'orch-self', '.']) {
      const one = join(directory, below);
      if (existsSync(one)) rmdirSync(one);
    }
  });
  for (const file of ['.', 'cgroup.procs', 'cgroup.subtree_control', 'cgroup.threads'])
    chownSync(join(directory, file), user, user);
  return directory;
}

/** Starts a program in a cgroup as a user; ends with the test. */
function startIn(directory: string, user: number, argv: readonly string[], clean: Cleanup) {
  const rights = ['setpriv', `--reuid=${user}`, `--regid=${user}`, '--clear-groups', ...argv];
  const script = 'echo 0 >"$0/cgroup.procs" && exec "$@"';
  const child = spawn('/bin/sh', ['-c', script, directory, ...rights], {
    cwd: '/',
    env: environment,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  clean(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  return { child, lines: createInterface({ input: child.stdout })[Symbol.asyncIterator]() };
}

const processesIn = (directory: string): number[] =>
  readFileSync(join(directory, 'cgroup.procs'), 'utf8').split('\n').filter(Boolean).map(Number);

describe.runIf(isGiven())('a cgroup (v2) that we are in ourselves', () => {
  test('cannot give its controllers on: that is the rule', ({ onTestFinished }) => {
    const directory = delegated('rule', 0, onTestFinished);
    const script = `echo 0 >"$0/cgroup.procs" && echo +${controller} >"$0/cgroup.subtree_control"`;
    expect(spawnSync('/bin/sh', ['-c', script, directory]).status).not.toBe(0);
    expect(wordsOf(join(directory, 'cgroup.subtree_control'))).not.toContain(controller);
  });

  test.for([
    ['root', 0],
    ['a user to whom it was delegated', nobody],
  ] as const)('is left for one below, and then can (%s)', async ([, user], context) => {
    const directory = delegated(`user-${user}`, user, context.onTestFinished);
    const argv = [process.execPath, program, controller];
    const { child, lines } = startIn(directory, user, argv, context.onTestFinished);
    const said = JSON.parse(String((await lines.next()).value)) as unknown;
    expect(said).toEqual({ given: true, stillOurs: true });
    expect(processesIn(directory)).toEqual([]);
    expect(processesIn(join(directory, 'orch-self'))).toEqual([child.pid]);
    expect(readFileSync(join(directory, 'below', 'cgroup.controllers'), 'utf8')).toContain(
      controller,
    );
  });

  test('is not touched where others are in it', async ({ onTestFinished }) => {
    const directory = delegated('others', 0, onTestFinished);
    const other = startIn(directory, 0, ['sh', '-c', 'echo here; read line'], onTestFinished);
    await other.lines.next();
    const argv = [process.execPath, program, controller];
    const { child, lines } = startIn(directory, 0, argv, onTestFinished);
    expect(String((await lines.next()).value)).toContain(
      `is not ours alone: 1 other process(es) are in it, such as ${other.child.pid}`,
    );
    expect(processesIn(directory).sort()).toEqual([other.child.pid, child.pid].sort());
  });
});
