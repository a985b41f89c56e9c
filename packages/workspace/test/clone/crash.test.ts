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
} from '../fixtures/world.js';

it('a capture that stops before any of its git commands is finished by the next one', async () => {
  for (let call = 1; ; call += 1) {
    const world = makeWorld();
    const at = { run: 'r1', task: 'fix', attempt: 1, base: world.base };
    const request = { ...at, message: 'm', writes: undefined };
    const workspaces = await world.open();
    const { path } = await workspaces.prepare({ ...at, mode: 'fresh', hideAgentSettings: true });
    put(path, 'b', '1');
    const own = commitAll(path, 'by the agent');
    put(path, 'c', '2');
    const stopped = await stopsBefore(world, call, (dying) => dying.capture(request));
    const first = refsOf(world.root)['refs/orch/runs/r1/fix/1'];
    const { commit, files, notes } = await workspaces.capture(request);
    if (first !== undefined) expect(commit).toBe(first);
    expect(git(world.root, 'rev-parse', `${commit}^`)).toBe(own);
    expect(files.map((file) => file.path)).toEqual(['b', 'c']);
    expect(notes).toEqual([]);
    expect(fsck(world.root)).toBe('');
    if (!stopped) {
      expect(call).toBeGreaterThan(8);
      return;
    }
  }
}, 60_000);

it('a prepare that stops before any of its git commands loses nothing', async () => {
  for (let call = 1; ; call += 1) {
    const world = makeWorld();
    const at = { run: 'r1', task: 'fix', attempt: 1, base: world.base };
    const request = { ...at, mode: 'fresh', hideAgentSettings: true } as const;
    const workspaces = await world.open();
    const { path } = await workspaces.prepare(request);
    put(path, 'b', '1');
    const own = commitAll(path, 'by the agent');
    put(path, 'c', 'uncommitted');
    const stopped = await stopsBefore(world, call, (dying) => dying.prepare(request));
    await workspaces.prepare(request);
    const rescued = Object.keys(refsOf(world.root, 'refs/orch/rescue/'));
    expect(rescued).toEqual(['refs/orch/rescue/r1/fix/1']);
    expect(git(world.root, 'show', `${rescued[0]}:c`)).toBe('uncommitted');
    expect(gitSucceeds(world.root, 'merge-base', '--is-ancestor', own, rescued[0] ?? '')).toBe(
      true,
    );
    expect(read(path, 'c')).toBeUndefined();
    expect(git(path, 'status', '--porcelain')).toBe('');
    expect(fsck(world.root)).toBe('');
    if (!stopped) {
      expect(call).toBeGreaterThan(8);
      return;
    }
  }
}, 60_000);
