import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeRunner, type Runner } from '../fixtures/killed.js';
import {
  commitAll,
  fsck,
  git,
  makeWorld,
  put,
  read,
  refsOf,
  type World,
} from '../fixtures/world.js';

let run: Runner;
const directory = mkdtempSync(join(tmpdir(), 'orch-killed-'));
beforeAll(() => {
  run = makeRunner(directory);
});
afterAll(() => rmSync(directory, { recursive: true }));

interface Result {
  readonly world: World;
  readonly to: string;
  readonly intent: { target: string; from: string; to: string; worktree: string };
}

function makeResult(more: Readonly<Record<string, string>> = {}): Result {
  const world = makeWorld({
    'src/a.ts': 'one\n',
    'src/gone/b.ts': 'two\n',
    swap: 'a file\n',
    'back/file': 'a directory\n',
    untouched: 'x\n',
  });
  const { root } = world;
  git(root, 'checkout', '--quiet', '--detach');
  put(root, 'src/a.ts', 'a longer line than before\n');
  rmSync(join(root, 'src/gone'), { recursive: true });
  rmSync(join(root, 'swap'));
  put(root, 'swap/inside', 'now a directory\n');
  rmSync(join(root, 'back'), { recursive: true });
  put(root, 'back', 'now a file\n');
  put(root, 'new/é "x"', 'new\n');
  for (const [path, text] of Object.entries(more)) put(root, path, text);
  const to = commitAll(root, 'result');
  git(root, 'checkout', '--quiet', 'main');
  const intent = { target: 'refs/heads/main', from: world.base, to, worktree: root };
  return { world, to, intent };
}

function expectDelivered({ world, to }: Result): void {
  const { root } = world;
  expect(refsOf(root)['refs/heads/main']).toBe(to);
  expect(git(root, 'status', '--porcelain')).toBe('');
  expect(git(root, 'symbolic-ref', 'HEAD')).toBe('refs/heads/main');
  const ours = readdirSync(join(root, '.git')).filter((name) => /lock|orch/.test(name));
  expect(ours).toEqual([]);
  expect(fsck(root)).toBe('');
}

const steps = ['recorded', 'locked', 'files', 'ref', 'index', 'unlocked'];

it.each(steps)(
  'a delivery that is killed after step %s is finished by the next call',
  async (step) => {
    const result = makeResult();
    const { world, intent } = result;
    const killed = await run(world, [['deliver', intent]], { at: `deliver.${step}` });
    expect(killed.signal).toBe('SIGKILL');
    const workspaces = await world.open();
    expect(await workspaces.deliver(intent)).toMatchObject({ kind: 'done', commit: result.to });
    expectDelivered(result);
  },
);

it('the user cannot commit in between, so that a half-moved worktree is never committed', async () => {
  const result = makeResult();
  const { world, intent } = result;
  await run(world, [['deliver', intent]], { at: 'deliver.files' });
  // Negative control for the steps: the files are new, the branch is not.
  expect(refsOf(world.root)['refs/heads/main']).toBe(world.base);
  expect(git(world.root, 'status', '--porcelain')).not.toBe('');
  expect(() => git(world.root, 'commit', '-am', 'half')).toThrow(/index.lock/);
  const workspaces = await world.open();
  expect(await workspaces.deliver(intent)).toMatchObject({ kind: 'done' });
  expectDelivered(result);
});

it('a kill while git writes the files is finished too', async () => {
  const many = Object.fromEntries(
    Array.from({ length: 800 }, (_, at) => [`many/${at}`, `${at}\n`.repeat(50)]),
  );
  const result = makeResult(many);
  const { world, intent } = result;
  const killed = await run(world, [['deliver', intent]], {
    during: '-u',
    watch: world.root,
  });
  expect(killed.signal).toBe('SIGKILL');
  expect(refsOf(world.root)['refs/heads/main']).toBe(world.base);
  const written = existsSync(join(world.root, 'many'))
    ? readdirSync(join(world.root, 'many')).length
    : 0;
  expect(written).toBeLessThan(800);
  const workspaces = await world.open();
  expect(await workspaces.deliver(intent)).toMatchObject({ kind: 'done' });
  expectDelivered(result);
});

