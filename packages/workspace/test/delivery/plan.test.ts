import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { Delivery, DeliveryIntent, RefusedPlan, Workspaces } from '../../src/index.js';
import {
  commitAll,
  git,
  makeWorld,
  put,
  read,
  refsOf,
  userEnvironment,
  type World,
} from '../fixtures/world.js';

interface Result {
  readonly world: World;
  readonly workspaces: Workspaces;
  /** A result of run r1 on top of the base. */
  readonly to: string;
  readonly plan: (delivery: Delivery, base?: string) => Promise<DeliveryIntent | RefusedPlan>;
}

async function makeResult(
  files: Readonly<Record<string, string>> = { new: '1\n' },
  before?: Readonly<Record<string, string>>,
): Promise<Result> {
  const world = makeWorld(before);
  const workspaces = await world.open();
  git(world.root, 'checkout', '--quiet', '--detach');
  for (const [path, text] of Object.entries(files)) put(world.root, path, text);
  const to = commitAll(world.root, 'result');
  git(world.root, 'checkout', '--quiet', 'main');
  await workspaces.integrate({ run: 'r1', from: null, to });
  return {
    world,
    workspaces,
    to,
    plan: (delivery, base = world.base) =>
      workspaces.planDelivery({ run: 'r1', base, to, delivery }),
  };
}

const toMain = { to: 'merge', branch: 'main' } as const;
const merge = 'refs/orch/integration/r1';

it('a branch of its own is the usual delivery, from a detached HEAD too', async () => {
  const { world, plan, to } = await makeResult();
  git(world.root, 'checkout', '--quiet', '--detach');
  expect(await plan({ to: 'branch' })).toEqual({ target: 'refs/heads/orch/r1', from: null, to });
  expect(await plan({ to: 'branch', branch: 'feature/x' })).toMatchObject({
    target: 'refs/heads/feature/x',
  });
});

it('a branch named orch gives the delivery another name, and the note says so', async () => {
  const { world, plan, to } = await makeResult();
  git(world.root, 'branch', 'orch');
  expect(await plan({ to: 'branch' })).toEqual({
    target: 'refs/heads/orch-r1',
    from: null,
    to,
    note: 'The branch is orch-r1, because orch/r1 cannot exist beside the branch orch.',
  });
  // A name that was asked for is not changed.
  expect(await plan({ to: 'branch', branch: 'orch/mine' })).toMatchObject({
    refused: 'the branch orch/mine cannot exist beside the branch orch',
  });
});

it.each(['-x', 'a..b', 'a b', 'x.lock', ''])(
  '%j is refused as the name of a branch',
  async (name) => {
    const { plan } = await makeResult();
    expect(await plan({ to: 'branch', branch: name })).toMatchObject({
      next: `git branch orch-result-r1 ${merge}`,
    });
  },
);

it('a branch that exists moves forward only', async () => {
  const { world, plan, to } = await makeResult();
  git(world.root, 'branch', 'feature');
  expect(await plan({ to: 'branch', branch: 'feature' })).toMatchObject({ from: world.base, to });
  git(world.root, 'checkout', '--quiet', 'feature');
  put(world.root, 'own', '1');
  const own = commitAll(world.root, 'own work');
  expect(await plan({ to: 'branch', branch: 'feature' })).toEqual({
    refused: `feature has moved to ${own}, which the result does not contain`,
    next: `git branch orch-result-r1 ${merge}`,
  });
  git(world.root, 'branch', '--force', 'feature2', to);
  expect(await plan({ to: 'branch', branch: 'feature2' })).toMatchObject({ from: to, to });
});

