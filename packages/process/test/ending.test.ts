import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { createEnding } from '../src/ending.js';
import { finder, table } from '../src/system.js';
import type { Tree } from '../src/tree.js';

test('whoever leaves its group between the look and the signal is asked at the next look, not killed', async ({
  onTestFinished,
}) => {
  const child = spawn('sh', ['-c', 'trap "exit 7" TERM; echo up; while :; do sleep 0.05; done'], {
    detached: true,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const exited = once(child, 'exit');
  await once(child.stdout, 'data');
  const pid = child.pid ?? 0;
  const tree: Tree = {
    known: new Map([[pid, table.entry(pid)?.startTime ?? '']]),
    justLeft: new Set(),
    owner: undefined,
    branch: `ending-test-${process.pid}`,
    since: 0,
    spared: new Set(),
  };
  let looks = 0;
  const ending = createEnding(
    table,
    {
      ...finder,
      // As it was a moment ago, in the group that its parent had.
      async lookSoon(one) {
        const look = await finder.lookSoon(one);
        looks += 1;
        const members = look.members.map((member) => ({ ...member, group: process.pid }));
        return looks === 1 ? { ...look, members } : look;
      },
    },
    {
      kill: (target, signal) => void process.kill(target, signal),
      sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
      nowMs: () => performance.now(),
    },
  );
  expect(await ending.end(tree, 20_000)).toEqual([]);
  expect(looks).toBeGreaterThan(1);
  expect(await exited).toEqual([7, null]);
});
