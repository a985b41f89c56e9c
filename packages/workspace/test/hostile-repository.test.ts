import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { DeliveryIntent } from '../src/index.js';
import { makeCanaries, poison, type Canaries } from './fixtures/hostile.js';
import {
  commitAll,
  fsck,
  git,
  gitSucceeds,
  makeWorld,
  put,
  read,
  type World,
} from './fixtures/world.js';

/** A repository whose content and configuration try to run programs wherever git allows it. */
function makeHostileWorld(): {
  readonly world: World;
  readonly canaries: Canaries;
} {
  const world = makeWorld({
    '.gitattributes': '*.txt filter=evil diff=evil merge=evil\nsub/** filter=evil\n',
    'a.txt': 'one\n',
    'b.txt': 'two\n',
    'sub/c': 'three\n',
    '.gitmodules':
      '[submodule "module"]\n\tpath = module\n\turl = ../elsewhere\n\tupdate = !touch x\n',
  });
  const { root } = world;
  symlinkSync('/etc', join(root, 'outward'));
  git(root, 'update-index', '--add', '--cacheinfo', `160000,${world.base},module`);
  git(root, 'add', '--all', '--', 'outward', '.gitmodules');
  git(root, 'commit', '--quiet', '-m', 'links and modules');
  // A repository stands where the submodule would be, with a configuration of its own.
  git(join(root), 'init', '--quiet', 'module');
  put(root, 'module/file', 'x');
  const inside = commitAll(join(root, 'module'), 'inside');
  git(root, 'update-index', '--cacheinfo', `160000,${inside},module`);
  git(root, 'commit', '--quiet', '-m', 'module');
  const canaries = makeCanaries(world.directory);
  const borrowed = join(world.directory, 'borrowed');
  git(world.directory, 'init', '--quiet', borrowed);
  put(root, '.git/objects/info/alternates', `${join(borrowed, '.git', 'objects')}\n`);
  poison(join(root, '.git'), canaries);
  poison(join(root, 'module', '.git'), canaries);
  expect(canaries.sung()).toEqual([]);
  return { world, canaries };
}

it('plain git runs what a hostile repository configures (negative control)', () => {
  const { world, canaries } = makeHostileWorld();
  const { root } = world;
  const stranger = join(world.directory, 'stranger');
  git(world.directory, 'init', '--quiet', stranger);
  put(stranger, 'x', 'x');
  commitAll(stranger, 'x');
  put(root, 'a.txt', 'changed\n');
  for (const args of [
    ['status'],
    ['add', 'a.txt'],
    ['diff', '--cached'],
    ['log', '-p', '-1', '--textconv', '--', 'a.txt'],
    ['commit', '-m', 'x'],
    ['-c', 'commit.gpgSign=false', 'commit', '--no-verify', '-m', 'x'],
    ['checkout', '--quiet', '-b', 'other'],
    ['update-ref', 'refs/x', 'HEAD'],
    ['fetch', '--quiet', stranger],
  ]) {
    gitSucceeds(root, ...args);
  }
  const expected = 'alternate-refs clean diff-driver fsmonitor gpg hook-pre-commit textconv';
  expect(canaries.sung()).toEqual(expect.arrayContaining(expected.split(' ')));
});

