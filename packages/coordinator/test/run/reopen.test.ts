import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createCoordinator } from '../../src/index.js';
import { summarize } from '../../src/state/index.js';
import { createWorld, graphOf, Killed, taskNode } from '../simulated-world.js';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'orch-reopen-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const graph = graphOf([taskNode('a'), taskNode('b')]);

it('a result that conflicted is made again from what it conflicted with, and then merges', async () => {
  const world = createWorld({
    behave: ({ task, attempt }) => ({ files: { 'same.txt': `${task}${attempt}` } }),
  });
  const of = { graph, base: world.base, branch: null, mode: 'run', parallel: 4 } as const;
  const first = await createCoordinator(world.parts(directory)).start(of);
  expect(first.tasks['b']?.verdict).toBe('conflicted');
  const tip = first.integration?.tip;
  const second = await createCoordinator(world.parts(directory)).resume({ run: first.run });
  expect(second.outcome).toBe('succeeded');
  expect(second.tasks['b']?.attempts[1]?.base).toBe(tip);
  expect(world.started).toEqual(['a.1', 'b.1', 'b.2']);
  expect(world.tree(world.branch() ?? '')['same.txt']).toBe('b2');
});

it('a result that conflicted and merges now is not made again', async () => {
  const world = createWorld();
  const parts = world.parts(directory);
  const b = `Merge b`;
  const stubborn = {
    ...parts,
    workspace: {
      ...parts.workspace,
      merge: async (request: Parameters<typeof parts.workspace.merge>[0]) =>
        request.message.startsWith(b)
          ? ({ kind: 'conflicted', files: ['b.txt'] } as const)
          : parts.workspace.merge(request),
    },
  };
  const of = { graph, base: world.base, branch: null, mode: 'run', parallel: 4 } as const;
  const first = await createCoordinator(stubborn).start(of);
  expect(first.tasks['b']?.verdict).toBe('conflicted');
  const second = await createCoordinator(world.parts(directory)).resume({ run: first.run });
  expect(second.outcome).toBe('succeeded');
  expect(second.tasks['b']?.verdict).toBe('succeeded');
  expect(world.started).toEqual(['a.1', 'b.1']);
  expect(Object.keys(world.tree(world.branch() ?? ''))).toContain('b.txt');
});

it('finished attempts that are taken up again are checked no more than the slots allow, nor beside their lock', async () => {
  const world = createWorld();
  const parts = world.parts(directory);
  const ids = ['a', 'b', 'c', 'd'];
  const tasks = ids.map((id) => taskNode(id, { gates: ['unit'], locks: id < 'c' ? ['port'] : [] }));
  const graph = graphOf(tasks);
  const of = { graph, base: world.base, branch: null, mode: 'run', parallel: 2 } as const;
  const broken = { check: () => Promise.reject(new Error('no checkout')) };
  const first = await createCoordinator({ ...parts, gate: broken }).start(of);
  expect(Object.values(first.tasks).map((task) => task.verdict)).toEqual(ids.map(() => 'error'));
  const now = new Set<string>();
  let most = 0;
  let sharedLock = false;
  const second = await createCoordinator({
    ...parts,
    gate: {
      async check(request, context) {
        now.add(request.subject);
        most = Math.max(most, now.size);
        sharedLock ||= now.has('a') && now.has('b');
        await new Promise((resolve) => setTimeout(resolve, 5));
        now.delete(request.subject);
        return parts.gate.check(request, context);
      },
    },
  }).resume({ run: first.run });
  expect(second.outcome).toBe('succeeded');
  expect(world.started).toHaveLength(4);
  expect(most).toBeLessThanOrEqual(2);
  expect(sharedLock).toBe(false);
});

it('what is merged already still counts as merged', async () => {
  let broken = true;
  const world = createWorld({
    behave: ({ task }) => (task === 'b' && broken ? { files: {} } : {}),
  });
  const of = { graph, base: world.base, branch: null, mode: 'run', parallel: 4 } as const;
  const first = await createCoordinator(world.parts(directory)).start(of);
  expect(summarize(first).merged).toBe(1);
  broken = false;
  const second = await createCoordinator(world.parts(directory)).resume({ run: first.run });
  expect(second.outcome).toBe('succeeded');
  expect(summarize(second).merged).toBe(2);
});

it('killed before it was opened again, an ended run is opened by the next resume', async () => {
  let broken = true;
  const world = createWorld({
    behave: ({ task }) => (task === 'b' && broken ? { files: {} } : {}),
  });
  const of = { graph, base: world.base, branch: null, mode: 'run', parallel: 4 } as const;
  const { run } = await createCoordinator(world.parts(directory)).start(of);
  broken = false;
  const parts = world.parts(directory);
  const dying = { ...parts.agent, reap: () => Promise.reject(new Killed()) };
  await expect(createCoordinator({ ...parts, agent: dying }).resume({ run })).rejects.toThrow(
    Killed,
  );
  const state = await createCoordinator(world.parts(directory)).resume({ run });
  expect(state.outcome).toBe('succeeded');
});
