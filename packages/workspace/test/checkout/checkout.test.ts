import { rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { commitAll, git, makeWorld, put, read } from '../fixtures/world.js';

const at = { run: 'r1', name: 'fix.gate' };

it('checkout() shows exactly the commit, under the same path each time', async () => {
  const world = makeWorld();
  const workspaces = await world.open();
  put(world.root, 'src/a.ts', 'two\n');
  rmSync(join(world.root, 'README.md'));
  put(world.root, 'b/c', 'x');
  const second = commitAll(world.root, 'second');
  const { path, restored } = await workspaces.checkout({ ...at, commit: world.base });
  expect(restored).toEqual([]);
  expect(git(path, 'rev-parse', 'HEAD')).toBe(world.base);
  expect(await workspaces.checkout({ ...at, commit: second })).toEqual({ path, restored: [] });
  expect(read(path, 'src/a.ts')).toBe('two\n');
  expect(read(path, 'README.md')).toBeUndefined();
  expect(git(path, 'status', '--porcelain')).toBe('');
  await workspaces.checkout({ ...at, commit: world.base });
  expect(read(path, 'b/c')).toBeUndefined();
  expect(git(path, 'rev-parse', 'HEAD')).toBe(world.base);
  expect(git(path, 'status', '--porcelain')).toBe('');
});

it('what a gate left is gone, except for ignored files', async () => {
  const world = makeWorld({ '.gitignore': 'node_modules/\n', 'a.txt': '1\n', 'dir/b.txt': '2\n' });
  const workspaces = await world.open();
  const { path } = await workspaces.checkout({ ...at, commit: world.base });
  put(path, 'node_modules/p/index.js', 'kept');
  put(path, 'a.txt', 'changed by the gate\n');
  put(path, 'left/over', 'x');
  put(path, 'nested/file', 'x');
  git(join(path, 'nested'), 'init', '--quiet');
  rmSync(join(path, 'dir'), { recursive: true });
  symlinkSync('/etc', join(path, 'dir'));
  put(path, '.git/index', 'broken');
  await workspaces.checkout({ ...at, commit: world.base });
  expect(read(path, 'node_modules/p/index.js')).toBe('kept');
  expect(read(path, 'a.txt')).toBe('1\n');
  expect(read(path, 'dir/b.txt')).toBe('2\n');
  expect(read(path, 'left/over')).toBeUndefined();
  expect(read(path, 'nested/file')).toBeUndefined();
  expect(git(path, 'status', '--porcelain')).toBe('');
});

it('protected files are as in the base: changed, deleted and added ones', async () => {
  const world = makeWorld({
    'src/a.ts': 'code\n',
    'src/a.test.ts': 'strict\n',
    'src/b.test.ts': 'strict\n',
    'test/deep/c.test.ts': 'strict\n',
    'vitest.config.ts': 'config\n',
  });
  const workspaces = await world.open();
  put(world.root, 'src/a.ts', 'better code\n');
  put(world.root, 'src/a.test.ts', 'lax\n');
  rmSync(join(world.root, 'src/b.test.ts'));
  put(world.root, 'src/new.test.ts', 'always green\n');
  // The directory of protected tests becomes a link to other ones.
  rmSync(join(world.root, 'test'), { recursive: true });
  put(world.root, 'fake/deep/c.test.ts', 'lax\n');
  symlinkSync('fake', join(world.root, 'test'));
  const commit = commitAll(world.root, 'cheating');
  const { path, restored } = await workspaces.checkout({
    ...at,
    commit,
    protect: { base: world.base, globs: ['**/*.test.ts', 'vitest.config.ts'] },
  });
  expect([...restored].sort()).toEqual([
    'fake/deep/c.test.ts',
    'src/a.test.ts',
    'src/b.test.ts',
    'src/new.test.ts',
    'test/deep/c.test.ts',
  ]);
  expect(read(path, 'src/a.ts')).toBe('better code\n');
  expect(read(path, 'src/a.test.ts')).toBe('strict\n');
  expect(read(path, 'src/b.test.ts')).toBe('strict\n');
  expect(read(path, 'src/new.test.ts')).toBeUndefined();
  expect(read(path, 'test/deep/c.test.ts')).toBe('strict\n');
  expect(read(path, 'fake/deep/c.test.ts')).toBeUndefined();
  // Negative control: without protection the cheat is there.
  await workspaces.checkout({ ...at, commit });
  expect(read(path, 'src/a.test.ts')).toBe('lax\n');
  expect(read(path, 'test/deep/c.test.ts')).toBe('lax\n');
});

it('a protected directory that the commit replaced by a file comes back', async () => {
  const world = makeWorld({ 'test/a': '1\n', b: '2\n' });
  const workspaces = await world.open();
  rmSync(join(world.root, 'test'), { recursive: true });
  put(world.root, 'test', 'a file\n');
  const commit = commitAll(world.root, 'replaced');
  const { path } = await workspaces.checkout({
    ...at,
    commit,
    protect: { base: world.base, globs: ['test/**'] },
  });
  expect(read(path, 'test/a')).toBe('1\n');
});

it('checkouts of several names can be made at once', async () => {
  const world = makeWorld();
  const workspaces = await world.open();
  const made = await Promise.all(
    ['a', 'b', 'a', 'b.gate'].map((name) =>
      workspaces.checkout({ run: 'r1', name, commit: world.base }),
    ),
  );
  for (const { path } of made) expect(git(path, 'status', '--porcelain')).toBe('');
  expect(new Set(made.map(({ path }) => path)).size).toBe(3);
});
