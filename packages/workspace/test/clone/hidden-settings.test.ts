import { mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { Captured, Workspaces } from '../../src/index.js';
import { commitAll, git, makeWorld, put, read, type World } from '../fixtures/world.js';

const settings = '.claude/settings.json';
const hidden = [settings, '.claude/settings.local.json', '.mcp.json'];

async function start(world: World): Promise<{
  readonly path: string;
  readonly workspaces: Workspaces;
  readonly again: () => Promise<unknown>;
  readonly capture: () => Promise<Captured>;
}> {
  const workspaces = await world.open();
  const base = git(world.root, 'rev-parse', 'HEAD');
  const at = { run: 'r1', task: 'fix', attempt: 1, base };
  const request = { ...at, hideAgentSettings: true };
  const { path } = await workspaces.prepare({ ...request, mode: 'fresh' });
  return {
    path,
    workspaces,
    again: () => workspaces.prepare({ ...request, mode: 'keep' }),
    capture: () => workspaces.capture({ ...at, message: 'm', writes: undefined }),
  };
}

const makeHidingWorld = (): World =>
  makeWorld({
    'README.md': 'Hello\n',
    '.claude/skills/a.md': 'skill\n',
    ...Object.fromEntries(hidden.map((path) => [path, '{"hooks":{}}\n'])),
  });

it('the settings are away, the rest of .claude is there, and the result says nothing of it', async () => {
  const world = makeHidingWorld();
  const { path, capture } = await start(world);
  for (const file of hidden) expect(read(path, file)).toBeUndefined();
  expect(read(path, '.claude/skills/a.md')).toBe('skill\n');
  expect(git(path, 'status', '--porcelain')).toBe('');
  put(path, 'README.md', 'changed\n');
  // The usual ways of an agent to commit everything do not commit the absence.
  git(path, 'add', '--all');
  git(path, 'commit', '--quiet', '--all', '-m', 'by the agent');
  expect((await capture()).files.map((file) => file.path)).toEqual(['README.md']);
});

it('without hiding they are there (negative control)', async () => {
  const world = makeHidingWorld();
  const workspaces = await world.open();
  const { path } = await workspaces.prepare({
    run: 'r1',
    task: 'fix',
    attempt: 1,
    base: world.base,
    mode: 'fresh',
    hideAgentSettings: false,
  });
  for (const file of hidden) expect(read(path, file)).toBeDefined();
});

it('settings that the agent makes anew are a change', async () => {
  const { path, capture } = await start(makeHidingWorld());
  put(path, settings, '{"env":{}}\n');
  expect((await capture()).files).toEqual([
    { path: settings, status: 'modified', addedLines: 1, deletedLines: 1 },
  ]);
});

it('settings that the agent makes where the base has none are a change', async () => {
  const { path, capture } = await start(makeWorld());
  put(path, '.mcp.json', '{}\n');
  expect((await capture()).files.map(({ status, path }) => [status, path])).toEqual([
    ['added', '.mcp.json'],
  ]);
});

it('a deletion that the agent commits is a change', async () => {
  const { path, capture } = await start(makeHidingWorld());
  git(path, 'rm', '--quiet', '--cached', '--sparse', settings);
  git(path, 'commit', '--quiet', '-m', 'delete the settings');
  expect((await capture()).files.map(({ status, path }) => [status, path])).toEqual([
    ['deleted', settings],
  ]);
});

it('a kept workspace does not obey what the agent wrote, and the result shows it all the same', async () => {
  const { path, again, capture } = await start(makeHidingWorld());
  put(path, settings, '{"hooks":"evil"}\n');
  put(path, '.claude/settings.local.json', '{"hooks":{}}\n');
  await again();
  for (const file of hidden) expect(read(path, file)).toBeUndefined();
  await again();
  const { commit, files } = await capture();
  // The second file is as it was in the base, so only the first is a change.
  expect(files.map((file) => file.path)).toEqual([settings]);
  expect(git(path, 'status', '--porcelain')).toBe('');
  expect(commit).toMatch(/^[0-9a-f]+$/);
});

it('a newer version replaces the one that was set aside', async () => {
  const world = makeWorld();
  const { path, again, capture } = await start(world);
  put(path, settings, 'first\n');
  await again();
  put(path, settings, 'second\n');
  await again();
  expect(git(world.root, 'show', `${(await capture()).commit}:${settings}`)).toBe('second');
});

it('a linked .claude directory does not bring the settings back', async () => {
  const world = makeWorld();
  put(world.root, 'config/claude/settings.json', '{"hooks":{}}\n');
  symlinkSync('config/claude', join(world.root, '.claude'));
  commitAll(world.root, 'linked');
  const { path, capture } = await start(world);
  expect(read(path, settings)).toBeUndefined();
  expect((await capture()).files).toEqual([]);
});

it('a .claude directory that leads out of the workspace is taken away', async () => {
  const world = makeWorld();
  const outside = join(world.directory, 'outside');
  put(outside, 'settings.json', '{"hooks":{}}\n');
  symlinkSync(outside, join(world.root, '.claude'));
  commitAll(world.root, 'linked');
  const { path, capture } = await start(world);
  expect(read(path, settings)).toBeUndefined();
  expect((await capture()).files).toEqual([]);
  expect(read(outside, 'settings.json')).toBeDefined();
});

it('a .claude directory that the agent replaces by a link is hidden for the next attempt', async () => {
  const { path, again } = await start(makeHidingWorld());
  rmSync(join(path, '.claude'), { recursive: true });
  mkdirSync(join(path, 'elsewhere'));
  put(path, 'elsewhere/settings.json', '{"hooks":"evil"}\n');
  symlinkSync('elsewhere', join(path, '.claude'));
  await again();
  expect(read(path, settings)).toBeUndefined();
});