it('merge: the branch must exist and be where the run started', async () => {
  const { world, plan, to } = await makeResult();
  expect(await plan(toMain)).toEqual({
    target: 'refs/heads/main',
    from: world.base,
    to,
    worktree: world.root,
  });
  expect(await plan({ to: 'merge', branch: 'absent' })).toEqual({
    refused: 'there is no branch absent to merge into',
    next: `git branch absent ${merge}`,
  });
  git(world.root, 'checkout', '--quiet', '-b', 'elsewhere');
  expect(await plan(toMain)).toEqual({ target: 'refs/heads/main', from: world.base, to });
  expect(await plan(toMain, to)).toMatchObject({
    refused: `main is at ${world.base}, and the run started from ${to}`,
    next: `git switch main && git merge ${merge}`,
  });
});

it('merge: a target that moved is refused with the one command', async () => {
  const { world, plan } = await makeResult();
  put(world.root, 'own', '1');
  const own = commitAll(world.root, 'own work');
  expect(await plan(toMain)).toEqual({
    refused: `main has moved to ${own}, which the result does not contain`,
    next: `git -C ${world.root} merge ${merge}`,
  });
});

it('merge: a target that has the result already is an intent that does nothing', async () => {
  const { world, workspaces, plan, to } = await makeResult();
  git(world.root, 'merge', '--quiet', '--no-ff', '-m', 'by hand', merge);
  const merged = git(world.root, 'rev-parse', 'main');
  const intent = await plan(toMain);
  expect(intent).toEqual({ target: 'refs/heads/main', from: merged, to });
  expect(await workspaces.deliver(intent as DeliveryIntent)).toMatchObject({ kind: 'done' });
  expect(refsOf(world.root)['refs/heads/main']).toBe(merged);
});

it.each<readonly [string, RegExp, (world: World) => void]>([
  ['a changed file', /uncommitted changes: README.md/, ({ root }) => put(root, 'README.md', 'x\n')],
  [
    'a staged file',
    /uncommitted changes: staged/,
    ({ root }) => {
      put(root, 'staged', 'x');
      git(root, 'add', 'staged');
    },
  ],
  ['an untracked file in the way', /in the way: new$/, ({ root }) => put(root, 'new', 'mine\n')],
  [
    'an ignored file in the way',
    /in the way: new$/,
    ({ root }) => {
      put(root, '.git/info/exclude', 'new\n');
      put(root, 'new', 'mine\n');
    },
  ],
  [
    'a file where a directory must go',
    /in the way: dir$/,
    ({ root }) => put(root, 'dir', 'mine\n'),
  ],
  [
    'a directory where a file must go',
    /in the way: new\/inside$/,
    ({ root }) => put(root, 'new/inside', 'mine\n'),
  ],
  [
    'a merge under way',
    /a merge is under way/,
    ({ root }) => writeFileSync(join(root, '.git', 'MERGE_HEAD'), `${'1'.repeat(40)}\n`),
  ],
  [
    'a rebase of the target under way',
    /rebase or bisection of it is under way/,
    ({ root }) => {
      git(root, 'checkout', '--quiet', '--detach');
      mkdirSync(join(root, '.git', 'rebase-merge'));
      put(root, '.git/rebase-merge/head-name', 'refs/heads/main\n');
    },
  ],
  [
    'a sparse checkout',
    /sparse checkout/,
    ({ root }) => git(root, 'sparse-checkout', 'set', 'src'),
  ],
  [
    'a filter that must convert a file',
    /a git filter must convert new/,
    ({ root }) => put(root, '.git/info/attributes', 'new filter=lfs\n'),
  ],
])('merge into a checked-out branch is refused for %s', async (_, reason, arrange) => {
  const { world, plan, workspaces, to } = await makeResult({ new: '1\n', 'dir/file': '2\n' });
  arrange(world);
  const before = git(world.root, 'status', '--porcelain', '--ignored');
  const planned = await plan(toMain);
  const moves = 'next' in planned ? planned.next.split(' && ').slice(0, -1) : [];
  expect(moves.every((move) => move.startsWith('mv -n '))).toBe(true);
  expect(moves.length > 0).toBe(reason.source.includes('in the way'));
  const next = (result: string): string =>
    [...moves, `git -C ${world.root} merge ${result}`].join(' && ');
  expect(planned).toMatchObject({ next: next(merge) });
  expect('refused' in planned && planned.refused).toMatch(reason);
  // The same holds when it turned out so after planning.
  const delivered = await workspaces.deliver({
    target: 'refs/heads/main',
    from: world.base,
    to,
    worktree: world.root,
  });
  expect(delivered).toMatchObject({ kind: 'refused', next: next(to) });
  expect(refsOf(world.root)['refs/heads/main']).toBe(world.base);
  expect(git(world.root, 'status', '--porcelain', '--ignored')).toBe(before);
});

