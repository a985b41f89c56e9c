import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { bundle } from '../test/bundle.js';
import { environment } from '../test/witness.js';

const flood = await bundle('../../prove/programs/flood.ts');
const holders = await bundle('../../prove/programs/holders.ts');
const run = promisify(execFile);
const mebibyte = 1024 * 1024;

interface Told {
  readonly reason: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly lines: number;
  readonly wrong: number;
  readonly left: number;
  readonly grownBytes: number;
}

async function tell(script: string, captureBytes: number, ...line: string[]): Promise<Told> {
  const argv = [flood, script, String(captureBytes), ...line];
  return JSON.parse((await run(process.execPath, argv, { env: environment })).stdout) as Told;
}

/** What a program that is not ours says of the same bytes. */
async function digestOf(script: string): Promise<string> {
  const { stdout } = await run('sh', ['-c', `(${script}) | sha256sum`], { env: environment });
  return stdout.split(' ')[0] ?? '';
}

const giga = "head -c 1073741824 /dev/zero | tr '\\0' x";

test('1 GB in a single line, captured: all of it counted and hashed, 64 MiB of memory at most', async () => {
  const told = await tell(giga, mebibyte);
  expect(told).toMatchObject({ reason: 'exited', bytes: 1024 * mebibyte, left: 0 });
  expect(told.sha256).toBe(await digestOf(giga));
  expect(told.grownBytes).toBeLessThanOrEqual(64 * mebibyte);
});

test('1 GB in a single line, to a line handler: output_limit, 64 MiB of memory at most', async () => {
  const told = await tell(giga, mebibyte, 'x');
  expect(told).toMatchObject({ reason: 'output_limit', lines: 0, left: 0 });
  expect(told.grownBytes).toBeLessThanOrEqual(64 * mebibyte);
});

test('control: captured whole, the same line takes more', async () => {
  const told = await tell(giga.replace('1073741824', '268435456'), 512 * mebibyte);
  expect(told.grownBytes).toBeGreaterThan(64 * mebibyte);
});

test('10 GB of lines: each handed over whole, all of it hashed, 64 MiB of memory at most', async () => {
  const line = 'l'.repeat(9999);
  const script = `yes ${line} | head -c 10000000000`;
  const told = await tell(script, mebibyte, line);
  expect(told).toMatchObject({ bytes: 10_000_000_000, lines: 1_000_000, wrong: 0, left: 0 });
  expect(told.sha256).toBe(await digestOf(script));
  expect(told.grownBytes).toBeLessThanOrEqual(64 * mebibyte);
});

test('500,000 lines of characters of 2, 3 and 4 bytes, cut where the pipe cuts them: all whole', async () => {
  // 451 bytes with its end: no power of two, so that every place of a character is cut sooner or later.
  const line = 'é😀漢'.repeat(50);
  const told = await tell(`yes '${line}' | head -c ${451 * 500_000}`, mebibyte, line);
  expect(told).toMatchObject({ lines: 500_000, wrong: 0, bytes: 451 * 500_000 });
});

test('a grandchild that holds the pipe, 100 times: settled at most 100 ms after the exit', async () => {
  const { stdout } = await run(process.execPath, [holders, '100'], { env: environment });
  const { torn, waits } = JSON.parse(stdout) as { torn: number; waits: number[] };
  const sorted = waits.sort((a, b) => a - b);
  const [middle = 0, longest = 0] = [sorted[50], sorted.at(-1)];
  console.log(`settled after ${middle.toFixed(0)} ms, at most ${longest.toFixed(0)} ms`);
  expect({ torn, count: sorted.length }).toEqual({ torn: 0, count: 100 });
  expect(longest).toBeLessThanOrEqual(100);
});

test('control: whoever waits for the end of that pipe waits for the grandchild', async () => {
  const child = spawn('sh', ['-c', 'setsid sleep 2 & echo said'], { env: environment });
  child.stdout.resume();
  const exited = once(child, 'exit').then(() => performance.now());
  await once(child, 'close');
  expect(performance.now() - (await exited)).toBeGreaterThan(1000);
});
