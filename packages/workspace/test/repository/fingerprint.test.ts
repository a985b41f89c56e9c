import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { ForeignChange } from '../../src/index.js';
import { commitAll, git, makeWorld, put, type World } from '../fixtures/world.js';

/** What compare() finds after something was done to the user's repository. */
async function after(
  world: World,
  act: (world: World) => void,
): Promise<readonly (readonly [ForeignChange['what'], ForeignChange['weight']])[]> {
  return (await changesAfter(world, act)).map(({ what, weight }) => [what, weight] as const);
}

async function changesAfter(
  world: World,
  act: (world: World) => void,
): Promise<readonly ForeignChange[]> {
  const workspaces = await world.open();
  const before = await workspaces.fingerprint();
  act(world);
  // It may have been written to a journal in between.
  const kept = JSON.parse(JSON.stringify(before)) as typeof before;
  return workspaces.compare(kept, ['target']);
}

function makeRichWorld(): World {
  const world = makeWorld();
  put(world.root, 'b', '2');
  commitAll(world.root, 'second');
  git(world.root, 'branch', 'side');
  git(world.root, 'branch', 'target');
  git(world.root, 'config', 'remote.origin.url', '/nowhere');
  git(world.root, 'config', 'branch.side.remote', 'origin');
  git(world.root, 'config', 'branch.side.merge', 'refs/heads/side');
  git(world.root, 'tag', 'v1');
  git(world.root, 'update-ref', 'refs/remotes/origin/main', 'HEAD');
  git(world.root, 'update-ref', 'refs/orch/runs/other/fix/1', 'HEAD');
  put(world.root, '.git/hooks/pre-commit', '#!/bin/sh\n', 0o755);
  put(world.root, '.git/modules/sub/HEAD', 'ref: refs/heads/main\n');
  put(world.root, '.git/modules/sub/objects/x', '');
  put(world.root, '.git/modules/sub/config', '[core]\n');
  return world;
}

it.each<
  readonly [
    string,
    (world: World) => void,
    readonly [ForeignChange['what'], ForeignChange['weight']],
  ]
