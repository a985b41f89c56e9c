import { delimiter } from 'node:path';
import { expect, it } from 'vitest';
import { makeDirectory, makeWorld, put } from '../fixtures/world.js';

it('createWorkspaces() says when there is no git', async () => {
  const world = makeWorld();
  const empty = makeDirectory();
  await expect(world.open({ path: empty })).rejects.toMatchObject({
    code: 'ORCH_GIT_MISSING',
    next: 'git --version',
  });
});

it('createWorkspaces() refuses a git that cannot merge without a worktree', async () => {
  const world = makeWorld();
  const old = makeDirectory();
  put(old, 'git', '#!/bin/sh\necho git version 2.37.9\n', 0o755);
  const path = [old, process.env['PATH']].join(delimiter);
  const attempt = world.open({ path });
  await expect(attempt).rejects.toMatchObject({ code: 'ORCH_GIT_TOO_OLD' });
  await expect(attempt).rejects.toThrow('2.37.9');
});

it('a git in a relative entry of the PATH is not used', async () => {
  const world = makeWorld();
  await expect(world.open({ path: '.:bin' })).rejects.toMatchObject({ code: 'ORCH_GIT_MISSING' });
  await expect(world.open({ path: `.:${process.env['PATH'] ?? ''}` })).resolves.toBeDefined();
});
