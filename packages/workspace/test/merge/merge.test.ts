import { expect, it } from 'vitest';
import {
  commitAll,
  fsck,
  git,
  makeWorld,
  put,
  read,
  refsOf,
  type World,
} from '../fixtures/world.js';

const at = '2026-03-01T10:00:00Z';

/** Commits files on top of `from` without moving a branch. */
function commitOn(world: World, from: string, files: Readonly<Record<string, string>>): string {
  git(world.root, 'checkout', '--quiet', '--detach', from);
  for (const [path, text] of Object.entries(files)) put(world.root, path, text);
  const commit = commitAll(world.root, 'change');
  git(world.root, 'checkout', '--quiet', 'main');
  return commit;
}

it('merge() gives the same commit for the same inputs, and touches neither refs nor files', async () => {
  const world = makeWorld();
  const one = commitOn(world, world.base, { a: '1\n' });
  const two = commitOn(world, world.base, { b: '2\n' });
  put(world.root, 'README.md', 'in work\n');
  const before = { refs: refsOf(world.root), status: git(world.root, 'status', '--porcelain') };
  const [first, second] = await Promise.all([world.open(), world.open()]);
  const request = { tip: one, commit: two, message: 'Merge two', at };
  const merged = await first.merge(request);
  expect(await second.merge(request)).toEqual(merged);
  if (merged.kind !== 'merged') throw new Error(merged.kind);
  expect(git(world.root, 'log', '-1', '--format=%P|%s|%an <%ae>|%cI', merged.commit)).toBe(
    `${one} ${two}|Merge two|orch <orch@localhost>|2026-03-01T10:00:00+00:00`,
  );
  expect(git(world.root, 'ls-tree', '-r', '--name-only', merged.commit)).toBe(
    'README.md\na\nb\nsrc/a.ts',
  );
  expect(await first.merge({ ...request, at: '2026-03-01T10:00:01Z' })).not.toEqual(merged);
  expect({ refs: refsOf(world.root), status: git(world.root, 'status', '--porcelain') }).toEqual(
    before,
  );
  expect(fsck(world.root)).toBe('');
});

it('merge() says what is contained already', async () => {
  const world = makeWorld();
  const workspaces = await world.open();
  const tip = commitOn(world, world.base, { a: '1\n' });
  for (const commit of [tip, world.base]) {
    expect(await workspaces.merge({ tip, commit, message: 'm', at })).toEqual({
      kind: 'contained',
      commit: tip,
    });
  }
});

it('the first-parent history shows one merge per task, also where the tip could move forward', async () => {
  const world = makeWorld();
  const workspaces = await world.open();
  let tip = world.base;
  for (const task of ['one', 'two']) {
    const step = commitOn(world, tip, { [task]: 'first\n' });
    const commit = commitOn(world, step, { [task]: 'second\n' });
    const merged = await workspaces.merge({ tip, commit, message: `Merge ${task}`, at });
    if (merged.kind !== 'merged') throw new Error(merged.kind);
    tip = merged.commit;
  }
  expect(git(world.root, 'log', '--first-parent', '--format=%s', tip)).toBe(
    'Merge two\nMerge one\nbase',
  );
});

it('a conflict names its files', async () => {
  const world = makeWorld({ 'a b\n"c': '1\n', same: '1\n', other: '1\n' });
  const workspaces = await world.open();
  const tip = commitOn(world, world.base, { 'a b\n"c': 'left\n', same: 'left\n' });
  const commit = commitOn(world, world.base, {
    'a b\n"c': 'right\n',
    same: 'right\n',
    other: '2\n',
  });
  const merged = await workspaces.merge({ tip, commit, message: 'm', at });
  if (merged.kind !== 'conflicted') throw new Error(merged.kind);
  expect([...merged.files].sort()).toEqual(['a b\n"c', 'same']);
});

it('the attributes of the tip decide, not those of the commit or of the worktree', async () => {
  const world = makeWorld({ LOG: '1\n', '.gitattributes': 'LOG merge=union\n', other: '1\n' });
  const workspaces = await world.open();
  const tip = commitOn(world, world.base, { LOG: '1\nleft\n', other: '1\nleft\n' });
  const commit = commitOn(world, world.base, { LOG: '1\nright\n' });
  const merged = await workspaces.merge({ tip, commit, message: 'm', at });
  if (merged.kind !== 'merged') throw new Error(merged.kind);
  expect(git(world.root, 'show', `${merged.commit}:LOG`)).toBe('1\nleft\nright');
  // The merged commit, and the user's uncommitted files, would have it otherwise.
  const greedy = commitOn(world, world.base, {
    other: '1\nright\n',
    '.gitattributes': 'LOG merge=union\nother merge=union\n',
  });
  put(world.root, '.gitattributes', '* merge=union\n');
  expect(read(world.root, '.gitattributes')).toBe('* merge=union\n');
  expect(await workspaces.merge({ tip, commit: greedy, message: 'm', at })).toEqual({
    kind: 'conflicted',
    files: ['other'],
  });
});

it('a date that is none is refused', async () => {
  const world = makeWorld();
  const workspaces = await world.open();
  await expect(
    workspaces.merge({ tip: world.base, commit: world.base, message: 'm', at: 'yesterday' }),
  ).rejects.toThrow(TypeError);
});
