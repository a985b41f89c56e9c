import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { createEnding } from './ending.js';
import { createProcessTable } from './process-table.js';
import { createTreeFinder } from './tree.js';

/** This machine's process table, as this process sees it. */
export const table = createProcessTable({
  platform: process.platform,
  fs,
  runProgram: (program, args) =>
    execFileSync(program, args, {
      encoding: 'utf8',
      env: { PATH: '/bin:/usr/bin:/sbin:/usr/sbin', LC_ALL: 'C' },
    }),
});

export const finder = createTreeFinder(table);

export const ending = createEnding(table, finder, {
  kill: (pid, signal) => void process.kill(pid, signal),
  sleep: (ms) => sleep(ms),
  nowMs: () => performance.now(),
});
