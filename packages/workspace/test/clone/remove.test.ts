import { existsSync } from 'node:fs';
import { expect, it } from 'vitest';
import { git, makeWorld, put, refsOf } from '../fixtures/world.js';

it('remove() saves what no ref holds, then removes the clone', async () => {
  const world = makeWorld();
  const workspaces = await world.open();
  const at = { run: 'r1', task: 'fix', attempt: 1, base: world.base };
  const { path } = await workspaces.prepare({ ...at, mode: 'fresh', hideAgentSettings: true });
  put(path, 'b', 'work');
  expect(await workspaces.remove('r1', 'fix')).toEqual({ kind: 'removed' });
  expect(existsSync(path)).toBe(false);
  expect(git(world.root, 'show', 'refs/orch/rescue/r1/fix/1:b')).toBe('work');
  expect(refsOf(world.root, 'refs/orch/bases/')).toEqual({});
  expect(await workspaces.remove('r1', 'fix')).toEqual({ kind: 'removed' });
});

it('remove() needs no rescue when the result holds everything', async () => {
  const world = makeWorld();
  const workspaces = await world.open();
  const at = { run: 'r1', task: 'fix', attempt: 1, base: world.base };
  const { path } = await workspaces.prepare({ ...at, mode: 'fresh', hideAgentSettings: true });
  put(path, 'b', 'work');
  const { commit } = await workspaces.capture({ ...at, message: 'm', writes: undefined });
  expect(await workspaces.remove('r1', 'fix')).toEqual({ kind: 'removed' });
  expect(refsOf(world.root, 'refs/orch/')).toEqual({ 'refs/orch/runs/r1/fix/1': commit });
});

it('remove() keeps a clone with commits that cannot be saved', async () => {
  const world = makeWorld();
  const workspaces = await world.open();
  const at = { run: 'r1', task: 'fix', attempt: 1, base: world.base };
  const { path } = await workspaces.prepare({ ...at, mode: 'fresh', hideAgentSettings: true });
  put(path, '.git/refs/heads/side', `${'1'.repeat(40)}\n`);
  const removed = await workspaces.remove('r1', 'fix');
  expect(removed).toMatchObject({ kind: 'kept' });
  expect(JSON.stringify(removed)).toContain('1111111');
  expect(existsSync(path)).toBe(true);
});
