import { spawn } from 'node:child_process';
import { createProcessOwner } from '@orch/process';
import { compare, median } from '../../../tooling/bench/compare.js';

const env = { PATH: process.env['PATH'] ?? '/usr/bin:/bin' };
const owner = createProcessOwner({ marker: `bench-${process.pid}` });

async function ours(): Promise<void> {
  const ended = await owner.run({ argv: ['true'], cwd: '/', env });
  if (ended.code !== 0 || ended.survivors.length > 0) throw new Error('true did not end well');
}

function direct(detached: boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn('true', [], { cwd: '/', env, stdio: ['ignore', 'pipe', 'pipe'], detached });
    child.stdout.resume();
    child.stderr.resume();
    child.once('close', (code) => {
      if (code === 0) resolve();
      else reject(new Error('true did not end well'));
    });
  });
}

const starts = 10;

/** Short turns: on a busy machine only what ran in the same moment can be compared. */
async function medianMs(run: () => Promise<void>): Promise<number> {
  const times: number[] = [];
  for (let count = 0; count < starts; count += 1) {
    const startedAt = performance.now();
    await run();
    times.push(performance.now() - startedAt);
  }
  return median(times);
}

async function cpuMs(run: () => Promise<void>): Promise<number> {
  const before = process.cpuUsage();
  for (let count = 0; count < starts; count += 1) await run();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000 / starts;
}

await compare({
  suite: 'process',
  case: `start and end of \`true\`, tree and output included, median of ${starts}`,
  unit: 'ms',
  better: 'lower',
  ours: () => medianMs(ours),
  peers: [
    // In a session of its own, as ours: without one a tree cannot be ended.
    { name: 'child_process.spawn, detached', run: () => medianMs(() => direct(true)), target: 1.1 },
    { name: 'child_process.spawn', run: () => medianMs(() => direct(false)) },
  ],
  rounds: 60,
});
await compare({
  suite: 'process',
  case: 'CPU time of the owner for a start and an end of `true`',
  unit: 'ms',
  better: 'lower',
  ours: () => cpuMs(ours),
  peers: [{ name: 'child_process.spawn, detached', run: () => cpuMs(() => direct(true)) }],
  rounds: 40,
});
await owner.close();
