import { existsSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { DeliveryIntent, Workspaces } from '../../src/index.js';
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

interface Result {
  readonly world: World;
  readonly workspaces: Workspaces;
  readonly to: string;
  readonly intent: DeliveryIntent;
}

/** A result that changes, deletes, adds, and swaps files and directories. */
async function makeResult(): Promise<Result> {
  const world = makeWorld({
    'README.md': 'Hello\n',
    'src/a.ts': 'one\n',
    'src/gone/b.ts': 'two\n',
    swap: 'a file\n',
    'back/file': 'a directory\n',
    'tool.sh': 'echo\n',
  });
  const workspaces = await world.open();
  const { root } = world;
  git(root, 'checkout', '--quiet', '--detach');
  put(root, 'src/a.ts', 'changed\n');
  rmSync(join(root, 'src/gone'), { recursive: true });
  rmSync(join(root, 'swap'));
  put(root, 'swap/inside', 'now a directory\n');
  rmSync(join(root, 'back'), { recursive: true });
  put(root, 'back', 'now a file\n');
  put(root, 'new/é "x"', 'new\n');
  put(root, 'tool.sh', 'echo\n', 0o755);
  symlinkSync('README.md', join(root, 'link'));
  const to = commitAll(root, 'result');
  git(root, 'checkout', '--quiet', 'main');
  return {
    world,
    workspaces,
    to,
    intent: { target: 'refs/heads/main', from: world.base, to, worktree: root },
  };
}

function expectDelivered({ world, to }: Result, root = world.root): void {
  expect(refsOf(world.root)['refs/heads/main']).toBe(to);
  expect(git(root, 'rev-parse', 'HEAD')).toBe(to);
  expect(git(root, 'status', '--porcelain')).toBe('');
  expect(existsSync(join(world.root, '.git', 'index.lock'))).toBe(false);
  expect(fsck(world.root)).toBe('');
}

it('a branch is created, and delivering again changes nothing', async () => {
  const { world, workspaces, to } = await makeResult();
  const intent = { target: 'refs/heads/orch/r1', from: null, to };
  const done = { kind: 'done', target: 'refs/heads/orch/r1', commit: to };
  expect(await workspaces.deliver(intent)).toEqual(done);
  expect(await workspaces.deliver(intent)).toEqual(done);
  expect(refsOf(world.root)['refs/heads/orch/r1']).toBe(to);
  expect(git(world.root, 'rev-parse', 'HEAD')).toBe(world.base);
});

it('a checked-out branch moves forward with its files', async () => {
  const result = await makeResult();
  const { world, workspaces, intent } = result;
  put(world.root, 'untracked', 'mine\n');
  put(world.root, '.git/info/exclude', 'untracked\n');
  expect(await workspaces.deliver(intent)).toMatchObject({ kind: 'done' });
  expectDelivered(result);
  expect(read(world.root, 'untracked')).toBe('mine\n');
  expect(existsSync(join(world.root, 'src', 'gone'))).toBe(false);
  expect(git(world.root, 'log', '-g', '-1', '--format=%gs', 'main')).toBe('orch: deliver');
  expect(await workspaces.deliver(intent)).toMatchObject({ kind: 'done' });
});

it('a branch that is checked out in a linked worktree moves there', async () => {
  const result = await makeResult();
  const { world, workspaces, intent } = result;
  const linked = join(world.directory, 'linked worktree');
  git(world.root, 'checkout', '--quiet', '-b', 'work');
  git(world.root, 'worktree', 'add', '--quiet', linked, 'main');
  put(world.root, 'README.md', 'uncommitted elsewhere\n');
  expect(await workspaces.deliver(intent)).toMatchObject({ kind: 'done' });
  expectDelivered(result, linked);
  expect(read(linked, 'src/a.ts')).toBe('changed\n');
  expect(read(world.root, 'README.md')).toBe('uncommitted elsewhere\n');
});

it('a branch that is checked out nowhere, or whose worktree is gone, moves alone', async () => {
  const { world, workspaces, intent, to } = await makeResult();
  const linked = join(world.directory, 'linked');
  git(world.root, 'checkout', '--quiet', '-b', 'work');
  git(world.root, 'worktree', 'add', '--quiet', linked, 'main');
  rmSync(linked, { recursive: true });
  const before = git(world.root, 'status', '--porcelain');
  expect(await workspaces.deliver(intent)).toMatchObject({ kind: 'done' });
  expect(refsOf(world.root)['refs/heads/main']).toBe(to);
  expect(git(world.root, 'status', '--porcelain')).toBe(before);
});

it('a branch whose locked worktree is away is refused', async () => {
  const { world, workspaces, intent } = await makeResult();
  const linked = join(world.directory, 'linked');
  git(world.root, 'checkout', '--quiet', '-b', 'work');
  git(world.root, 'worktree', 'add', '--quiet', '--lock', linked, 'main');
  rmSync(linked, { recursive: true });
  expect(await workspaces.deliver(intent)).toMatchObject({ kind: 'refused' });
  expect(refsOf(world.root)['refs/heads/main']).toBe(world.base);
});

it('a target that somebody moved since is left alone', async () => {
  const { world, workspaces, intent, to } = await makeResult();
  put(world.root, 'own', '1');
  const own = commitAll(world.root, 'own work');
  expect(await workspaces.deliver(intent)).toMatchObject({
    kind: 'refused',
    reason: expect.stringContaining(`is at ${own}`) as string,
    next: `git switch main && git merge ${to}`,
  });
  expect(refsOf(world.root)['refs/heads/main']).toBe(own);
});

it('a branch that appears in the way of a new one is a refusal, not a crash', async () => {
  const { world, workspaces, to } = await makeResult();
  git(world.root, 'branch', 'orch');
  expect(await workspaces.deliver({ target: 'refs/heads/orch/r1', from: null, to })).toMatchObject({
    kind: 'refused',
    next: `git branch orch-result-${to.slice(0, 12)} ${to}`,
  });
});

it('a worktree whose index another git process holds is refused, and its lock stays', async () => {
  const { world, workspaces, intent } = await makeResult();
  const lock = join(world.root, '.git', 'index.lock');
  writeFileSync(lock, '');
  expect(await workspaces.deliver(intent)).toMatchObject({
    kind: 'refused',
    reason: expect.stringContaining('locked the index') as string,
  });
  expect(readFileSync(lock, 'utf8')).toBe('');
  expect(read(world.root, 'src/a.ts')).toBe('one\n');
  rmSync(lock);
  expect(await workspaces.deliver(intent)).toMatchObject({ kind: 'done' });
});

it('a target that is moved while its files change is left to the one who moved it', async () => {
  const world = makeWorld();
  git(world.root, 'checkout', '--quiet', '--detach');
  put(world.root, 'src/a.ts', 'changed\n');
  const to = commitAll(world.root, 'result');
  git(world.root, 'checkout', '--quiet', 'main');
  const rival = git(
    world.root,
    'commit-tree',
    '-p',
    world.base,
    '-m',
    'rival',
    `${world.base}^{tree}`,
  );
  const workspaces = await world.open({
    onStep(step) {
      if (step === 'deliver.files') git(world.root, 'update-ref', 'refs/heads/main', rival);
    },
  });
  const intent = { target: 'refs/heads/main', from: world.base, to, worktree: world.root };
  expect(await workspaces.deliver(intent)).toMatchObject({ kind: 'refused' });
  expect(refsOf(world.root)['refs/heads/main']).toBe(rival);
  expect(git(world.root, 'status', '--porcelain')).toBe('');
  expect(read(world.root, 'src/a.ts')).toBe('one\n');
});
