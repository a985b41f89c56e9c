import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { Captured, Workspaces } from '../../src/index.js';
import { commitAll, git, makeWorld, put, read, refsOf, type World } from '../fixtures/world.js';

async function start(): Promise<{
  readonly world: World;
  readonly workspaces: Workspaces;
  readonly path: string;
  readonly capture: () => Promise<Captured>;
}> {
  const world = makeWorld();
  put(world.root, '.env.test', 'SECRET=1\n');
  put(world.root, 'config/local [1].json', '{}\n');
  const workspaces = await world.open();
  const at = { run: 'r1', task: 'fix', attempt: 1, base: world.base };
  const { path } = await workspaces.prepare({ ...at, mode: 'fresh', hideAgentSettings: true });
  return {
    world,
    workspaces,
    path,
    capture: () => workspaces.capture({ ...at, message: 'm', writes: undefined }),
  };
}

it('copyInto() copies untracked files with their mode, and names those that are not there', async () => {
  const { world, workspaces, path } = await start();
  chmodSync(join(world.root, '.env.test'), 0o640);
  expect(
    await workspaces.copyInto('r1', 'fix', ['.env.test', 'config/local [1].json', 'absent/x']),
  ).toEqual({ copied: ['.env.test', 'config/local [1].json'], missing: ['absent/x'] });
  expect(read(path, '.env.test')).toBe('SECRET=1\n');
  expect(statSync(join(path, '.env.test')).mode & 0o777).toBe(0o640);
  expect(git(path, 'status', '--porcelain')).toBe('');
});

it('copied files are in no result, whatever the agent does', async () => {
  const { world, workspaces, path, capture } = await start();
  await workspaces.copyInto('r1', 'fix', ['.env.test', 'config/local [1].json']);
  put(path, '.env.test', 'SECRET=changed\n');
  put(path, '.gitignore', '!.env.test\n!config/\n');
  put(path, '.git/info/exclude', '');
  put(path, 'config/other.json', '{}\n');
  const { files } = await capture();
  expect(files.map((file) => file.path)).toEqual(['.gitignore', 'config/other.json']);
  expect(git(world.root, 'log', '--all', '--format=%H', '--', '.env.test')).toBe('');
});

it('a commit of the agent that holds a copied file is set aside', async () => {
  const { world, workspaces, path, capture } = await start();
  await workspaces.copyInto('r1', 'fix', ['.env.test']);
  put(path, 'b', '1');
  git(path, 'add', '--force', '--all');
  git(path, 'add', '--force', '.env.test');
  const own = commitAll(path, 'with the secret');
  const { commit, files, notes } = await capture();
  expect(files.map((file) => file.path)).toEqual(['b']);
  expect(notes.join()).toContain('holds a file that was copied in');
  expect(git(world.root, 'log', '--format=%H', commit, '--', '.env.test')).toBe('');
  expect(Object.values(refsOf(world.root, 'refs/orch/rescue/'))).toEqual([own]);
});

it('without a record of the copy the file would be captured (negative control)', async () => {
  const { path, capture } = await start();
  put(path, '.env.test', 'SECRET=1\n');
  expect((await capture()).files.map((file) => file.path)).toEqual(['.env.test']);
});

it.each<readonly [string, string, (world: World) => void]>([
  ['a tracked file', 'README.md', () => undefined],
  ['a link', 'link', ({ root }) => symlinkSync('/etc/passwd', join(root, 'link'))],
  [
    'a file behind a link that leads out',
    'out/passwd',
    ({ root }) => symlinkSync('/etc', join(root, 'out')),
  ],
  ['a directory', 'config', () => undefined],
  ['a pipe', 'pipe', ({ root }) => execFileSync('mkfifo', [join(root, 'pipe')])],
  ['an absolute path', '/etc/passwd', () => undefined],
  ['a path that climbs', '../x', () => undefined],
  ['a git directory', 'sub/.git/config', () => undefined],
])('copyInto() refuses %s', async (_, file, arrange) => {
  const { world, workspaces } = await start();
  arrange(world);
  await expect(workspaces.copyInto('r1', 'fix', [file])).rejects.toMatchObject({
    code: 'ORCH_WORKSPACE_COPY',
    details: { path: file },
  });
});

it('copyInto() writes through no link that an agent left', async () => {
  const { world, workspaces, path } = await start();
  const victim = join(world.directory, 'victim');
  put(victim, 'local [1].json', 'precious\n');
  symlinkSync(victim, join(path, 'config'));
  await expect(workspaces.copyInto('r1', 'fix', ['config/local [1].json'])).rejects.toMatchObject({
    code: 'ORCH_WORKSPACE_COPY',
  });
  rmSync(join(path, 'config'));
  mkdirSync(join(path, 'config'));
  symlinkSync(join(victim, 'local [1].json'), join(path, 'config', 'local [1].json'));
  await workspaces.copyInto('r1', 'fix', ['config/local [1].json']);
  expect(read(path, 'config/local [1].json')).toBe('{}\n');
  expect(read(victim, 'local [1].json')).toBe('precious\n');
});
