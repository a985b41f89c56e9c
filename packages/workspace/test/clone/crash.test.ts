import { readdirSync, rmSync } from 'node:fs';
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
  stopsBefore,
  type World,
} from '../fixtures/world.js';

/** The directory name that stands for the repository. */
const keyOf = (world: World): string => readdirSync(join(world.state, 'workspaces'))[0] ?? '';

it('a capture that stops before any of its writing git commands is finished by the next one', async () => {
  const world = makeWorld();
  const workspaces = await world.open();
  for (let call = 1; ; call += 1) {
    const at = { run: 'r1', task: `t${call}`, attempt: 1, base: world.base };
    const request = { ...at, message: 'm', writes: undefined };
    const { path } = await workspaces.prepare({ ...at, mode: 'fresh', hideAgentSettings: true });
    put(path, 'b', '1');
    const own = commitAll(path, 'by the agent');
    put(path, 'c', '2');
    const stopped = await stopsBefore(world, call, (dying) => dying.capture(request));
    const first = refsOf(world.root)[`refs/orch/runs/r1/t${call}/1`];
    const { commit, files, notes } = await workspaces.capture(request);
    if (first !== undefined) expect(commit).toBe(first);
    expect(git(world.root, 'rev-parse', `${commit}^`)).toBe(own);
    expect(files.map((file) => file.path)).toEqual(['b', 'c']);
    expect(notes).toEqual([]);
    if (stopped) continue;
    // Negative control: there was something to stop.
    expect(call).toBeGreaterThan(3);
    expect(fsck(world.root)).toBe('');
    return;
  }
}, 60_000);

it('a prepare that stops before any of its writing git commands loses nothing', async () => {
  const world = makeWorld();
  const workspaces = await world.open();
  for (let call = 1; ; call += 1) {
    const at = { run: 'r1', task: `t${call}`, attempt: 1, base: world.base };
    const request = { ...at, mode: 'fresh', hideAgentSettings: true } as const;
    const { path } = await workspaces.prepare(request);
    put(path, 'b', '1');
    const own = commitAll(path, 'by the agent');
    put(path, 'c', 'uncommitted');
    const stopped = await stopsBefore(world, call, (dying) => dying.prepare(request));
    await workspaces.prepare(request);
    const rescued = Object.keys(refsOf(world.root, `refs/orch/rescue/r1/t${call}/`));
    expect(rescued).toEqual([`refs/orch/rescue/r1/t${call}/1`]);
    expect(git(world.root, 'show', `${rescued[0]}:c`)).toBe('uncommitted');
    expect(gitSucceeds(world.root, 'merge-base', '--is-ancestor', own, rescued[0] ?? '')).toBe(
      true,
    );
    expect(read(path, 'c')).toBeUndefined();
    expect(git(path, 'status', '--porcelain')).toBe('');
    if (stopped) continue;
    // Negative control: there was something to stop.
    expect(call).toBeGreaterThan(3);
    expect(fsck(world.root)).toBe('');
    return;
  }
}, 60_000);

it('a prepare that stops while it removes the old files does not save the rest of them again', async () => {
  const world = makeWorld({ a: '1\n', b: '2\n' });
  const at = { run: 'r1', task: 'fix', attempt: 1, base: world.base };
  const request = { ...at, mode: 'fresh', hideAgentSettings: true } as const;
  const stopped = new Promise<void>((resolve) => {
    void world
      .open({
        onStep(step) {
          if (step !== 'prepare.removing') return undefined;
          resolve();
          return new Promise(() => undefined);
        },
      })
      .then(async (dying) => {
        const { path } = await dying.prepare(request);
        put(path, 'a', 'changed\n');
        await dying.prepare(request);
      });
  });
  await stopped;
  const workspaces = await world.open();
  rmSync(join(world.state, 'workspaces', keyOf(world), 'r1', 'fix', 'b'));
  const { path } = await workspaces.prepare(request);
  expect(read(path, 'b')).toBe('2\n');
  expect(Object.keys(refsOf(world.root, 'refs/orch/rescue/'))).toEqual([
    'refs/orch/rescue/r1/fix/1',
  ]);
  expect(git(world.root, 'show', 'refs/orch/rescue/r1/fix/1:a')).toBe('changed');
});