>([
  [
    'the configuration was changed',
    ({ root }) => git(root, 'config', 'core.fsmonitor', 'x'),
    ['config', 'tampered'],
  ],
  [
    'a configuration for one worktree appeared',
    ({ root }) => put(root, '.git/config.worktree', ''),
    ['config', 'tampered'],
  ],
  [
    'a configuration of a submodule was changed',
    ({ root }) => put(root, '.git/modules/sub/config', '[core]\n\tfsmonitor = x\n'),
    ['config', 'tampered'],
  ],
  [
    'attributes appeared',
    ({ root }) => put(root, '.git/info/attributes', '* x'),
    ['config', 'tampered'],
  ],
  ['exclusions changed', ({ root }) => put(root, '.git/info/exclude', '*'), ['config', 'tampered']],
  [
    'alternates appeared',
    ({ root }) => put(root, '.git/objects/info/alternates', '/tmp\n'),
    ['config', 'tampered'],
  ],
  [
    'a hook appeared',
    ({ root }) => put(root, '.git/hooks/post-merge', '#!/bin/sh\n', 0o755),
    ['hooks', 'tampered'],
  ],
  [
    'a hook was changed',
    ({ root }) => put(root, '.git/hooks/pre-commit', '#!/bin/sh\ntrue\n'),
    ['hooks', 'tampered'],
  ],
  [
    'a hook was deleted',
    ({ root }) => rmSync(join(root, '.git/hooks/pre-commit')),
    ['hooks', 'tampered'],
  ],
  [
    'the target of the delivery was rewound',
    ({ root, base }) => git(root, 'update-ref', 'refs/heads/target', base),
    ['refs', 'tampered'],
  ],
  [
    'the target of the delivery was deleted',
    ({ root }) => git(root, 'branch', '-D', 'target'),
    ['refs', 'tampered'],
  ],
  [
    'the target of the delivery moved forward',
    ({ root }) => {
      git(root, 'checkout', '--quiet', '-b', 'other');
      const next = commitAll(root, 'third');
      git(root, 'checkout', '--quiet', 'main');
      git(root, 'branch', '-D', 'other');
      git(root, 'update-ref', 'refs/heads/target', next);
    },
    ['refs', 'noted'],
  ],
  [
    'an object was replaced',
    ({ root, base }) => git(root, 'replace', 'HEAD', base),
    ['refs', 'tampered'],
  ],
  [
    'a branch was rewound',
    ({ root, base }) => git(root, 'update-ref', 'refs/heads/side', base),
    ['refs', 'noted'],
  ],
  [
    'the last commit was amended',
    ({ root }) => git(root, 'commit', '--quiet', '--amend', '--no-verify', '-m', 'Better'),
    ['refs', 'noted'],
  ],
  [
    'a branch was deleted',
    ({ root }) => git(root, 'update-ref', '-d', 'refs/heads/side'),
    ['refs', 'noted'],
  ],
  [
    'a tag was moved',
    ({ root, base }) => git(root, 'tag', '--force', 'v1', base),
    ['refs', 'noted'],
  ],
  ...(
    [
      ['a hook directory elsewhere', 'core.hooksPath', '/nonexistent'],
      ['an alias', 'alias.st', '!evil'],
      ['a filter', 'filter.x.smudge', 'evil'],
      ['a diff driver', 'diff.x.command', 'evil'],
      ['a merge driver', 'merge.x.driver', 'evil'],
      ['another file to read', 'include.path', '/nonexistent'],
      ['a credential helper', 'credential.helper', 'evil'],
      ['another address for addresses', 'url.evil:.insteadOf', 'https:'],
      ['a proxy', 'http.proxy', 'evil'],
      ['a remote', 'remote.evil.url', 'evil'],
      ['another address of a remote', 'remote.origin.url', '/elsewhere'],
      ['a key nobody knows', 'nobody.knows', 'x'],
      ['a branch that pulls from an address', 'branch.main.remote', 'https://example.org/evil'],
      ['a branch that pushes to an address', 'branch.main.pushRemote', '/tmp/evil'],
      ['a branch that merges by a program', 'branch.main.mergeOptions', '-s evil'],
    ] as const
  ).map(
    ([what, key, value]) =>
      [
        `${what} was configured`,
        ({ root }: World) => git(root, 'config', key, value),
        ['config', 'tampered'],
      ] as const,
  ),
  [
    'a branch got an upstream, as by `git push -u`',
    ({ root }) => {
      git(root, 'config', 'branch.main.remote', 'origin');
      git(root, 'config', 'branch.main.merge', 'refs/heads/main');
    },
    ['config', 'noted'],
  ],
  [
    'a branch got a description',
    ({ root }) => git(root, 'config', 'branch.side.description', 'For later'),
    ['config', 'noted'],
  ],
  ['a branch was created', ({ root }) => git(root, 'branch', 'new'), ['refs', 'noted']],
  ['a tag was created', ({ root }) => git(root, 'tag', 'v2'), ['refs', 'noted']],
  [
    'a branch moved forward',
    ({ root }) => {
      put(root, 'c', '3');
      commitAll(root, 'third');
    },
    ['refs', 'noted'],
  ],
  [
    'a remote branch was rewound',
    ({ root, base }) => git(root, 'update-ref', 'refs/remotes/origin/main', base),
    ['refs', 'noted'],
  ],
  [
    'a ref of another run was written',
    ({ root }) => git(root, 'update-ref', 'refs/orch/runs/other/fix/2', 'HEAD'),
    ['refs', 'noted'],
  ],
  [
    'a ref of another run was deleted',
    ({ root }) => git(root, 'update-ref', '-d', 'refs/orch/runs/other/fix/1'),
    ['refs', 'tampered'],
  ],
  [
    'the user switched branches',
    ({ root }) => git(root, 'checkout', '--quiet', 'side'),
    ['refs', 'noted'],
  ],
])('compare() sees that %s', async (_, act, expected) => {
  expect(await after(makeRichWorld(), act)).toEqual([expected]);
});

