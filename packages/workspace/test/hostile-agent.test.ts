import { copyFileSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { makeCanaries, poison } from './fixtures/hostile.js';
import {
  commitAll,
  fsck,
  git,
  gitSucceeds,
  makeWorld,
  put,
  read,
  refsOf,
} from './fixtures/world.js';

/** What an agent can do to the clone it owns, so that a git run there works for it. */
const attacks: readonly (readonly [string, (clone: string, evil: string) => void])[] = [
  ['its configuration', () => undefined],
  [
    'an included configuration',
    (clone, evil) => {
      put(
        clone,
        '.git/config',
        `[core]\n\trepositoryformatversion = 0\n[include]\n\tpath = ${evil}/config\n`,
      );
    },
  ],
  [
    'a configuration for the worktree',
    (clone, evil) => {
      put(clone, '.git/config.worktree', read(evil, 'config') ?? '');
      put(
        clone,
        '.git/config',
        '[core]\n\trepositoryformatversion = 1\n[extensions]\n\tworktreeConfig = true\n',
      );
    },
  ],
  ['another git directory', (clone, evil) => put(clone, '.git/commondir', `${evil}\n`)],
  [
    'a link to another git directory',
    (clone, evil) => {
      rmSync(join(clone, '.git'), { recursive: true });
      symlinkSync(evil, join(clone, '.git'));
    },
  ],
  [
    'a file that names another git directory',
    (clone, evil) => {
      rmSync(join(clone, '.git'), { recursive: true });
      put(clone, '.git', `gitdir: ${evil}\n`);
    },
  ],
  [
    'a submodule with a configuration',
    (clone, evil) => {
      git(clone, '-c', 'commit.gpgSign=false', 'init', '--quiet', 'module');
      put(clone, 'module/f', 'x');
      const inside = commitAll(join(clone, 'module'), 'inside');
      git(clone, 'update-index', '--add', '--cacheinfo', `160000,${inside},module`);
      const tree = git(clone, 'write-tree');
      const commit = git(clone, 'commit-tree', '-p', 'HEAD', '-m', 'module', tree);
      git(clone, 'update-ref', 'HEAD', commit);
      put(clone, 'module/.git/config', read(evil, 'config') ?? '');
      put(clone, 'module/f', 'y');
    },
  ],
];

it.each(attacks)('nothing of the agent is run by %s', async (_, attack) => {
  const world = makeWorld();
  const canaries = makeCanaries(world.directory);
  // A whole git directory that runs something wherever it can.
  const elsewhere = join(world.directory, 'elsewhere');
  git(world.directory, 'init', '--quiet', elsewhere);
  const evil = join(elsewhere, '.git');
  put(elsewhere, 'x', 'x');
  commitAll(elsewhere, 'x');
  poison(evil, canaries);

  const workspaces = await world.open();
  const at = { run: 'r1', task: 'fix', attempt: 1, base: world.base };
  const { path } = await workspaces.prepare({ ...at, mode: 'fresh', hideAgentSettings: true });
  put(path, '.gitattributes', '* filter=evil diff=evil merge=evil\n');
  put(path, 'src/a.ts', 'changed\n');
  put(path, 'src/new.ts', 'new\n');
  attack(path, evil);
  if (attack === attacks[0]?.[1]) poison(join(path, '.git'), canaries);
  expect(canaries.sung()).toEqual([]);

  const { files } = await workspaces.capture({ ...at, message: 'm', writes: ['src/**'] });
  expect(files.map((file) => file.path)).toEqual(
    expect.arrayContaining(['.gitattributes', 'src/a.ts', 'src/new.ts']),
  );
  await workspaces.prepare({ ...at, attempt: 2, mode: 'keep', hideAgentSettings: true });
  put(path, 'src/more.ts', 'more\n');
  await workspaces.capture({ ...at, attempt: 2, message: 'm', writes: undefined });
  put(path, 'src/last.ts', 'last\n');
  const { rescued } = await workspaces.prepare({
    ...at,
    attempt: 3,
    mode: 'fresh',
    hideAgentSettings: true,
  });
  expect(git(world.root, 'show', `${rescued}:src/last.ts`)).toBe('last');
  expect(canaries.sung()).toEqual([]);
  expect(fsck(world.root)).toBe('');
});

it.each(attacks)(
  'plain git in the clone runs the agent by %s (negative control)',
  async (_, attack) => {
    const world = makeWorld();
    const canaries = makeCanaries(world.directory);
    const elsewhere = join(world.directory, 'elsewhere');
    git(world.directory, 'init', '--quiet', elsewhere);
    put(elsewhere, 'x', 'x');
    commitAll(elsewhere, 'x');
    poison(join(elsewhere, '.git'), canaries);
    const workspaces = await world.open();
    const { path } = await workspaces.prepare({
      run: 'r1',
      task: 'fix',
      attempt: 1,
      base: world.base,
      mode: 'fresh',
      hideAgentSettings: true,
    });
    put(path, '.gitattributes', '* filter=evil diff=evil merge=evil\n');
    put(path, 'src/a.ts', 'changed\n');
    attack(path, join(elsewhere, '.git'));
    if (attack === attacks[0]?.[1]) poison(join(path, '.git'), canaries);
    gitSucceeds(path, 'add', '--all');
    expect(canaries.sung()).toContain('fsmonitor');
  },
);

it('an agent that writes to the refs of its clone reaches no ref of the user', async () => {
  const world = makeWorld();
  const workspaces = await world.open();
  const at = { run: 'r1', task: 'fix', attempt: 1, base: world.base };
  const { path } = await workspaces.prepare({ ...at, mode: 'fresh', hideAgentSettings: true });
  put(path, 'b', '1');
  const own = commitAll(path, 'by the agent');
  for (const ref of [
    'refs/heads/main',
    'refs/tags/v1',
    'refs/replace/x',
    'refs/orch/runs/r1/fix/9',
  ]) {
    put(path, `.git/${ref}`, `${own}\n`);
  }
  await workspaces.capture({ ...at, message: 'm', writes: undefined });
  expect(refsOf(world.root)).toEqual({
    'refs/heads/main': world.base,
    'refs/orch/bases/r1/fix': world.base,
    'refs/orch/runs/r1/fix/1': own,
  });
});

it('objects that the agent forged under the name of other ones are not believed', async () => {
  const world = makeWorld();
  const workspaces = await world.open();
  const at = { run: 'r1', task: 'fix', attempt: 1, base: world.base };
  const { path } = await workspaces.prepare({ ...at, mode: 'fresh', hideAgentSettings: true });
  // The bytes of one blob stand under the name of another, which a tree of the agent's commit names.
  put(path, 'good', 'good\n');
  put(path, 'bad', 'evil\n');
  commitAll(path, 'two files');
  const object = (file: string): string => {
    const id = git(path, 'rev-parse', `HEAD:${file}`);
    return join(path, '.git', 'objects', id.slice(0, 2), id.slice(2));
  };
  const bytes = object('bad');
  rmSync(object('good'));
  symlinkSync(bytes, object('good'));
  const linked = await workspaces.capture({ ...at, message: 'm', writes: undefined });
  expect(linked.notes.join()).toContain('neither a file nor a directory');
  expect(git(world.root, 'show', `${linked.commit}:good`)).toBe('good');
  rmSync(object('good'));
  copyFileSync(bytes, object('good'));
  const copied = await workspaces.capture({ ...at, attempt: 2, message: 'm', writes: undefined });
  expect(copied.notes.join()).toContain('was not taken over');
  expect(git(world.root, 'show', `${copied.commit}:good`)).toBe('good');
  expect(fsck(world.root)).toBe('');
});
