import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { bundle } from '../test/bundle.js';
import { environment } from '../test/witness.js';

const multitude = await bundle('../../prove/programs/multitude.ts');
const room = await bundle('room.ts');
const run = promisify(execFile);

/** How many processes of an owner live; found without our own code. */
function carrying(marker: string): number {
  const isIts = (pid: string): boolean => {
    try {
      return readFileSync(`/proc/${pid}/environ`, 'utf8').includes(
        `ORCH_PROCESS_OWNER=${marker}\0`,
      );
    } catch {
      return false;
    }
  };
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name) && isIts(name)).length;
}

let grown = { live: Number.NaN, untilEnd: Number.NaN };
const MiB = 1024 * 1024;

test('2,000 live children: each is heard, all are ended together, none is left', async () => {
  const marker = `multitude-${process.pid}`;
  const child = spawn(process.execPath, [multitude, '2000', marker], {
    env: environment,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const live = JSON.parse(String((await lines.next()).value)) as { grownBytes: number };
  expect(live).toMatchObject({ live: 2000, said: 2000 });
  expect(carrying(marker)).toBe(2000);
  child.stdin.write('end\n');
  const ended = JSON.parse(String((await lines.next()).value)) as { grownUntilEndBytes: number };
  console.log(JSON.stringify({ ...live, ...ended }));
  expect(ended).toMatchObject({ cancelled: 2000, survivors: 0 });
  expect(carrying(marker)).toBe(0);
  await exited;
  grown = { live: live.grownBytes, untilEnd: ended.grownUntilEndBytes };
});

test('2,000 live children cost their owner 64 MiB of memory at most', () => {
  expect(grown.live).toBeLessThanOrEqual(64 * MiB);
});

test('to end all of them at once costs 32 MiB more at most', () => {
  expect(grown.untilEnd).toBeLessThanOrEqual(96 * MiB);
});

const limited = async (...args: string[]): Promise<{ well: number }> => {
  const argv = ['--nofile=64:64', process.execPath, room, ...args];
  return JSON.parse((await run('prlimit', argv, { env: environment })).stdout) as { well: number };
};

test('2,000 tasks, 40 at a time, under a hard limit of 64 open files: none is lost', async () => {
  const nothing = { problems: {}, left: 0, survivors: 0 };
  expect(await limited('2000', '40')).toEqual({ well: 2000, ...nothing });
});

test('control: started without waiting for room, most of them are refused', async () => {
  expect((await limited('2000', '40', 'direct')).well).toBeLessThan(1500);
});
