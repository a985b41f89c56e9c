import { chownSync, existsSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { commitAll, git, makeDirectory, makeWorld, open, put } from '../fixtures/world.js';

it('a directory outside of any repository is refused with the command that makes one', async () => {
  const directory = makeDirectory();
  const start = join(directory, 'a b');
  mkdirSync(start);
  await expect(
    open({ repository: start, stateDirectory: join(directory, 'state') }),
  ).rejects.toMatchObject({ code: 'ORCH_GIT_NOT_A_REPOSITORY', next: `git init '${start}'` });
  await expect(
    open({ repository: join(directory, 'absent'), stateDirectory: join(directory, 'state') }),
  ).rejects.toMatchObject({ code: 'ORCH_GIT_NOT_A_REPOSITORY' });
  expect(readdirSync(directory)).toEqual(['a b']);
});

it('a repository without commits is refused with the command that makes one', async () => {
  const directory = makeDirectory();
  git(directory, 'init', '--quiet', 'project');
  const start = join(directory, 'project');
  const attempt = open({ repository: start, stateDirectory: join(directory, 'state') });
  await expect(attempt).rejects.toMatchObject({
    code: 'ORCH_GIT_NO_COMMITS',
    next: `git -C ${start} commit --allow-empty -m 'Initial commit'`,
  });
});

it('a bare repository is refused, a worktree of it is not', async () => {
  const world = makeWorld();
  const bare = join(world.directory, 'bare.git');
  const linked = join(world.directory, 'linked');
  git(world.directory, 'clone', '--quiet', '--bare', world.root, bare);
  await expect(world.open({ repository: bare })).rejects.toMatchObject({
    code: 'ORCH_GIT_BARE',
    next: `git -C ${bare} worktree add ../worktree`,
  });
  git(bare, 'worktree', 'add', '--quiet', linked);
  const described = await (await world.open({ repository: linked })).describeRepository();
  expect(described).toMatchObject({ root: linked, commonDirectory: bare });
  expect(described.worktrees.map(({ path }) => path)).toEqual([linked]);
});

it('the start may be the root, a directory below, a linked worktree, or the git directory', async () => {
  const world = makeWorld();
  const linked = join(world.directory, 'linked');
  git(world.root, 'worktree', 'add', '--quiet', '-b', 'other', linked);
  put(linked, 'b', '2');
  const other = commitAll(linked, 'other');
  const rootOf = async (repository: string): Promise<string> =>
    (await (await world.open({ repository })).describeRepository()).root;
  expect(await rootOf(world.root)).toBe(world.root);
  expect(await rootOf(join(world.root, 'src'))).toBe(world.root);
  expect(await rootOf(join(world.root, '.git', 'refs'))).toBe(world.root);
  expect(await rootOf(linked)).toBe(linked);
  // HEAD is that of the worktree in which we were started.
  expect(await (await world.open({ repository: linked })).resolve('HEAD')).toBe(other);
  expect(await (await world.open()).resolve('HEAD')).toBe(world.base);
});

it('paths with spaces, a line end and letters beyond ASCII work from prepare to delivery', async () => {
  const world = makeWorld({ 'a b.txt': '1\n' }, 'pro ject\n"é: x');
  const workspaces = await world.open({ stateDirectory: join(world.directory, 'st ate\n:"é') });
  const at = { run: 'r1', task: 'fix', attempt: 1, base: world.base };
  const { path } = await workspaces.prepare({ ...at, mode: 'fresh', hideAgentSettings: true });
  expect(git(path, 'status', '--porcelain')).toBe('');
  put(path, 'new\nline', '2\n');
  commitAll(path, 'by the agent');
  put(path, 'a b.txt', '3\n');
  const { commit, files } = await workspaces.capture({ ...at, message: 'm', writes: undefined });
  expect(files.map((file) => file.path).sort()).toEqual(['a b.txt', 'new\nline']);
  const plan = await workspaces.planDelivery({
    run: 'r1',
    base: world.base,
    to: commit,
    delivery: { to: 'merge', branch: 'main' },
  });
  if ('refused' in plan) throw new Error(plan.refused);
  expect(await workspaces.deliver(plan)).toMatchObject({ kind: 'done' });
  expect(git(world.root, 'rev-parse', 'HEAD')).toBe(commit);
  expect(git(world.root, 'status', '--porcelain')).toBe('');
});

it('a state directory inside the repository is refused', async () => {
  const world = makeWorld();
  symlinkSync(world.root, join(world.directory, 'linked'));
  const bad = ['.orch/state', '.git/state', '.', '../linked/deep/state'];
  for (const inside of bad) {
    await expect(world.open({ stateDirectory: join(world.root, inside) })).rejects.toMatchObject({
      code: 'ORCH_WORKSPACE_STATE_DIRECTORY',
    });
  }
  // Nor is it made.
  for (const made of ['.orch', '.git/state', 'deep'])
    expect(existsSync(join(world.root, made))).toBe(false);
  await expect(world.open({ stateDirectory: 'relative' })).rejects.toMatchObject({
    code: 'ORCH_WORKSPACE_STATE_DIRECTORY',
  });
});

it.runIf(process.getuid?.() === 0)('a repository that another user owns can be used', async () => {
  const world = makeWorld();
  for (const path of ['.', '.git', '.git/config']) chownSync(join(world.root, path), 65534, 65534);
  expect(() => git(world.root, 'status')).toThrow(/dubious ownership/);
  const workspaces = await world.open();
  expect(await workspaces.resolve('HEAD')).toBe(world.base);
});

it('resolve() names the revision that is no commit', async () => {
  const workspaces = await makeWorld().open();
  await expect(workspaces.resolve('nothing')).rejects.toMatchObject({
    code: 'ORCH_GIT_UNKNOWN_REVISION',
  });
  await expect(workspaces.resolve('--all')).rejects.toMatchObject({
    code: 'ORCH_GIT_UNKNOWN_REVISION',
  });
  await expect(workspaces.tree('main')).rejects.toMatchObject({
    code: 'ORCH_GIT_UNKNOWN_REVISION',
  });
});

it('a submodule, and a repository whose git directory lies elsewhere, can be worked on', async () => {
  const world = makeWorld();
  const outer = join(world.directory, 'outer');
  git(world.directory, 'init', '--quiet', '--initial-branch=main', outer);
  git(
    outer,
    '-c',
    'protocol.file.allow=always',
    'submodule',
    '--quiet',
    'add',
    world.root,
    'inner',
  );
  const separate = join(world.directory, 'separate');
  const elsewhere = join(world.directory, 'elsewhere.git');
  git(world.directory, 'clone', '--quiet', `--separate-git-dir=${elsewhere}`, world.root, separate);
  for (const repository of [join(outer, 'inner'), separate]) {
    const workspaces = await world.open({ repository });
    const described = await workspaces.describeRepository();
    expect(described.worktrees.map(({ path }) => path)).toEqual([repository]);
    git(repository, 'checkout', '--quiet', '--detach');
    put(repository, 'new', '1\n');
    const to = commitAll(repository, 'result');
    git(repository, 'checkout', '--quiet', 'main');
    const intent = { target: 'refs/heads/main', from: world.base, to };
    expect(await workspaces.deliver(intent)).toMatchObject({ kind: 'done' });
    expect(git(repository, 'status', '--porcelain')).toBe('');
    expect(git(repository, 'rev-parse', 'HEAD')).toBe(to);
  }
  // From a linked worktree, the main one cannot be found: its branch is left alone.
  const linked = join(world.directory, 'linked');
  git(separate, 'worktree', 'add', '--quiet', '-b', 'side', linked);
  const workspaces = await world.open({ repository: linked });
  put(linked, 'more', '1\n');
  const intent = {
    target: 'refs/heads/main',
    from: git(separate, 'rev-parse', 'main'),
    to: commitAll(linked, 'more'),
  };
  expect(await workspaces.deliver(intent)).toMatchObject({ kind: 'refused' });
});
