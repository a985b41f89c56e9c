import type { ProcessOwner } from '@orch/process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { mkdirSync } from 'node:fs';
import { expect, it } from 'vitest';
import { commitAll, git, makeWorld, put, refsOf, testOwner } from '../fixtures/world.js';

const ref = 'refs/orch/integration/r1';

it('integrate() moves the integration ref by compare-and-swap', async () => {
  const world = makeWorld();
  const workspaces = await world.open();
  put(world.root, 'b', '2');
  const second = commitAll(world.root, 'second');
  await workspaces.integrate({ run: 'r1', from: null, to: world.base });
  await workspaces.integrate({ run: 'r1', from: null, to: world.base });
  await workspaces.integrate({ run: 'r1', from: world.base, to: second });
  expect(refsOf(world.root)[ref]).toBe(second);
  await expect(
    workspaces.integrate({ run: 'r1', from: null, to: world.base }),
  ).rejects.toMatchObject({
    code: 'ORCH_GIT_REF_MOVED',
    details: { ref, expected: null, actual: second },
  });
  expect(refsOf(world.root)[ref]).toBe(second);
});

/** An owner that does something after each failed `update-ref`. */
function watching(onFailure: () => void): Pick<ProcessOwner, 'run'> {
  return {
    async run(spec) {
      const ended = await testOwner().run(spec);
      if (spec.argv.includes('update-ref') && ended.code !== 0) onFailure();
      return ended;
    },
  };
}

it('a ref that another git process has locked is tried again', async () => {
  const world = makeWorld();
  const lock = join(world.root, '.git', `${ref}.lock`);
  let failures = 0;
  const workspaces = await world.open({
    owner: watching(() => {
      failures += 1;
      if (failures === 3) rmSync(lock);
    }),
  });
  mkdirSync(dirname(lock), { recursive: true });
  writeFileSync(lock, '');
  await workspaces.integrate({ run: 'r1', from: null, to: world.base });
  expect(failures).toBe(3);
  expect(git(world.root, 'rev-parse', ref)).toBe(world.base);
});

it('a ref that stays locked ends in ORCH_GIT_REF_BUSY, and the lock stays', async () => {
  const world = makeWorld();
  const lock = join(world.root, '.git', `${ref}.lock`);
  const workspaces = await world.open();
  mkdirSync(dirname(lock), { recursive: true });
  writeFileSync(lock, '');
  await expect(
    workspaces.integrate({ run: 'r1', from: null, to: world.base }),
  ).rejects.toMatchObject({ code: 'ORCH_GIT_REF_BUSY' });
  expect(existsSync(lock)).toBe(true);
});
