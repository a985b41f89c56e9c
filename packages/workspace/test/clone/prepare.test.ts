import { createHash } from 'node:crypto';
import {
  chmodSync,
  lstatSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import {
  commitAll,
  fsck,
  git,
  gitSucceeds,
  makeWorld,
  put,
  read,
  refsOf,
} from '../fixtures/world.js';

const fresh = { mode: 'fresh', hideAgentSettings: false, attempt: 1 } as const;
const keep = { mode: 'keep', hideAgentSettings: false, attempt: 2 } as const;
const digest = (file: string): string =>
  createHash('sha256').update(readFileSync(file)).digest('hex');

it('prepare() makes a private clone at the base that an agent can commit in', async () => {
  const world = makeWorld();
  put(world.root, 'README.md', 'changed by the user\n');
  put(world.root, 'untracked.txt', 'of the user\n');
  const before = git(world.root, 'status', '--porcelain');
  const workspaces = await world.open();
  const { path, rescued } = await workspaces.prepare({
    ...fresh,
    run: 'r1',
    task: 'fix',
    base: world.base,
  });
  expect(rescued).toBeUndefined();
  expect(read(path, 'README.md')).toBe('Hello\n');
  expect(read(path, 'untracked.txt')).toBeUndefined();
  expect(git(path, 'status', '--porcelain', '--branch')).toBe('## orch-task');
  expect(git(path, 'remote')).toBe('');
  expect(git(path, 'config', 'gc.auto')).toBe('0');
  put(path, 'b.txt', 'x');
  const commit = commitAll(path, 'by the agent');
  expect(fsck(path)).toBe('');
  // Nothing of it is in the user's repository, whose files are as they were.
  expect(gitSucceeds(world.root, 'cat-file', '-e', commit)).toBe(false);
  expect(git(world.root, 'status', '--porcelain')).toBe(before);
});

it('the base stays reachable while a workspace leans on it', async () => {
  const world = makeWorld();
  put(world.root, 'b', '2');
  const base = commitAll(world.root, 'soon forgotten');
  const workspaces = await world.open();
  const { path } = await workspaces.prepare({ ...fresh, run: 'r1', task: 'fix', base });
  git(world.root, 'reset', '--quiet', '--hard', world.base);
  git(world.root, 'reflog', 'expire', '--expire=now', '--all');
  git(world.root, 'gc', '--quiet', '--prune=now');
  expect(fsck(path)).toBe('');
  // Negative control: without the ref, the same collection breaks the clone.
  git(world.root, 'update-ref', '-d', 'refs/orch/bases/r1/fix');
  git(world.root, 'gc', '--quiet', '--prune=now');
  expect(gitSucceeds(path, 'fsck')).toBe(false);
});

it('twelve workspaces can be prepared at once, and the configuration is not touched', async () => {
  const world = makeWorld();
  const config = join(world.root, '.git', 'config');
  const before = digest(config);
  const workspaces = await world.open();
  const tasks = Array.from({ length: 12 }, (_, at) => `task-${at}`);
  const prepared = await Promise.all(
    tasks.map((task) => workspaces.prepare({ ...fresh, run: 'r1', task, base: world.base })),
  );
  for (const { path } of prepared) {
    expect(git(path, 'status', '--porcelain')).toBe('');
    expect(git(path, 'rev-parse', 'HEAD')).toBe(world.base);
  }
  expect(digest(config)).toBe(before);
  // Negative control: what others do for the same purpose writes the configuration, under a lock.
  git(
    world.root,
    'worktree',
    'add',
    '--quiet',
    '--track',
    '-b',
    'x',
    join(world.directory, 'x'),
    'main',
  );
  expect(digest(config)).not.toBe(before);
});

it('the path is the same for every attempt, and keep leaves the files as they are', async () => {
  const world = makeWorld();
  const workspaces = await world.open();
  const at = { run: 'r1', task: 'fix', base: world.base };
  const { path } = await workspaces.prepare({ ...fresh, ...at });
  put(path, 'half-done.txt', 'work');
  put(path, '.git/agent-note', 'mine');
  expect(await workspaces.prepare({ ...keep, ...at })).toEqual({ path });
  expect(read(path, 'half-done.txt')).toBe('work');
  expect(read(path, '.git/agent-note')).toBe('mine');
  expect(refsOf(world.root, 'refs/orch/rescue/')).toEqual({});
  const again = await workspaces.prepare({ ...fresh, ...at, attempt: 3 });
  expect(again).toEqual({ path, rescued: 'refs/orch/rescue/r1/fix/1' });
  expect(read(path, 'half-done.txt')).toBeUndefined();
  expect(git(world.root, 'show', 'refs/orch/rescue/r1/fix/1:half-done.txt')).toBe('work');
});

it('keep makes the workspace when there is none', async () => {
  const world = makeWorld();
  const workspaces = await world.open();
  const { path } = await workspaces.prepare({ ...keep, run: 'r1', task: 'fix', base: world.base });
  expect(read(path, 'README.md')).toBe('Hello\n');
});

it('fresh saves commits of all branches, the stash, a reset, and untracked files under one ref', async () => {
  const world = makeWorld();
  const workspaces = await world.open();
  const at = { run: 'r1', task: 'fix', base: world.base };
  const { path } = await workspaces.prepare({ ...fresh, ...at });
  const commit = (file: string): string => {
    put(path, file, file);
    return commitAll(path, file);
  };
  const kept: string[] = [];
  kept.push(commit('on-main'));
  git(path, 'checkout', '--quiet', '-b', 'side');
  kept.push(commit('on-side'));
  kept.push(commit('thrown-away'));
  git(path, 'reset', '--quiet', '--hard', 'HEAD~1');
  put(path, 'stashed', 'stashed');
  git(path, 'add', 'stashed');
  git(path, 'stash', '--quiet');
  kept.push(git(path, 'rev-parse', 'refs/stash'));
  git(path, 'checkout', '--quiet', '--detach', 'orch-task');
  kept.push(commit('tagged'));
  git(path, 'tag', '--annotate', '-m', 'a tag', 'v1');
  git(path, 'checkout', '--quiet', 'orch-task');
  git(path, 'pack-refs', '--all');
  put(path, 'README.md', 'edited\n');
  put(path, 'untracked', 'untracked');
  const { rescued, kept: aside } = await workspaces.prepare({ ...fresh, ...at });
  expect(rescued).toBe('refs/orch/rescue/r1/fix/1');
  expect(aside).toBeUndefined();
  for (const id of kept) {
    expect(gitSucceeds(world.root, 'merge-base', '--is-ancestor', id, rescued ?? '')).toBe(true);
  }
  expect(git(world.root, 'show', `${rescued}:README.md`)).toBe('edited');
  expect(git(world.root, 'show', `${rescued}:untracked`)).toBe('untracked');
  expect(fsck(world.root)).toBe('');
  // What a ref holds already is not saved twice.
  expect(await workspaces.prepare({ ...fresh, ...at })).toEqual({ path });
});

it.each<readonly [string, (git: string) => void]>([
  ['its index is broken', (directory) => put(directory, 'index', 'no index at all')],
  ['its configuration is broken', (directory) => put(directory, 'config', '[[[')],
  ['its HEAD is broken', (directory) => put(directory, 'HEAD', 'ref: ../../../etc/passwd')],
  ['it has no git directory any more', (directory) => rmSync(directory, { recursive: true })],
  ['its objects are gone', (directory) => rmSync(join(directory, 'objects'), { recursive: true })],
  [
    'its git directory is a link',
    (directory) => {
      renameSync(directory, `${directory}-moved`);
      symlinkSync(`${directory}-moved`, directory);
    },
  ],
])('fresh saves the files of a workspace when %s', async (_, damage) => {
  const world = makeWorld();
  const workspaces = await world.open();
  const at = { run: 'r1', task: 'fix', base: world.base };
  const { path } = await workspaces.prepare({ ...fresh, ...at });
  put(path, 'work', 'work');
  const committed = commitAll(path, 'work');
  put(path, 'more', 'more');
  damage(join(path, '.git'));
  const { rescued, kept } = await workspaces.prepare({ ...fresh, ...at });
  expect(git(world.root, 'show', `${rescued}:work`)).toBe('work');
  expect(git(world.root, 'show', `${rescued}:more`)).toBe('more');
  // The commit is under the ref too, or else its directory was kept.
  const held = gitSucceeds(world.root, 'merge-base', '--is-ancestor', committed, rescued ?? '');
  expect(held || kept !== undefined).toBe(true);
  if (kept !== undefined) expect(read(kept, 'more')).toBe('more');
  expect(git(path, 'status', '--porcelain')).toBe('');
  expect(fsck(world.root)).toBe('');
});

it('a directory that was replaced by a link is refused, and what it leads to is not touched', async () => {
  const world = makeWorld();
  const workspaces = await world.open();
  const at = { run: 'r1', task: 'fix', base: world.base };
  const { path } = await workspaces.prepare({ ...fresh, ...at });
  const precious = join(world.directory, 'precious');
  put(precious, 'letter', 'dear');
  rmSync(path, { recursive: true });
  symlinkSync(precious, path);
  for (const mode of ['fresh', 'keep'] as const) {
    await expect(workspaces.prepare({ ...fresh, ...at, mode })).rejects.toMatchObject({
      code: 'ORCH_WORKSPACE_REPLACED',
    });
  }
  await expect(
    workspaces.capture({ ...at, attempt: 1, message: 'm', writes: undefined }),
  ).rejects.toMatchObject({ code: 'ORCH_WORKSPACE_REPLACED' });
  await expect(workspaces.remove('r1', 'fix')).rejects.toMatchObject({
    code: 'ORCH_WORKSPACE_REPLACED',
  });
  expect(readdirSync(precious)).toEqual(['letter']);
});

it('directories without permissions do not keep a workspace from being made anew', async () => {
  const world = makeWorld();
  const workspaces = await world.open();
  const at = { run: 'r1', task: 'fix', base: world.base };
  const { path } = await workspaces.prepare({ ...fresh, ...at });
  put(path, 'deep/er/file', 'x');
  chmodSync(join(path, 'deep', 'er'), 0o000);
  await workspaces.prepare({ ...fresh, ...at });
  expect(() => lstatSync(join(path, 'deep'))).toThrow('ENOENT');
});

it('two processes may open the same state directory at once', async () => {
  const world = makeWorld();
  const all = await Promise.all([world.open(), world.open(), world.open(), world.open()]);
  const tasks = await Promise.all(
    all.map((workspaces, at) =>
      workspaces.prepare({ ...fresh, run: 'r1', task: `t${at}`, base: world.base }),
    ),
  );
  for (const { path } of tasks) expect(git(path, 'status', '--porcelain')).toBe('');
});

it('a shallow repository and one with SHA-256 names work', async () => {
  const world = makeWorld();
  put(world.root, 'b', '2');
  commitAll(world.root, 'second');
  const shallow = join(world.directory, 'shallow');
  git(world.directory, 'clone', '--quiet', '--depth=1', `file://${world.root}`, shallow);
  const wide = join(world.directory, 'wide');
  git(world.directory, 'init', '--quiet', '--initial-branch=main', '--object-format=sha256', wide);
  put(wide, 'a', '1');
  commitAll(wide, 'base');
  for (const repository of [shallow, wide]) {
    const workspaces = await world.open({ repository });
    const base = await workspaces.resolve('HEAD');
    const at = { run: 'r1', task: 'fix', attempt: 1, base };
    const { path } = await workspaces.prepare({ ...fresh, ...at });
    put(path, 'c', '3');
    commitAll(path, 'by the agent');
    put(path, 'd', '4');
    const result = await workspaces.capture({ ...at, message: 'm', writes: undefined });
    expect(result.files.map((file) => file.path)).toEqual(['c', 'd']);
    expect(result.notes).toEqual([]);
    const merged = await workspaces.merge({
      tip: base,
      commit: result.commit,
      message: 'm',
      at: '2026-01-01T00:00:00Z',
    });
    expect(merged.kind).toBe('merged');
    expect(fsck(repository)).toBe('');
  }
});