it('files that are half written or not yet written are completed', async () => {
  const result = makeResult();
  const { world, intent } = result;
  await run(world, [['deliver', intent]], { at: 'deliver.files' });
  const { root } = world;
  // As if it had stopped in the middle: one file old, one half, one not there, one empty.
  put(root, 'src/a.ts', 'a longer li');
  rmSync(join(root, 'swap'), { recursive: true });
  put(root, 'swap', 'a file\n');
  rmSync(join(root, 'new'), { recursive: true });
  put(root, 'back', '');
  put(root, 'src/gone/b.ts', 'two\n');
  const workspaces = await world.open();
  expect(await workspaces.deliver(intent)).toMatchObject({ kind: 'done' });
  expectDelivered(result);
});

it('files that the user edited in between are never overwritten', async () => {
  const result = makeResult();
  const { world, intent } = result;
  const { root } = world;
  await run(world, [['deliver', intent]], { at: 'deliver.files' });
  put(root, 'src/a.ts', 'my own words\n');
  const workspaces = await world.open();
  expect(await workspaces.deliver(intent)).toMatchObject({
    kind: 'refused',
    reason: expect.stringContaining('src/a.ts') as string,
  });
  expect(read(root, 'src/a.ts')).toBe('my own words\n');
  expect(refsOf(root)['refs/heads/main']).toBe(world.base);
  expect(existsSync(join(root, '.git', 'index.lock'))).toBe(false);
  // Out of the way, the delivery goes on.
  git(root, 'reset', '--quiet', '--hard');
  git(root, 'clean', '--quiet', '-fd');
  expect(await workspaces.deliver(intent)).toMatchObject({ kind: 'done' });
  expectDelivered(result);
});

it('edits after the branch moved stay, as changes on top of the new commit', async () => {
  const result = makeResult();
  const { world, intent, to } = result;
  const { root } = world;
  await run(world, [['deliver', intent]], { at: 'deliver.ref' });
  put(root, 'src/a.ts', 'my own words\n');
  const workspaces = await world.open();
  expect(await workspaces.deliver(intent)).toMatchObject({ kind: 'done' });
  expect(refsOf(root)['refs/heads/main']).toBe(to);
  expect(git(root, 'status', '--porcelain')).toBe(' M src/a.ts');
});

it('what the user staged after the worktree was free again stays staged', async () => {
  const { world, intent } = makeResult();
  const { root } = world;
  await run(world, [['deliver', intent]], { at: 'deliver.unlocked' });
  put(root, 'src/a.ts', 'my own words\n');
  git(root, 'add', '--all');
  const workspaces = await world.open();
  expect(await workspaces.deliver(intent)).toMatchObject({ kind: 'done' });
  expect(git(root, 'status', '--porcelain')).toBe('M  src/a.ts');
});

it('a branch that moved in between ends the delivery and frees the worktree', async () => {
  const { world, intent } = makeResult();
  const { root } = world;
  await run(world, [['deliver', intent]], { at: 'deliver.locked' });
  const other = git(root, 'commit-tree', '-p', world.base, '-m', 'x', `${world.base}^{tree}`);
  git(root, 'update-ref', 'refs/heads/main', other);
  const workspaces = await world.open();
  expect(await workspaces.deliver(intent)).toMatchObject({ kind: 'refused' });
  expect(existsSync(join(root, '.git', 'index.lock'))).toBe(false);
  expect(refsOf(root)['refs/heads/main']).toBe(other);
});

it('a lock of another git process is not taken for ours after a crash', async () => {
  const { world, intent } = makeResult();
  await run(world, [['deliver', intent]], { at: 'deliver.recorded' });
  const lock = join(world.root, '.git', 'index.lock');
  writeFileSync(lock, 'DIRC');
  const workspaces = await world.open();
  expect(await workspaces.deliver(intent)).toMatchObject({ kind: 'refused' });
  expect(existsSync(lock)).toBe(true);
});
