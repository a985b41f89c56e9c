import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { createProcessOwner } from '@orch/process';
import { bound, compare, median } from '../../../tooling/bench/compare.js';

const env = { PATH: process.env['PATH'] ?? '/usr/bin:/bin' };
const owner = createProcessOwner({ marker: `bench-${process.pid}` });
const count = 1000;
const lags: number[] = [];

/** Runs all of them, 50 at a time. */
async function secondsOfAll(run: () => Promise<void>): Promise<number> {
  const startedAt = performance.now();
  let begun = 0;
  const worker = async (): Promise<void> => {
    while (begun < count) {
      begun += 1;
      await run();
    }
  };
  await Promise.all(Array.from({ length: 50 }, worker));
  return (performance.now() - startedAt) / 1000;
}

async function ours(): Promise<number> {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const seconds = await secondsOfAll(async () => {
    const ended = await owner.run({ argv: ['sleep', '0.1'], cwd: '/', env });
    if (ended.code !== 0 || ended.survivors.length > 0) throw new Error('sleep did not end well');
  });
  delay.disable();
  lags.push(delay.percentile(99) / 1e6);
  return seconds;
}

/** What Node itself takes for it: nothing of its output or its tree is looked at. */
function bare(): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn('sleep', ['0.1'], { cwd: '/', env, stdio: 'ignore' });
    child.once('error', reject);
    child.once('exit', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`sleep ended with ${String(code)}`));
    });
  });
}

const directory = mkdtempSync(join(tmpdir(), 'process-bench-'));
const names = Array.from({ length: count }, (_, n) => `t${n}`).join(' ');
writeFileSync(
  join(directory, 'Makefile'),
  `all: ${names}\n${names}:\n\t@sleep 0.1\n.PHONY: all ${names}\n`,
);

function make(): Promise<number> {
  const startedAt = performance.now();
  return new Promise((resolve, reject) => {
    const child = spawn('make', ['-j50', '-s'], { cwd: directory, env, stdio: 'ignore' });
    child.once('error', reject);
    child.once('exit', (code) => {
      if (code === 0) resolve((performance.now() - startedAt) / 1000);
      else reject(new Error(`make ended with ${String(code)}`));
    });
  });
}

const hasMake = spawnSync('make', ['--version'], { env }).status === 0;
if (!hasMake) console.log('make is missing: there is nothing to compare with');
await compare({
  suite: 'process',
  case: '1,000 × `sleep 0.1`, 50 at a time',
  unit: 's',
  better: 'lower',
  ours,
  peers: hasMake ? [{ name: 'make -j50', run: make, target: 1.6 }] : [],
  limit: { name: 'child_process.spawn, no streams', run: () => secondsOfAll(bare) },
  rounds: 3,
});
bound({
  suite: 'process',
  case: 'lag of the event loop meanwhile, 99th percentile',
  unit: 'ms',
  better: 'lower',
  ours: median(lags),
  bound: 20,
});
rmSync(directory, { recursive: true });
await owner.close();
