import type { createEnding as CreateEnding } from './ending.js';
import { createEnding } from './ending.js';
import type { createProcessTable as CreateProcessTable } from './process-table.js';
import { createProcessTable } from './process-table.js';
import type { createTreeFinder as CreateTreeFinder } from './tree.js';
import { createTreeFinder } from './tree.js';

interface Parts {
  readonly createProcessTable: typeof CreateProcessTable;
  readonly createTreeFinder: typeof CreateTreeFinder;
  readonly createEnding: typeof CreateEnding;
}

interface Modules {
  readonly fs: typeof import('node:fs');
  readonly childProcess: typeof import('node:child_process');
}

/**
 * The reaper: waits until its owner's end of the pipe closes, for whatever reason, and ends what is left.
 * Self-contained (no import, no outer name): only its text runs, in a process of its own.
 */
function reap({ fs, childProcess }: Modules, parts: Parts): void {
  const [marker = '', since = '0', graceMs = '2000'] = process.argv.slice(1);
  process.title = `orch-reaper ${marker}`;
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'])
    process.on(signal, () => undefined);

  const sleep = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      setTimeout(resolve, ms);
    });
  const table = parts.createProcessTable({
    platform: process.platform,
    fs,
    runProgram: (program, args) =>
      childProcess.execFileSync(program, args, {
        encoding: 'utf8',
        env: { PATH: '/bin:/usr/bin:/sbin:/usr/sbin', LC_ALL: 'C' },
      }),
  });
  const finder = parts.createTreeFinder(table);
  const ending = parts.createEnding(table, finder, {
    kill: (pid, signal) => {
      process.kill(pid, signal);
    },
    sleep,
    nowMs: () => performance.now(),
  });

  const known = new Map<number, string>();
  let text = '';
  let ownerGone = false;
  let closedInOrder = false;

  function read(): void {
    const lines = text.split('\n');
    text = lines.pop() ?? '';
    for (const line of lines) {
      const [sign, pid, ...startTime] = line.split(' ');
      if (sign === 'close') closedInOrder = true;
      else if (sign === '+') known.set(Number(pid), startTime.join(' '));
      else known.delete(Number(pid));
    }
  }

  async function endAll(): Promise<void> {
    if (ownerGone) return;
    ownerGone = true;
    const tree = {
      known,
      justLeft: new Set<number>(),
      owner: marker,
      branch: `${marker}/`,
      since: Number(since),
      spared: new Set([process.pid]),
    };
    // A child forked in the owner's last moment carries the marker only once it has become its program.
    for (let round = 0; round < 3; round += 1) {
      await ending.end(tree, Number(graceMs));
      if (closedInOrder) break;
      await sleep(100);
    }
    process.exit(finder.find(tree).length === 0 ? 0 : 1);
  }

  process.stdin.setEncoding('utf8');
  process.stdin.on('data', (chunk: string) => {
    text += chunk;
    read();
  });
  process.stdin.on('close', () => void endAll());
  process.stdin.on('error', () => void endAll());
  // The owner may be gone before it hears this.
  process.stderr.on('error', () => undefined);
  process.stderr.write('ready\n');
}

/**
 * The reaper as a program for `node -e`, made of the very functions that the owner uses. It travels as
 * text, so it works from source, from `dist` and from inside any other bundle.
 */
export function reaperProgram(): string {
  const parts = `{
  createProcessTable: ${createProcessTable.toString()},
  createTreeFinder: ${createTreeFinder.toString()},
  createEnding: ${createEnding.toString()},
}`;
  // Bundlers that keep names wrap functions in a call of __name.
  return `'use strict';
const __name = (value) => value;
(${reap.toString()})({ fs: require('node:fs'), childProcess: require('node:child_process') }, ${parts});
`;
}