it('a branch that is deleted with its configuration is noted, with all that went', async () => {
  const changes = await changesAfter(makeRichWorld(), ({ root }) =>
    git(root, 'branch', '-D', 'side'),
  );
  expect(changes).toEqual([
    {
      what: 'config',
      detail: 'in config: branch.side.merge was removed, branch.side.remote was removed',
      weight: 'noted',
    },
    {
      what: 'refs',
      detail: expect.stringContaining('refs/heads/side was deleted') as string,
      weight: 'noted',
    },
  ]);
});

it('harmless keys do not cover the others, and no value of a key is told or kept', async () => {
  const world = makeRichWorld();
  git(world.root, 'config', 'http.extraHeader', 'old-secret');
  const changes = await changesAfter(world, ({ root }) => {
    git(root, 'config', 'branch.main.remote', 'origin');
    git(root, 'config', 'http.extraHeader', 'new-secret');
  });
  expect(changes).toEqual([
    { what: 'config', detail: 'in config: http.extraheader was changed', weight: 'tampered' },
    { what: 'config', detail: 'in config: branch.main.remote was set', weight: 'noted' },
  ]);
  const taken = await (await world.open()).fingerprint();
  expect(JSON.stringify(taken)).not.toContain('secret');
});

it('compare() finds nothing when nothing happened, or only files of the user changed', async () => {
  expect(
    await after(makeRichWorld(), ({ root }) => {
      put(root, 'README.md', 'in work\n');
      git(root, 'add', '--all');
    }),
  ).toEqual([]);
});

it('what this process wrote is not foreign; the same ref written by somebody else is', async () => {
  const world = makeWorld();
  const workspaces = await world.open();
  const at = { run: 'r1', task: 'fix', attempt: 1, base: world.base };
  const before = await workspaces.fingerprint();
  const { path } = await workspaces.prepare({ ...at, mode: 'fresh', hideAgentSettings: true });
  put(path, 'b', '1');
  const { commit } = await workspaces.capture({ ...at, message: 'm', writes: undefined });
  await workspaces.integrate({ run: 'r1', from: null, to: commit });
  expect(await workspaces.compare(before)).toEqual([]);

  const between = await workspaces.fingerprint();
  git(world.root, 'update-ref', 'refs/orch/runs/r1/fix/2', commit);
  git(world.root, 'update-ref', 'refs/orch/integration/r1', world.base);
  const changes = await workspaces.compare(between);
  expect(changes.map(({ what, weight }) => [what, weight])).toEqual([
    ['refs', 'tampered'],
    ['refs', 'tampered'],
  ]);
  expect(changes[0]?.detail).toContain('refs/orch/integration/r1');
});

it('what another run writes meanwhile is one note that names the run', async () => {
  const world = makeWorld();
  const workspaces = await world.open();
  const before = await workspaces.fingerprint();
  for (const ref of ['bases/r9/a', 'runs/r9/a/1', 'runs/r9/b/1'])
    git(world.root, 'update-ref', `refs/orch/${ref}`, world.base);
  git(world.root, 'update-ref', 'refs/orch/runs/r8/a/1', world.base);
  expect(await workspaces.compare(before)).toEqual([
    {
      what: 'refs',
      detail: '3 refs of run r9 were written, refs/orch/bases/r9/a the first',
      weight: 'noted',
    },
    { what: 'refs', detail: 'refs/orch/runs/r8/a/1 of run r8 was written', weight: 'noted' },
  ]);
});

it('hooks that the repository keeps in its worktree are watched', async () => {
  const world = makeWorld({ '.githooks/pre-commit': '#!/bin/sh\n' });
  git(world.root, 'config', 'core.hooksPath', '.githooks');
  expect(
    await after(world, ({ root }) => put(root, '.githooks/pre-commit', '#!/bin/sh\nevil\n')),
  ).toEqual([['hooks', 'noted']]);
});
