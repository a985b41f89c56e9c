import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { git, makeWorld, put } from '../fixtures/world.js';

it('describeRepository() tells what is uncommitted, and where branches are checked out', async () => {
  const world = makeWorld({ 'a b': '1\n', c: '1\n', d: '1\n', '.gitignore': 'ignored\n' });
  const linked = join(world.directory, 'linked');
  git(world.root, 'worktree', 'add', '--quiet', '-b', 'other', linked);
  put(world.root, 'a b', 'staged\n');
  git(world.root, 'add', 'a b');
  put(world.root, 'c', 'changed\n');
  rmSync(join(world.root, 'd'));
  put(world.root, 'ignored', 'x');
  put(world.root, '.git/info/exclude', 'mine\n');
  put(world.root, 'mine', 'x');
  put(world.root, 'new/one', 'x');
  put(world.root, 'new/two', 'x');
  const described = await (await world.open()).describeRepository();
  expect(described).toMatchObject({
    root: world.root,
    gitDirectory: join(world.root, '.git'),
    head: { commit: world.base, branch: 'main' },
    bare: false,
    uncommitted: {
      staged: { count: 1, paths: ['a b'] },
      unstaged: { count: 2, paths: ['c', 'd'] },
      untracked: { count: 1, paths: ['new/'] },
    },
    worktrees: [
      { path: world.root, commit: world.base, branch: 'main', main: true },
      { path: linked, commit: world.base, branch: 'other', main: false },
    ],
  });
  expect(described.gitVersion).toMatch(/^\d+\.\d+/);
});

it('a detached HEAD has no branch, and at most 20 paths are listed', async () => {
  const world = makeWorld();
  git(world.root, 'checkout', '--quiet', '--detach');
  for (let at = 0; at < 25; at += 1) put(world.root, `new-${at}`, 'x');
  const { head, uncommitted } = await (await world.open()).describeRepository();
  expect(head).toEqual({ commit: world.base, branch: null });
  expect(uncommitted.untracked.count).toBe(25);
  expect(uncommitted.untracked.paths).toHaveLength(20);
});

it('a file that was only touched is not a change, and a split index can be read', async () => {
  const world = makeWorld();
  git(world.root, 'update-index', '--split-index');
  put(world.root, 'README.md', 'Hello\n');
  put(world.root, 'src/a.ts', 'other\n');
  const { uncommitted } = await (await world.open()).describeRepository();
  expect(uncommitted.unstaged.paths).toEqual(['src/a.ts']);
  expect(uncommitted.staged.count).toBe(0);
});

it('objects that the repository borrows are named, and workspaces borrow them too', async () => {
  const world = makeWorld();
  const lean = join(world.directory, 'lean');
  git(world.directory, 'clone', '--quiet', '--shared', world.root, lean);
  const workspaces = await world.open({ repository: lean });
  expect((await workspaces.describeRepository()).objectDirectories).toEqual([
    join(lean, '.git', 'objects'),
    join(world.root, '.git', 'objects'),
  ]);
  const { path } = await workspaces.prepare({
    run: 'r1',
    task: 'fix',
    attempt: 1,
    base: world.base,
    mode: 'fresh',
    hideAgentSettings: false,
  });
  expect(git(path, 'log', '--format=%s')).toBe('base');
});
