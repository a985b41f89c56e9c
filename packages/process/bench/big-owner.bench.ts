import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { createProcessOwner } from '@orch/process';
import { bound, compare, median } from '../../../tooling/bench/compare.js';

const env = { PATH: process.env['PATH'] ?? '/usr/bin:/bin' };
const owner = createProcessOwner({ marker: `bench-${process.pid}` });
/** Touched, so that it is really there. */
const ballast: Buffer[] = [];
const grow = (megabytes: number): void => {
  while (ballast.length < megabytes) ballast.push(Buffer.alloc(1024 * 1024, 1));
};

async function ours(): Promise<void> {
  const ended = await owner.run({ argv: ['true'], cwd: '/', env });
  if (ended.code !== 0 || ended.survivors.length > 0) throw new Error('true did not end well');
}

function direct(): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn('true', [], { cwd: '/', env, stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.resume();
    child.stderr.resume();
    child.once('close', (code) => {
      if (code === 0) resolve();
      else reject(new Error('true did not end well'));
    });
  });
}

/** The least that keeps the fork out of a big process: a small one forks at each line, and answers with two. */
const forker = spawn(
  process.execPath,
  [
    '-e',
    `const { spawn } = require('node:child_process');
    process.stdin.on('data', (lines) => {
      for (let n = String(lines).split('\\n').length; n > 1; n -= 1) {
        spawn('true', [], { stdio: 'ignore' }).once('exit', () => process.stdout.write('ended\\n'));
        process.stdout.write('begun\\n');
      }
    });`,
  ],
  { cwd: '/', env, stdio: ['pipe', 'pipe', 'inherit'] },
);
const awaited = { begun: [] as (() => void)[], ended: [] as (() => void)[] };
forker.stdout.setEncoding('utf8').on('data', (lines: string) => {
  for (const line of lines.split('\n'))
    if (line === 'begun' || line === 'ended') awaited[line].shift()?.();
});

/** Resolves when it was started; `ended` later. */
async function startBare(): Promise<{ ended: Promise<void> }> {
  const ended = new Promise<void>((resolve) => awaited.ended.push(resolve));
  await new Promise<void>((resolve) => {
    awaited.begun.push(resolve);
    forker.stdin.write('start\n');
  });
  return { ended };
}

const bare = async (): Promise<void> => (await startBare()).ended;

/** Starts `count` of them, eight at a time. */
async function secondsOf(count: number, run: () => Promise<void>): Promise<number> {
  const startedAt = performance.now();
  let begun = 0;
  const worker = async (): Promise<void> => {
    while (begun < count) {
      begun += 1;
      await run();
    }
  };
  await Promise.all(Array.from({ length: 8 }, worker));
  return (performance.now() - startedAt) / 1000;
}

grow(500);
await ours(); // a big owner starts its helper at the first start
await sleep(2000);
await compare({
  suite: 'process',
  case: '200 starts of `true` in an owner of 500 MB, eight at a time',
  unit: 's',
  better: 'lower',
  ours: () => secondsOf(200, ours),
  peers: [{ name: 'child_process.spawn', run: () => secondsOf(200, direct), target: 1 / 3 }],
  limit: { name: 'a bare process that forks at each line', run: () => secondsOf(200, bare) },
  rounds: 3,
});

/**
 * How long the loop stands still at most while a program starts: the longest time between two turns of a
 * loop that does nothing else, from the call until the process is there.
 */
async function blockMs(start: () => Promise<unknown>): Promise<number> {
  let longest = 0;
  let turning = true;
  let before = performance.now();
  const turn = (): void => {
    const now = performance.now();
    longest = Math.max(longest, now - before);
    before = now;
    if (turning) setImmediate(turn);
  };
  setImmediate(turn);
  await new Promise((resolve) => setTimeout(resolve, 1));
  longest = 0;
  before = performance.now();
  await start();
  await new Promise((resolve) => setImmediate(resolve));
  turning = false;
  return longest;
}

async function medianBlockMs(
  count: number,
  start: () => Promise<{ readonly ended: Promise<unknown> }>,
): Promise<number> {
  const blocks: number[] = [];
  for (let n = 0; n < count; n += 1) {
    let started: { readonly ended: Promise<unknown> } | undefined;
    blocks.push(await blockMs(async () => (started = await start())));
    await started?.ended;
  }
  return median(blocks);
}

grow(1000);
await ours();
const block = await medianBlockMs(200, () => owner.start({ argv: ['true'], cwd: '/', env }));
const theirs = await medianBlockMs(10, () => {
  const ended = direct();
  return Promise.resolve({ ended });
});
const bareBlock = await medianBlockMs(200, startBare);
const idle = await medianBlockMs(200, async () => {
  await sleep(10);
  return { ended: Promise.resolve() };
});
console.log(
  `       child_process.spawn stops it for ${theirs.toFixed(1)} ms; a bare process that forks at each line for ` +
    `${bareBlock.toFixed(2)} ms; nothing at all, for 10 ms, for ${idle.toFixed(2)} ms`,
);
bound({
  suite: 'process',
  case: 'the event loop stands still at a start, owner of 1 GB, median of 200',
  unit: 'ms',
  better: 'lower',
  ours: block,
  bound: 0.1,
});
await owner.close();
forker.stdin.end();