it('nothing of a hostile repository is run from prepare to delivery', async () => {
  const { world, canaries } = makeHostileWorld();
  const { root } = world;
  const workspaces = await world.open();
  const base = await workspaces.resolve('HEAD');
  const before = await workspaces.fingerprint();
  const described = await workspaces.describeRepository();
  expect(described.uncommitted.staged.count).toBe(0);
  const at = { run: 'r1', task: 'fix', attempt: 1, base };

  const { path } = await workspaces.prepare({ ...at, mode: 'fresh', hideAgentSettings: true });
  expect(read(path, 'a.txt')).toBe('one\n');
  put(path, 'a.txt', 'by the agent\n');
  const own = commitAll(path, 'by the agent');
  put(path, 'sub/c', 'rest\n');
  const left = await workspaces.capture({ ...at, message: 'm', writes: ['**'] });
  expect(left.files.map((file) => file.path)).toEqual(['a.txt', 'sub/c']);

  const other = { ...at, task: 'other' };
  const second = await workspaces.prepare({ ...other, mode: 'fresh', hideAgentSettings: true });
  put(second.path, 'a.txt', 'by the other\n');
  put(second.path, 'README.md', 'no filter here\n');
  const right = await workspaces.capture({ ...other, message: 'm', writes: undefined });

  const request = { message: 'm', at: '2026-01-01T00:00:00Z' };
  expect(await workspaces.merge({ ...request, tip: left.commit, commit: right.commit })).toEqual({
    kind: 'conflicted',
    files: ['a.txt'],
  });
  const merged = await workspaces.merge({ ...request, tip: base, commit: left.commit });
  if (merged.kind !== 'merged') throw new Error(merged.kind);
  await workspaces.integrate({ run: 'r1', from: null, to: merged.commit });
  await workspaces.checkout({ run: 'r1', name: 'fix.gate', commit: merged.commit });
  await workspaces.checkout({
    run: 'r1',
    name: 'fix.gate',
    commit: right.commit,
    protect: { base, globs: ['*.txt'] },
  });

  const deliver = async (to: string): Promise<unknown> => {
    const plan = await workspaces.planDelivery({
      run: 'r1',
      base,
      to,
      delivery: { to: 'merge', branch: 'main' },
    });
    return 'refused' in plan ? plan : workspaces.deliver(plan);
  };
  // A result that a filter would have to convert is left to the user's own git.
  expect(await deliver(merged.commit)).toMatchObject({
    refused: expect.stringContaining('a git filter must convert') as string,
  });
  put(root, '.git/info/attributes', '');
  const free = await workspaces.merge({ ...request, tip: base, commit: own });
  expect(free.kind).toBe('merged');
  const intent: DeliveryIntent = { target: 'refs/heads/orch/r1', from: null, to: merged.commit };
  expect(await workspaces.deliver(intent)).toMatchObject({ kind: 'done' });
  await workspaces.prepare({ ...at, attempt: 2, mode: 'fresh', hideAgentSettings: true });
  await workspaces.remove('r1', 'other');
  await workspaces.compare(before);
  expect(canaries.sung()).toEqual([]);
  expect(git(root, 'rev-parse', 'HEAD')).toBe(base);
});

it('a checked-out branch moves without running hooks or monitors', async () => {
  const world = makeWorld({ 'a.md': 'one\n' });
  const canaries = makeCanaries(world.directory);
  git(world.root, 'checkout', '--quiet', '--detach');
  put(world.root, 'a.md', 'two\n');
  const to = commitAll(world.root, 'result');
  git(world.root, 'checkout', '--quiet', 'main');
  poison(join(world.root, '.git'), canaries);
  put(world.root, '.git/info/attributes', '');
  const workspaces = await world.open();
  const plan = await workspaces.planDelivery({
    run: 'r1',
    base: world.base,
    to,
    delivery: { to: 'merge', branch: 'main' },
  });
  if ('refused' in plan) throw new Error(plan.refused);
  expect(await workspaces.deliver(plan)).toMatchObject({ kind: 'done' });
  expect(canaries.sung()).toEqual([]);
  expect(read(world.root, 'a.md')).toBe('two\n');
  // Negative control: the same move by plain git.
  gitSucceeds(world.root, 'reset', '--quiet', '--keep', world.base);
  expect(canaries.sung()).toContain('hook-reference-transaction');
});

it('links that lead out of the tree are not followed when files are laid out', async () => {
  const world = makeWorld();
  const victim = join(world.directory, 'victim');
  put(victim, 'precious', 'precious\n');
  symlinkSync(victim, join(world.root, 'dir'));
  const linked = commitAll(world.root, 'a link');
  git(world.root, 'rm', '--quiet', 'dir');
  put(world.root, 'dir/precious', 'overwritten?\n');
  const replaced = commitAll(world.root, 'a directory where the link was');
  const workspaces = await world.open();
  for (const commit of [linked, replaced, linked]) {
    await workspaces.checkout({ run: 'r1', name: 'gate', commit });
  }
  const { path } = await workspaces.checkout({ run: 'r1', name: 'gate', commit: replaced });
  expect(read(path, 'dir/precious')).toBe('overwritten?\n');
  expect(read(victim, 'precious')).toBe('precious\n');
  expect(fsck(world.root)).toBe('');
});
