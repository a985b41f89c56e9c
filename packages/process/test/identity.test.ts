import { execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import { once } from 'node:events';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { endLeftovers, identify, isAlive, type ProcessIdentity } from '../src/index.js';
import { createProcessTable } from '../src/process-table.js';
import { finder } from '../src/system.js';
import type { Cleanup } from './witness.js';

async function startVictim(clean: Cleanup): Promise<ProcessIdentity> {
  const child = spawn('sleep', ['1000'], { stdio: 'ignore' });
  clean(() => void child.kill('SIGKILL'));
  await once(child, 'spawn');
  const identity = child.pid === undefined ? undefined : identify(child.pid);
  if (identity === undefined) throw new Error('The victim did not start.');
  return identity;
}

/** The identity of a process that had this number before: anything else differs. */
const earlierHolder = (now: ProcessIdentity) =>
  fc
    .record({
      startTime: fc.nat().map(String),
      bootId: fc.constantFrom(now.bootId, 'another-boot'),
    })
    .map((other) => ({ pid: now.pid, ...other }))
    .filter((other) => other.startTime !== now.startTime || other.bootId !== now.bootId);

describe('a reused process number', () => {
  test('is never taken for the process that had it before', async ({ onTestFinished }) => {
    const victim = await startVictim(onTestFinished);
    fc.assert(
      fc.property(earlierHolder(victim), (earlier) => {
        expect(isAlive(earlier)).toBe(false);
        const known = new Map(
          earlier.bootId === victim.bootId ? [[earlier.pid, earlier.startTime]] : [],
        );
        expect(
          finder.look({
            known,
            justLeft: new Set(),
            owner: 'nobody',
            branch: 'nobody/',
            since: 0,
            spared: new Set(),
          }).members,
        ).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });

  test('is never signalled by endLeftovers(); control: the right identity is', async ({
    onTestFinished,
  }) => {
    const victim = await startVictim(onTestFinished);
    await fc.assert(
      fc.asyncProperty(earlierHolder(victim), async (earlier) => {
        expect(await endLeftovers({ marker: 'nobody', identities: [earlier] })).toEqual({
          ended: 0,
          survivors: [],
        });
      }),
      { numRuns: 60 },
    );
    const atBoot = { ...victim, bootId: 'another-boot' };
    expect(await endLeftovers({ marker: 'nobody', identities: [atBoot] })).toEqual({
      ended: 0,
      survivors: [],
    });
    expect(isAlive(victim)).toBe(true);
    expect(await endLeftovers({ marker: 'nobody', identities: [victim] })).toEqual({
      ended: 1,
      survivors: [],
    });
    expect(isAlive(victim)).toBe(false);
  });
});

describe('identify()', () => {
  test('knows this process, and nothing for a number that is not in use or is a zombie', async ({
    onTestFinished,
  }) => {
    expect(identify(process.pid)).toEqual({
      pid: process.pid,
      startTime: expect.stringMatching(/^\d+$/) as string,
      bootId: expect.stringMatching(/^[\da-f-]{36}$/) as string,
    });
    for (const pid of [0, -1, 1.5, NaN, 2 ** 30]) expect(identify(pid)).toBeUndefined();
    // A shell that became `sleep` does not look at its ended child.
    const parent = spawn('sh', ['-c', 'sleep 0.3 & echo $!; exec sleep 1000'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    onTestFinished(() => void parent.kill('SIGKILL'));
    const [line] = (await once(parent.stdout, 'data')) as [Buffer];
    const zombie = Number(String(line));
    while (!fs.readFileSync(`/proc/${zombie}/stat`, 'utf8').includes(') Z '))
      await new Promise((resolve) => setTimeout(resolve, 10));
    expect(identify(zombie)).toBeUndefined();
  });
});

test('the process table of macOS is read from ps: the same processes, parents and groups', () => {
  const runProgram = (program: string, args: readonly string[]) =>
    execFileSync(program, args, { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C' } });
  const table = createProcessTable({ platform: 'darwin', fs, runProgram });
  const here = createProcessTable({ platform: 'linux', fs, runProgram }).entry(process.pid);
  const { startTime, name: _name, ...entry } = table.entry(process.pid) ?? { startTime: '' };
  expect(entry).toMatchObject({
    pid: process.pid,
    parent: process.ppid,
    group: here?.group,
    alive: true,
  });
  expect(Math.abs(Date.parse(startTime) - (Date.now() - process.uptime() * 1000))).toBeLessThan(
    5000,
  );
  const { entries } = table.list(0, Infinity, (pid) => pid !== process.pid);
  expect(entries.map((one) => one.startTime)).toEqual([startTime]);
  expect(table.entry(2 ** 30)).toBeUndefined();
});
