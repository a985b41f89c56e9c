// blind.mjs: ends a process while another thread of this one takes every file that becomes free, the one too that the
// owner keeps for such a moment; it lets go of them a second later. Prints what was told meanwhile, and what then.
import { Worker } from 'node:worker_threads';
import { createProcessOwner, isAlive } from '../../src/index.js';
import { table } from '../../src/system.js';

const owner = createProcessOwner({ marker: `blind-${process.pid}` });
const started = await owner.start({
  argv: ['sh', '-c', 'trap "" TERM; echo up; while :; do sleep 0.1; done'],
  cwd: '/',
  env: { PATH: process.env['PATH'] ?? '' },
  graceMs: 100,
});
await new Promise((resolve) => setTimeout(resolve, 200)); // until it ignores TERM

const isTaking = new Int32Array(new SharedArrayBuffer(4));
const taker = `
const { workerData } = require('node:worker_threads');
const { closeSync, openSync } = require('node:fs');
const files = [];
while (Atomics.load(workerData, 0) === 0) {
  try {
    files.push(openSync('/dev/null', 'r'));
  } catch {
    // None is left.
  }
}
for (const file of files) closeSync(file);
`;
const worker = new Worker(taker, { eval: true, workerData: isTaking });
const stop = new Promise((resolve) => worker.once('exit', resolve));
while (table.missed() === 0) {
  isAlive(started.identity);
  await new Promise((resolve) => setImmediate(resolve));
}

const whileBlind = { isAlive: isAlive(started.identity), isToldAsEnded: false };
const ending = started.end();
void ending.then(() => (whileBlind.isToldAsEnded = true));
await new Promise((resolve) => setTimeout(resolve, 1000));
const told = { ...whileBlind };
Atomics.store(isTaking, 0, 1);
await stop;
const { reason, survivors } = await ending;
const left = (await owner.left()).length;
console.log(JSON.stringify({ whileBlind: told, reason, survivors, left }));
await owner.close();
