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

async function medianMs(run: () => Promise<void>): Promise<number> {
  const times: number[] = [];
  for (let count = 0; count < 40; count += 1) {
    const startedAt = performance.now();
    await run();
    times.push(performance.now() - startedAt);
  }
  return median(times);
}

await compare({
  suite: 'process',
  case: 'start and end of `true`, tree and output included, median of 40',
  unit: 'ms',
  better: 'lower',
  ours: () => medianMs(ours),
  peers: [
    // In a session of its own, as ours: without one a tree cannot be ended.
    { name: 'child_process.spawn, detached', run: () => medianMs(() => direct(true)), target: 1.1 },
    { name: 'child_process.spawn', run: () => medianMs(() => direct(false)) },
  ],
  rounds: 15,
});
await owner.close();
