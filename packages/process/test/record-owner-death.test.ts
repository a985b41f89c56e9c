import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test, vi } from 'vitest';
import { endLeftovers, isAlive, readRecord } from '../src/index.js';
import { shimArgv } from '../src/shim-program.js';
import { bundle } from './bundle.js';
import { killOwner, killOwnerAndReaper, startOwner } from './mortal-owner.js';
import {
  environment,
  programs,
  startWitness,
  temporaryDirectory,
  until,
  type Cleanup,
  possible,
} from './witness.js';

const program = await bundle('owner.ts');
vi.setConfig({ maxConcurrency: 12 });
const gone = { gone: true, ended: true, ticking: [] };
const lost = { state: 'lost' };
const recordIn = (clean: Cleanup) => join(temporaryDirectory(clean), 'record');

/** The shells that a shim has started, which are called as it is. */
function shellsOf(parent: number): number[] {
  return readFileSync(`/proc/${parent}/task/${parent}/children`, 'utf8')
    .split(' ')
    .filter((pid) => pid.trim() !== '')
    .map(Number)
    .filter((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('orch-shim'));
}

async function untilRecorded(directory: string): Promise<void> {
  const deadline = performance.now() + 30_000;
  while ((await readRecord(directory)).state === 'running') {
    if (performance.now() > deadline) throw new Error('The process still runs.');
    await sleep(20);
  }
}

describe.concurrent('the record of a process whose owner is killed with kill -9', () => {
  test.for([
    ['alone', killOwner],
    ['with its reaper', killOwnerAndReaper],
  ] as const)(
    'holds a result that the owner (%s) never heard of',
    async ([, kill], { onTestFinished }) => {
      const directory = recordIn(onTestFinished);
      const script = 'sleep 0.5; seq 1000; echo err >&2; exit 3';
      const owner = await startOwner(program, ['sh', '-c', script], onTestFinished, {
        RECORD: directory,
      });
      owner.child.kill('SIGSTOP');
      await until(() => !isAlive(owner.leader), 'the process to end');
      await kill(owner);
      const found = await readRecord(directory);
      expect(found).toMatchObject({ state: 'ended', reason: 'exited', code: 3, signal: null });
      if (found.state !== 'ended') return;
      expect(readFileSync(found.stdout, 'utf8').split('\n')).toHaveLength(1001);
      expect(readFileSync(found.stderr, 'utf8')).toBe('err\n');
      expect(found.durationMs).toBeGreaterThanOrEqual(400);
    },
  );

  test.for([
    ['tells of no exit of a program that was not started, because its owner died before', true],
    ['control: without the look for the owner it tells of one', false],
  ] as const)('%s', async ([, looks], { onTestFinished }) => {
    const directory = temporaryDirectory(onTestFinished);
    const argv = shimArgv({ directory, leaseMs: undefined, argv: ['sh', '-c', 'exit 3'] });
    const text = argv[2] ?? '';
    // Whoever watches for the owner's death is late, as it may be.
    const late = text.replace('kill -s KILL 0\n) &\nwatching', '/bin/sleep 1\n$&');
    const blind = late.replace("trap '' PIPE", ':').replace('|| kill -s KILL 0', '');
    expect(new Set([text, late, blind]).size).toBe(3);
    const script = looks ? late : blind;
    const shim = spawn('sh', ['-c', 'read -r go; exec "$@"', 'sh', ...argv.with(2, script)], {
      detached: true,
      stdio: ['pipe', 'pipe', 'ignore'],
      env: environment,
    });
    shim.stdout.destroy();
    await once(shim.stdout, 'close');
    shim.stdin.end('go\n');
    await once(shim, 'exit');
    const exit = join(directory, 'exit.json');
    if (looks) expect(existsSync(exit)).toBe(false);
    else expect(JSON.parse(readFileSync(exit, 'utf8'))).toMatchObject({ code: 141 });
  });

  test('is finished when the owner dies while it is being written', async ({ onTestFinished }) => {
    /** Undefined if the record stood before the program that was to stop it had a turn, as on a busy machine it may. */
    async function dieAtRecord(): Promise<string | undefined> {
      const directory = recordIn(onTestFinished);
      const argv = ['sh', join(programs, 'ends-owner.sh'), directory];
      const owner = await startOwner(program, argv, onTestFinished, { RECORD: directory });
      const exited = once(owner.child, 'exit');
      await Promise.race([exited, untilRecorded(directory)]);
      if (!existsSync(`${directory}.unfinished`)) return undefined;
      await exited;
      return directory;
    }
    let directory: string | undefined;
    for (let tries = 0; tries < 6 && directory === undefined; tries += 1)
      directory = await dieAtRecord();
    // The reaper, which kills nothing of it, asks it to end, and so lets it go on.
    await untilRecorded(directory ?? 'never caught in time');
    expect(await readRecord(directory ?? '')).toMatchObject({ state: 'ended', code: 6 });
  });

  test.for([
    ['alone', killOwner],
    ['with its reaper', killOwnerAndReaper],
  ] as const)(
    'says lost when the program still ran (the owner %s), and the program ends at once',
    async ([, kill], { onTestFinished }) => {
      const directory = recordIn(onTestFinished);
      const witness = await startWitness(onTestFinished);
      const shapes = ['plain', 'deaf', 'stopped', 'orphan', 'emptied'];
      const owner = await startOwner(program, witness.hostile('stay', ...shapes), onTestFinished, {
        RECORD: directory,
      });
      await witness.untilAlive(...shapes);
      expect(await readRecord(directory)).toEqual({ state: 'running', identity: owner.leader });
      await kill(owner);
      await until(() => !isAlive(owner.leader), 'the shim to end');
      expect(await readRecord(directory)).toEqual(lost);
      expect(await witness.judge()).toEqual(gone);
    },
  );

  test('says lost when it was guarded, and the program never saw the end of its input', async ({
    onTestFinished,
  }) => {
    const [directory, place] = [recordIn(onTestFinished), temporaryDirectory(onTestFinished)];
    const argv = ['sh', join(programs, 'heeds-input.sh'), place];
    const more = { RECORD: directory, STDIN: 'pipe', GUARD: '0' };
    const owner = await startOwner(program, argv, onTestFinished, more);
    await until(() => existsSync(join(place, 'pid.heeds')), 'the program to run');
    await killOwnerAndReaper(owner);
    await until(() => !isAlive(owner.leader), 'the shim to kill the program');
    await sleep(200);
    expect([existsSync(join(place, 'acted')), existsSync(join(place, 'asked'))]).toEqual([
      false,
      false,
    ]);
    expect(await readRecord(directory)).toEqual(lost);
  });

  test('with the reaper and the shim killed too, the tree lives on until endLeftovers()', async ({
    onTestFinished,
  }) => {
    const directory = recordIn(onTestFinished);
    const witness = await startWitness(onTestFinished);
    const shapes = possible('plain', 'setsid', 'daemon', 'deaf');
    const owner = await startOwner(program, witness.hostile('stay', ...shapes), onTestFinished, {
      RECORD: directory,
    });
    await witness.untilAlive(...shapes);
    owner.child.kill('SIGSTOP');
    const shells = shellsOf(owner.leader.pid);
    expect(shells).toHaveLength(1); // the one that watches the lifeline
    for (const pid of [owner.leader.pid, ...shells]) process.kill(pid, 'SIGKILL');
    await killOwnerAndReaper(owner);
    expect(await witness.judge(1)).toMatchObject({ gone: false, ended: false });
    expect(await readRecord(directory)).toEqual(lost);
    const { ended, survivors } = await endLeftovers({ marker: owner.marker, graceMs: 300 });
    expect(ended).toBeGreaterThanOrEqual(shapes.length);
    expect(survivors).toEqual([]);
    expect(await witness.judge()).toEqual(gone);
    expect(await readRecord(directory)).toEqual(lost);
  });
});

describe.concurrent('a lease', () => {
  test('ends the process of an owner that is stopped; without one it lives', async ({
    onTestFinished,
  }) => {
    const [leased, free] = [recordIn(onTestFinished), recordIn(onTestFinished)];
    const script = 'while :; do sleep 0.05; done';
    const start = (RECORD: string, more: object) =>
      startOwner(program, ['sh', '-c', script], onTestFinished, { RECORD, ...more });
    const [first, second] = [await start(leased, { LEASE: '1000' }), await start(free, {})];
    await sleep(3000);
    expect(isAlive(first.leader)).toBe(true); // the owner renews it
    for (const owner of [first, second]) owner.child.kill('SIGSTOP');
    await until(() => !isAlive(first.leader), 'the lease to run out');
    await sleep(1000);
    expect(isAlive(second.leader)).toBe(true);
    expect(await readRecord(leased)).toEqual(lost);
    first.child.kill('SIGCONT');
    expect(await first.next()).toBe('lost');
    await killOwner(second);
  });

  test('leaves nothing of itself behind', async ({ onTestFinished }) => {
    const RECORD = recordIn(onTestFinished);
    const owner = await startOwner(program, ['sleep', '0.7'], onTestFinished, {
      RECORD,
      LEASE: '60000',
    });
    expect(await owner.next()).toBe('exited');
    expect(await readRecord(RECORD)).toMatchObject({ state: 'ended', code: 0 });
    expect(await endLeftovers({ marker: owner.marker })).toEqual({ ended: 0, survivors: [] });
  });
});
