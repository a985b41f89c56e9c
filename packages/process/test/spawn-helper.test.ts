import { mkdirSync, openSync, closeSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { createProcessOwner, isAlive, ProcessError } from '../src/index.js';
import { helperState, prepareHelper } from '../src/spawn-helper.js';
import { environment, startWitness, temporaryDirectory, until, possible } from './witness.js';

const owner = createProcessOwner({ marker: `helped-${process.pid}` });
afterAll(async () => {
  expect(await owner.close()).toEqual([]);
});
const shell = (script: string) => ({
  argv: ['sh', '-c', script] as [string, ...string[]],
  cwd: '/',
  env: environment,
});
const parentOf = (pid: number) => Number(readFileSync(`/proc/${pid}/stat`, 'utf8').split(' ')[3]);
const gone = { gone: true, ended: true, ticking: [] };

beforeEach(async () => {
  await prepareHelper();
  await until(() => helperState().isReady, 'the spawn helper to be ready');
});

describe('through the spawn helper', () => {
  test('a program is a child of the helper, not of the owner', async () => {
    const started = await owner.start(shell('sleep 1000'));
    expect(parentOf(started.identity.pid)).toBe(helperState().pid);
    expect(await started.end()).toMatchObject({ reason: 'cancelled', survivors: [] });
    expect(isAlive(started.identity)).toBe(false);
  });

  test('exit codes, signals, output and input are the same as without it', async () => {
    expect(await owner.run(shell('echo out; echo err >&2; exit 3'))).toMatchObject({
      reason: 'exited',
      code: 3,
      signal: null,
      stdout: { text: 'out\n' },
      stderr: { text: 'err\n' },
    });
    expect(await owner.run(shell('kill -9 $$'))).toMatchObject({ code: null, signal: 'SIGKILL' });
    const input = 'héllo\n'.repeat(300_000);
    const counted = await owner.run({ ...shell('wc -c; cat'), input });
    expect(counted.stdout.text).toBe(`${Buffer.byteLength(input)}\n`);
    expect(await owner.run(shell('cat; echo end'))).toMatchObject({ stdout: { text: 'end\n' } });
    const big = await owner.run({ ...shell('head -c 3000000 /dev/zero'), drainMs: 0 });
    expect(big.stdout.bytes).toBe(3_000_000);
    expect(
      await owner.run({ ...shell('exec <&-; echo done'), input: 'x'.repeat(3_000_000) }),
    ).toMatchObject({ code: 0, stdout: { text: 'done\n' } });
  });

  test('a conversation works line by line, and a closed stdin is noticed', async () => {
    const lines: string[] = [];
    const started = await owner.start({
      ...shell('cat'),
      stdin: 'pipe',
      onStdoutLine: (line) => void lines.push(line),
    });
    expect(await started.write('one\ntwo\n')).toBe(true);
    started.closeStdin();
    expect(await started.ended).toMatchObject({ reason: 'exited', code: 0 });
    expect(lines).toEqual(['one', 'two']);
    expect(await started.write('late')).toBe(false);
  });

  test('a program that cannot be started is refused with the same reasons', async ({
    onTestFinished,
  }) => {
    const plain = join(temporaryDirectory(onTestFinished), 'plain');
    writeFileSync(plain, 'no program');
    const env = environment;
    const reasonOf = async (argv: [string, ...string[]], cwd = '/') => {
      const error: unknown = await owner.start({ argv, cwd, env }).catch((e: unknown) => e);
      return ProcessError.isInstance(error) ? [error.code, error.details['reason']] : error;
    };
    expect(await reasonOf(['no-such-program'])).toEqual(['ORCH_PROCESS_START', 'ENOENT']);
    expect(await reasonOf(['true'], '/no/such')).toEqual(['ORCH_PROCESS_START', 'ENOENT']);
    expect(await reasonOf([plain])).toEqual(['ORCH_PROCESS_START', 'EACCES']);
    expect(await reasonOf(['true', 'x'.repeat(3_000_000)])).toEqual([
      'ORCH_PROCESS_START',
      'E2BIG',
    ]);
  });

  test('a program gets its directory, its environment, and no file of the owner or the helper', async ({
    onTestFinished,
  }) => {
    const directory = temporaryDirectory(onTestFinished);
    mkdirSync(join(directory, 'here'));
    const file = openSync(join(directory, 'secret'), 'w');
    const ended = await owner.run({
      ...shell('pwd; ls -l /proc/self/fd; env'),
      cwd: join(directory, 'here'),
      env: { ...environment, A: 'b' },
    });
    closeSync(file);
    const lines = ended.stdout.text.trim().split('\n');
    expect(lines[0]).toBe(join(directory, 'here'));
    // Its own stdout and stderr are the only sockets.
    expect(lines.filter((line) => line.includes('socket:'))).toHaveLength(2);
    expect(ended.stdout.text).not.toContain('secret');
    expect(lines).toContain('A=b');
    expect(lines).toContain(`ORCH_PROCESS_OWNER=${owner.marker}`);
  });

  test('a tree is gone after its leader has ended, and after end()', async ({ onTestFinished }) => {
    const shapes = possible('plain', 'setsid', 'daemon', 'deaf', 'stopped', 'orphan', 'emptied');
    const [first, second] = [
      await startWitness(onTestFinished),
      await startWitness(onTestFinished),
    ];
    const ended = await owner.run({
      argv: first.hostile('leave', ...shapes),
      cwd: '/',
      env: environment,
      graceMs: 300,
    });
    expect(ended).toMatchObject({ reason: 'exited', code: 0, survivors: [] });
    expect(await first.judge()).toEqual(gone);
    const argv = second.hostile('stay', ...shapes);
    const started = await owner.start({ argv, cwd: '/', env: environment, graceMs: 300 });
    await second.untilAlive(...shapes);
    expect(await started.end()).toMatchObject({ reason: 'cancelled', survivors: [] });
    expect(await second.judge()).toEqual(gone);
  });

  test('64 MB of arguments are refused soon, and hold up nobody for long', async () => {
    const argv = ['true', 'x'.repeat(64_000_000)] as [string, string];
    const refused = owner.start({ argv, cwd: '/', env: environment });
    const behind = owner.run(shell('echo behind'));
    await expect(refused).rejects.toMatchObject({ details: { reason: 'E2BIG' } });
    expect(await behind).toMatchObject({ code: 0, stdout: { text: 'behind\n' } });
  });

  test('a program starts and is seen to end although somebody stops the helper', async () => {
    const running = await owner.start(shell('sleep 0.2; echo end'));
    process.kill(helperState().pid ?? 0, 'SIGSTOP');
    expect(await owner.run(shell('echo started'))).toMatchObject({ stdout: { text: 'started\n' } });
    process.kill(helperState().pid ?? 0, 'SIGSTOP');
    expect(await running.ended).toMatchObject({ reason: 'exited', stdout: { text: 'end\n' } });
  });

  test('a burst of 60 programs starts and ends, each with its own code', async () => {
    const runs = await Promise.all(
      Array.from({ length: 60 }, (_, n) => owner.run(shell(`echo ${n}; exit ${n}`))),
    );
    expect(runs.map((ended) => `${ended.code}: ${ended.stdout.text}`)).toEqual(
      Array.from({ length: 60 }, (_, n) => `${n}: ${n}\n`),
    );
  });
});

describe('when the spawn helper is killed with kill -9', () => {
  test('what ran is ended and reported as lost, what starts meanwhile is refused or runs, and all of it is gone', async ({
    onTestFinished,
  }) => {
    const witness = await startWitness(onTestFinished);
    const argv = witness.hostile('stay', 'setsid', 'emptied');
    const tree = await owner.start({ argv, cwd: '/', env: environment, graceMs: 300 });
    await witness.untilAlive('setsid', 'emptied');
    const talker = await owner.start({ ...shell('echo said; sleep 1000'), graceMs: 300 });
    const first = helperState().pid ?? 0;
    const starts = Promise.allSettled(
      Array.from({ length: 20 }, (_, n) => owner.run(shell(`exit ${n}`))),
    );
    process.kill(first, 'SIGKILL');
    expect(await tree.ended).toMatchObject({ reason: 'lost', code: null, survivors: [] });
    expect(await talker.ended).toMatchObject({ reason: 'lost', stdout: { text: 'said\n' } });
    expect(await witness.judge()).toEqual(gone);
    for (const [n, start] of (await starts).entries()) {
      if (start.status === 'rejected')
        expect(start.reason).toMatchObject({
          code: 'ORCH_PROCESS_START',
          details: { reason: 'EHELPER' },
        });
      else if (start.value.reason === 'exited') expect(start.value.code).toBe(n);
      else expect(start.value.reason).toBe('lost');
    }
    expect(await owner.left()).toEqual([]);
    // The next start does without it or has another one.
    expect(await owner.run(shell('exit 7'))).toMatchObject({ reason: 'exited', code: 7 });
    expect(helperState().pid).not.toBe(first);
  });

  test('of a burst only few are lost: what was not yet asked for starts without it', async () => {
    const runs = Promise.allSettled(
      Array.from({ length: 60 }, (_, n) => owner.run(shell(`sleep 0.1; exit ${n}`))),
    );
    await new Promise((resolve) => setTimeout(resolve, 30));
    process.kill(helperState().pid ?? 0, 'SIGKILL');
    const all = await runs;
    const unclear = all.filter(({ status }) => status === 'rejected');
    // As many as may be asked for at once.
    expect(unclear.length).toBeLessThanOrEqual(8);
    const right = all.filter((run, n) => run.status === 'fulfilled' && run.value.code === n);
    const lost = all.filter((run) => run.status === 'fulfilled' && run.value.reason === 'lost');
    expect(right.length + lost.length + unclear.length).toBe(60);
    expect(await owner.left()).toEqual([]);
  });

  test('another one is started', async () => {
    const first = helperState().pid ?? 0;
    const waiting = await owner.start(shell('sleep 1000'));
    process.kill(first, 'SIGKILL');
    expect((await waiting.ended).reason).toBe('lost');
    await prepareHelper();
    await until(() => helperState().isReady, 'another helper');
    expect(helperState().pid).not.toBe(first);
    const started = await owner.start({ ...shell('read line; exit 5'), stdin: 'pipe' });
    expect(parentOf(started.identity.pid)).toBe(helperState().pid);
    await started.write('go\n');
    expect(await started.ended).toMatchObject({ reason: 'exited', code: 5 });
  });
});
