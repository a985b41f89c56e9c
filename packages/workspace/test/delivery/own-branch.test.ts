import { expect, it } from 'vitest';
import type { DeliveryIntent } from '../../src/index.js';
import { commitAll, git, makeWorld, put } from '../fixtures/world.js';

const target = 'refs/heads/orch/r1';

/** A run that delivered `one`, and whose next result, `two`, does not contain it. */
async function makeTwoResults() {
  const world = makeWorld();
  const workspaces = await world.open();
  const result = (file: string): string => {
    git(world.root, 'checkout', '--quiet', '--detach', world.base);
    put(world.root, file, '1\n');
    return commitAll(world.root, file);
  };
  const [one, two] = [result('one'), result('two')];
  git(world.root, 'checkout', '--quiet', 'main');
  const plan = async (
    to: string,
    delivered: { readonly [ref: string]: readonly string[] } = {},
  ): Promise<DeliveryIntent> => {
    const planned = await workspaces.planDelivery({
      ...{ run: 'r1', base: world.base, to, delivered },
      delivery: { to: 'branch' },
    });
    if ('refused' in planned) throw new Error(planned.refused);
    return planned;
  };
  await workspaces.deliver(await plan(one));
  const at = (ref: string): string => git(world.root, 'rev-parse', ref);
  expect(at(target)).toBe(one);
  return { world, workspaces, one, two, plan, at };
}

it('a branch that stands where this run left it gets the next result, whatever that contains', async () => {
  const { workspaces, world, one, two, plan, at } = await makeTwoResults();
  const intent = await plan(two, { [target]: [one] });
  expect(intent).toMatchObject({ target, from: one, to: two, replaces: true });
  expect(await workspaces.deliver(intent)).toEqual({ kind: 'done', target, commit: two });
  expect(at(target)).toBe(two);
  // The same call after a crash: done already.
  expect(await workspaces.deliver(intent)).toMatchObject({ kind: 'done' });
  // Less than before, and contained in it: the branch still becomes exactly the result.
  const less = await plan(world.base, { [target]: [two] });
  expect(await workspaces.deliver(less)).toMatchObject({ kind: 'done' });
  expect(at(target)).toBe(world.base);
});

it('a branch that somebody else moved is left alone, and the note says where the result went', async () => {
  const { workspaces, world, one, two, plan, at } = await makeTwoResults();
  git(world.root, 'checkout', '--quiet', 'orch/r1');
  put(world.root, 'own', '1');
  const own = commitAll(world.root, 'own work');
  git(world.root, 'checkout', '--quiet', 'main');
  const intent = await plan(two, { [target]: [one] });
  expect(intent).toEqual({
    target: `${target}-2`,
    from: null,
    to: two,
    note: 'The branch is orch/r1-2, because orch/r1 was moved by somebody else.',
  });
  await workspaces.deliver(intent);
  expect([at(target), at(`${target}-2`)]).toEqual([own, two]);
  // A third result goes where the second one lies, and past what somebody else has there.
  const delivered = { [target]: [one], [`${target}-2`]: [two] };
  expect(await plan(world.base, delivered)).toMatchObject({ target: `${target}-2`, from: two });
  git(world.root, 'branch', '--force', 'orch/r1-2', own);
  expect(await plan(world.base, delivered)).toMatchObject({ target: `${target}-3`, from: null });
});

it('moved between plan and delivery: refused, and nothing is moved', async () => {
  const { workspaces, world, one, two, plan, at } = await makeTwoResults();
  const intent = await plan(two, { [target]: [one] });
  git(world.root, 'branch', '--force', 'orch/r1', world.base);
  expect(await workspaces.deliver(intent)).toMatchObject({ kind: 'refused' });
  expect(at(target)).toBe(world.base);
});

it('a branch in which somebody works is left alone, unless it can simply move forward', async () => {
  const { world, one, two, plan } = await makeTwoResults();
  git(world.root, 'checkout', '--quiet', 'orch/r1');
  expect(await plan(two, { [target]: [one] })).toMatchObject({
    target: `${target}-2`,
    note: `The branch is orch/r1-2, because orch/r1 is checked out in ${world.root}.`,
  });
  git(world.root, 'checkout', '--quiet', '--detach');
  put(world.root, 'more', '1');
  const more = commitAll(world.root, 'one and more');
  git(world.root, 'checkout', '--quiet', 'orch/r1');
  expect(await plan(more, { [target]: [one] })).toEqual({
    ...{ target, from: one, to: more, worktree: world.root },
  });
  // A file of theirs stands where the new one must go.
  put(world.root, 'more', 'theirs');
  const beside = await plan(more, { [target]: [one] });
  expect(beside).toMatchObject({ target: `${target}-2`, from: null });
  expect(beside.note).toMatch(
    /^The branch is orch\/r1-2, because orch\/r1 cannot be moved: .*more/,
  );
});

it('without the record of what it delivered the same branch is refused', async () => {
  const { plan, two } = await makeTwoResults();
  await expect(plan(two)).rejects.toThrow(/has moved to/);
});