it.each<readonly [string, (world: World) => void, Readonly<Record<string, string>>]>([
  [
    'an untracked file in the way',
    ({ root }) => {
      put(root, 'new', 'mine\n');
      put(root, 'new.mine', 'older\n');
    },
    { new: '1\n', 'new.mine': 'older\n', 'new.mine2': 'mine\n' },
  ],
  [
    'an ignored file in the way',
    ({ root }) => {
      put(root, '.git/info/exclude', 'new\n');
      put(root, 'new', 'mine\n');
    },
    { new: '1\n', 'new.mine': 'mine\n' },
  ],
  [
    'a file where a directory must go',
    ({ root }) => put(root, 'a dir', 'mine\n'),
    { 'a dir/file': '2\n', 'a dir.mine': 'mine\n' },
  ],
  [
    'a change elsewhere in the same file, staged and not',
    ({ root }) => {
      put(root, 'README.md', `first, mine\n${'line\n'.repeat(9)}last\n`);
      git(root, 'add', 'README.md');
      put(root, 'other', 'mine\n');
    },
    { 'README.md': `first, mine\n${'line\n'.repeat(9)}last, theirs\n`, other: 'mine\n' },
  ],
  [
    'a change in the same file and an untracked file in the way',
    ({ root }) => {
      put(root, 'README.md', `first, mine\n${'line\n'.repeat(9)}last\n`);
      put(root, 'new', 'mine\n');
    },
    {
      'README.md': `first, mine\n${'line\n'.repeat(9)}last, theirs\n`,
      new: '1\n',
      'new.mine': 'mine\n',
    },
  ],
])('the printed line merges in spite of %s, and loses nothing', async (_, arrange, after) => {
  const lines = (first: string, last: string): string => `${first}\n${'line\n'.repeat(9)}${last}\n`;
  const { world, plan, to } = await makeResult(
    { new: '1\n', 'a dir/file': '2\n', 'README.md': lines('first', 'last, theirs') },
    { 'README.md': lines('first', 'last') },
  );
  put(world.root, 'README.md', 'put aside long ago\n');
  git(world.root, 'stash', 'push', '--quiet');
  arrange(world);
  const planned = await plan(toMain);
  const next = 'next' in planned ? planned.next : 'false';
  execFileSync('/bin/sh', ['-c', next], { env: userEnvironment, stdio: 'pipe' });
  expect(git(world.root, 'rev-parse', 'main')).toBe(to);
  for (const [path, text] of Object.entries(after)) expect(read(world.root, path)).toBe(text);
  // And takes nothing out of the stash that it did not put there.
  expect(git(world.root, 'show', 'stash@{0}:README.md')).toBe('put aside long ago');
  expect(git(world.root, 'stash', 'list').split('\n')).toHaveLength(1);
});

it('the printed line keeps a change that conflicts with the result in the stash', async () => {
  const { world, plan, to } = await makeResult({ 'README.md': 'theirs\n' });
  put(world.root, 'README.md', 'mine\n');
  const planned = await plan(toMain);
  const next = 'next' in planned ? planned.next : 'false';
  execFileSync('/bin/sh', ['-c', next], { env: userEnvironment, stdio: 'pipe' });
  expect(git(world.root, 'rev-parse', 'main')).toBe(to);
  expect(git(world.root, 'show', 'stash@{0}:README.md')).toBe('mine');
});
