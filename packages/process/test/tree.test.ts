import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import { expect, test } from 'vitest';
import { createProcessTable } from '../src/process-table.js';
import { createTreeFinder, type Tree } from '../src/tree.js';

/** A process that carries a token, as long as the test runs. */
function startCarrier(branch: string, clean: (end: () => void) => void): number {
  const env = { PATH: process.env['PATH'], ORCH_PROCESS_TREE: `outer/1 ${branch}` };
  const child = spawn('sleep', ['1000'], { env, stdio: 'ignore' });
  clean(() => void child.kill('SIGKILL'));
  return child.pid ?? 0;
}

test.runIf(process.platform === 'linux')(
  'trees that are looked for in one turn share one reading of the table, and each gets its own; control: one by one',
  async ({ onTestFinished }) => {
    let listings = 0;
    const readdirSync = (path: string): string[] => {
      listings += 1;
      return fs.readdirSync(path);
    };
    const table = createProcessTable({
      platform: 'linux',
      fs: Object.assign(Object.create(fs) as typeof fs, { readdirSync }),
      runProgram: () => '',
    });
    const finder = createTreeFinder(table);
    const trees = Array.from({ length: 30 }, (_, n): Tree => ({
      known: new Map(),
      justLeft: new Set(),
      owner: undefined,
      branch: `tree-test-${process.pid}/${n}`,
      since: 0,
      spared: new Set(),
    }));
    const carriers = new Map(
      trees.slice(0, 10).map((tree) => [tree, startCarrier(tree.branch, onTestFinished)] as const),
    );
    await new Promise((resolve) => setTimeout(resolve, 300)); // until they have become `sleep`
    const seen = (members: readonly { pid: number }[]) => members.map(({ pid }) => pid);

    const together = await Promise.all(trees.map((tree) => finder.lookSoon(tree)));
    // A round for each time that something else came or went meanwhile.
    expect(listings).toBeLessThanOrEqual(8);
    listings = 0;
    for (const [index, tree] of trees.entries()) {
      const expected = carriers.has(tree) ? [carriers.get(tree)] : [];
      expect(seen(together[index]?.members ?? [])).toEqual(expected);
      tree.known.clear();
      expect(seen(finder.look(tree).members)).toEqual(expected);
    }
    expect(listings).toBeGreaterThanOrEqual(30);
  },
);

test.runIf(process.platform === 'linux')(
  'what is left in a session whose leader was seen and is gone belongs to its tree; control: not to one that never saw it',
  async ({ onTestFinished }) => {
    const table = createProcessTable({ platform: 'linux', fs, runProgram: () => '' });
    const finder = createTreeFinder(table);
    // Its child carries nothing, and nobody knows it.
    const script = 'env -i /bin/sleep 1000 & echo $!; read -r line; exit';
    const leader = spawn('sh', ['-c', script], {
      detached: true,
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    const [said] = (await once(leader.stdout, 'data')) as [Buffer];
    const left = Number(String(said));
    onTestFinished(() => void process.kill(left, 'SIGKILL'));
    const pid = leader.pid ?? 0;
    const treeOf = (): Tree => ({
      known: new Map([[pid, table.entry(pid)?.startTime ?? '']]),
      justLeft: new Set(),
      owner: undefined,
      branch: `tree-test-${process.pid}/left`,
      since: 0,
      spared: new Set([left]), // seen, so that it is not known from the first look
    });
    const [tree, stranger] = [treeOf(), treeOf()];
    expect(finder.look(tree).members.map((member) => member.pid)).toEqual([pid]);
    leader.stdin.end('\n');
    await once(leader, 'exit');
    (tree.spared as Set<number>).clear();
    (stranger.spared as Set<number>).clear();
    expect(finder.look(stranger).members).toEqual([]);
    expect(finder.look(tree).members.map((member) => member.pid)).toEqual([left]);
  },
);

test.runIf(process.platform === 'linux')(
  'what is in a session whose leader is a zombie below the tree belongs to it, though nobody ever saw that leader alive; control: not once the zombie is gone',
  async ({ onTestFinished }) => {
    const table = createProcessTable({ platform: 'linux', fs, runProgram: () => '' });
    const finder = createTreeFinder(table);
    const script = `
      use POSIX; $| = 1;
      if (!fork) { POSIX::setsid(); if (my $left = fork) { print "$left\\n"; exit } %ENV = (); exec '/bin/sleep', '1000' }
      <STDIN>; wait; print "waited\\n"; sleep 1000`;
    const child = spawn('perl', ['-e', script], { stdio: ['pipe', 'pipe', 'ignore'] });
    onTestFinished(() => void child.kill('SIGKILL'));
    const pid = child.pid ?? 0;
    const left = Number(String(((await once(child.stdout, 'data')) as [Buffer])[0]));
    onTestFinished(() => void process.kill(left, 'SIGKILL'));
    const pidsOf = (): number[] => {
      const tree: Tree = {
        known: new Map([[pid, table.entry(pid)?.startTime ?? '']]),
        justLeft: new Set(),
        owner: undefined,
        branch: `tree-test-${process.pid}/zombie`,
        since: 0,
        spared: new Set(),
      };
      return finder.look(tree).members.map((member) => member.pid);
    };
    const zombie = table.entry(left)?.session ?? 0;
    await expect
      .poll(() => [table.entry(zombie)?.alive, table.entry(left)?.parent === zombie])
      .toEqual([false, false]);
    expect(pidsOf()).toEqual([pid, left]);
    child.stdin.write('\n');
    await once(child.stdout, 'data');
    expect(pidsOf()).toEqual([pid]);
  },
);
