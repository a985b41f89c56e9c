// full-at-end.mjs: ends a process with a limit while others hold all files, and lets go of them half a second later.
// Prints how it ended, what the ledger heard, and what is left.
import { closeSync, openSync } from 'node:fs';
import { createProcessOwner, probeLimits } from '../../src/index.js';

const heard: string[] = [];
const owner = createProcessOwner({
  marker: `full-${process.pid}`,
  ledger: {
    started: () => Promise.resolve(void heard.push('started')),
    ended: () => Promise.resolve(void heard.push('ended')),
  },
});
const [limit] = (await probeLimits()).filter((probe) => probe.works);
const limits = { [limit?.limit ?? 'processes']: limit?.limit === 'memoryBytes' ? 1e8 : 50 };
const started = await owner.start({
  argv: ['sleep', '1000'],
  cwd: '/',
  env: { PATH: process.env['PATH'] ?? '' },
  limits,
});
const files: number[] = [];
let isTaking = true;
function takeAll(): void {
  if (!isTaking) return;
  try {
    for (;;) files.push(openSync('/dev/null', 'r'));
  } catch {
    // None is left.
  }
  setImmediate(takeAll); // what the process lets go of at its end is taken as well
}
takeAll();
setTimeout(() => {
  isTaking = false;
  for (const file of files) closeSync(file);
}, 500);
const told = await started.end().then(
  ({ reason, limitsReached }) => ({ reason, limitsReached }),
  (error: unknown) => String(error),
);
console.log(JSON.stringify({ told, heard, survivors: await owner.close() }));
