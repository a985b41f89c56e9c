import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createCoordinator, type AgentRequest, type Graph } from '../../src/index.js';
import { summarize, type RunState } from '../../src/state/index.js';
import { createWorld, graphOf, Killed, taskNode } from '../simulated-world.js';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'orch-revise-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

type World = ReturnType<typeof createWorld>;

const start = (world: World, graph: Graph, dieAt?: number): Promise<RunState> =>
  createCoordinator(world.parts(directory, dieAt === undefined ? {} : { dieAt })).start({
    graph,
    base: world.base,
    branch: 'main',
    mode: 'run',
    parallel: 4,
  });
const resume = (
  world: World,
  options: { revised?: Graph; parallel?: number } = {},
): Promise<RunState> =>
  createCoordinator(world.parts(directory)).resume({ run: 'run0000001', ...options });
const verdicts = (state: RunState): Record<string, string | undefined> =>
  Object.fromEntries(Object.values(state.tasks).map((task) => [task.label, task.verdict]));
const delivered = (world: World, name?: string): readonly string[] =>
  Object.keys(world.tree(world.branch(name) ?? '')).filter((file) => file !== 'README.md');

describe('a revised plan after a delivery', () => {
  it('replaces what it delivered: a removed task leaves no file behind', async () => {
    const world = createWorld();
    await start(world, graphOf([taskNode('a'), taskNode('b')]));
    expect(delivered(world)).toEqual(['a.txt', 'b.txt']);
    const state = await resume(world, { revised: graphOf([taskNode('a'), taskNode('c')]) });
    expect(state.outcome).toBe('succeeded');
    expect(delivered(world)).toEqual(['a.txt', 'c.txt']);
    expect(world.started).toEqual(['a.1', 'b.1', 'c.1']);
    // Also where less than before is wanted.
    await resume(world, { revised: graphOf([taskNode('a')]) });
    expect(delivered(world)).toEqual(['a.txt']);
  });

  it('leaves a branch alone that somebody else moved, and delivers beside it', async () => {
    const world = createWorld();
    await start(world, graphOf([taskNode('a'), taskNode('b')]));
    world.advance('orch/run');
    const state = await resume(world, { revised: graphOf([taskNode('a'), taskNode('c')]) });
    expect(state.delivery?.done?.target).toBe('refs/heads/orch/run-2');
    expect(delivered(world)).toEqual(['a.txt', 'b.txt', 'own.txt']);
    expect(delivered(world, 'orch/run-2')).toEqual(['a.txt', 'c.txt']);
  });

  it('delivers nothing where nothing is left to deliver', async () => {
    const world = createWorld({
      behave: (request) => (request.task === 'c' ? { files: {} } : {}),
    });
    await start(world, graphOf([taskNode('a')]));
    const before = world.branch();
    const state = await resume(world, { revised: graphOf([taskNode('c', { effect: 'none' })]) });
    expect(state.outcome).toBe('succeeded');
    expect(state.delivery).toBeUndefined();
    expect(world.branch()).toBe(before);
  });

  it('killed between the branch and the journal, the branch still counts as its own', async () => {
    const world = createWorld();
    const parts = world.parts(directory);
    const dying = createCoordinator({
      ...parts,
      workspace: {
        ...parts.workspace,
        deliver: async (intent) => {
          await parts.workspace.deliver(intent);
          throw new Killed();
        },
      },
    });
    const graph = graphOf([taskNode('a'), taskNode('b')]);
    await expect(
      dying.start({ graph, base: world.base, branch: 'main', mode: 'run', parallel: 4 }),
    ).rejects.toThrow(Killed);
    const state = await resume(world, { revised: graphOf([taskNode('a')]) });
    expect(state.delivery?.done?.target).toBe('refs/heads/orch/run');
    expect(delivered(world)).toEqual(['a.txt']);
  });
});

describe('tasks that a revised plan has no more', () => {
  it('are removed, counted as such, and stay removed when the run goes on', async () => {
    let broken = true;
    const world = createWorld({
      behave: (request) => (request.task === 'c' && broken ? { files: {} } : {}),
    });
    await start(world, graphOf([taskNode('a'), taskNode('b')]));
    const second = await resume(world, { revised: graphOf([taskNode('a'), taskNode('c')]) });
    expect(second.tasks['b']).toMatchObject({ verdict: 'skipped', skipped: 'removed' });
    expect(summarize(second)).toMatchObject({ total: 2, removed: 1, skipped: 0, waiting: 0 });
    expect(summarize(second).line).toMatch(/^1\/2 succeeded · 1 failed · 1 removed · /);
    broken = false;
    const third = await resume(world);
    expect(third.outcome).toBe('succeeded');
    expect(third.tasks['b']?.skipped).toBe('removed');
    // A plan that has it again gets the answer that it gave before.
    const fourth = await resume(world, { revised: graphOf([taskNode('a'), taskNode('b')]) });
    expect(verdicts(fourth)).toEqual({ a: 'succeeded', b: 'succeeded', c: 'skipped' });
    expect(world.started).toEqual(['a.1', 'b.1', 'c.1', 'c.2']);
  });

  it('items of a list too', async () => {
    const over = (...items: number[]) =>
      graphOf([taskNode('b', { fanOut: { kind: 'foreach', as: 'n', items } }), taskNode('z')]);
    const world = createWorld();
    await start(world, over(1, 2));
    const second = await resume(world, { revised: over(2, 3) });
    expect(verdicts(second)).toEqual({
      'b[1]': 'skipped',
      'b[2]': 'succeeded',
      'b[3]': 'succeeded',
      z: 'succeeded',
    });
    expect(summarize(second)).toMatchObject({ total: 3, removed: 1, waiting: 0 });
    expect(world.started).toHaveLength(4);
    const third = await resume(world, { revised: graphOf([taskNode('z')]) });
    expect(summarize(third)).toMatchObject({ total: 1, removed: 3, waiting: 0 });
  });

  it('items whose list was not made come back with it', async () => {
    let broken = false;
    const over = (prompt: string) =>
      graphOf([
        taskNode('list', { prompt: { kind: 'literal', value: prompt } }),
        taskNode('b', { needs: ['list'], fanOut: { kind: 'foreach', as: 'n', items: [1, 2] } }),
      ]);
    const world = createWorld({
      behave: (request) => (request.task === 'list' && broken ? { files: {} } : {}),
    });
    await start(world, over('list'));
    broken = true;
    const second = await resume(world, { revised: over('list better') });
    expect(verdicts(second)).toMatchObject({ list: 'no_effect', 'b[1]': 'skipped' });
    const first = Object.values(second.tasks).find((task) => task.label === 'b[1]');
    expect(first?.reasons).toEqual(['the list it comes from was not made']);
    broken = false;
    const third = await resume(world);
    expect(third.outcome).toBe('succeeded');
    expect(verdicts(third)).toEqual({
      list: 'succeeded',
      'b[1]': 'succeeded',
      'b[2]': 'succeeded',
    });
    expect(summarize(third)).toMatchObject({ total: 3, removed: 0 });
  });
});

describe('what was under way when the leader died', () => {
  const plan = (more: Parameters<typeof taskNode>[1] = {}) =>
    graphOf([taskNode('a', more), taskNode('z', { needs: ['a'] })]);

  it('a finished attempt answers the revised plan, at whatever step it was', async () => {
    const whole = createWorld();
    const parts = whole.parts(path.join(directory, 'count'));
    await createCoordinator(parts).start({
      ...{ graph: plan(), base: whole.base, branch: null, mode: 'run', parallel: 4 },
    });
    const calls = parts.calls();
    expect(calls).toBeGreaterThan(10);
    for (let dieAt = 1; dieAt <= calls; dieAt += 1) {
      rmSync(path.join(directory, 'runs'), { recursive: true, force: true });
      const world = createWorld();
      await expect(start(world, plan(), dieAt)).rejects.toThrow(Killed);
      const state = await resume(world, { revised: plan({ gates: ['unit'] }) });
      expect(state.outcome, `killed at step ${dieAt}`).toBe('succeeded');
      expect([...world.finished.values()], `killed at step ${dieAt}`).toEqual([1, 1]);
      expect(delivered(world)).toEqual(['a.txt', 'z.txt']);
    }
  });

  it('an interrupted one goes on in its conversation, if it is asked the same', async () => {
    for (const [prompt, expected] of [
      ['do a', 'continue session-1'],
      ['do a differently', 'new session-2'],
    ] as const) {
      rmSync(path.join(directory, 'runs'), { recursive: true, force: true });
      const asked: AgentRequest[] = [];
      const world = createWorld({ behave: (request) => (asked.push(request), {}) });
      // Killed when its agent begins.
      await expect(start(world, plan(), 2)).rejects.toThrow(Killed);
      expect(world.started).toEqual(['a.1']);
      const state = await resume(world, {
        revised: plan({ prompt: { kind: 'literal', value: prompt }, timeoutMs: 7 }),
      });
      expect(state.outcome).toBe('succeeded');
      const [first] = asked;
      expect(`${first?.session.mode} ${first?.session.id}`).toBe(expected);
    }
  });
});

describe('gates under a revised plan', () => {
  it('run again only where they or what they check changed', async () => {
    const world = createWorld();
    const two = graphOf([taskNode('a', { gates: ['unit'] }), taskNode('b', { gates: ['unit'] })]);
    await start(world, two);
    expect(world.gateRuns()).toBe(2);
    const tasks = [
      taskNode('a', { gates: ['unit'], timeoutMs: 5 }),
      taskNode('b', { gates: ['unit'] }),
    ];
    const same = graphOf(tasks);
    const second = await resume(world, { revised: same });
    expect(world.gateRuns()).toBe(2);
    // The receipts that stand are still shown.
    expect(summarize(second).gates).toBe(2);
    const unit = two.gates['unit'];
    if (!unit) throw new Error('no gate');
    const stricter = graphOf(tasks, { gates: { unit: { ...unit, env: { A: '1' } } } });
    await resume(world, { revised: stricter });
    expect(world.gateRuns()).toBe(4);
    expect(world.started).toEqual(['a.1', 'b.1']);
  });
});

it('a revised plan may run more or less at once', async () => {
  const world = createWorld();
  await start(world, graphOf([taskNode('a')]));
  const more = ['b', 'c', 'd', 'e'].map((id) => taskNode(id));
  world.forgetPeak();
  const second = await resume(world, { revised: graphOf(more), parallel: 1 });
  expect(second.parallel).toBe(1);
  expect(world.mostRunning()).toBe(1);
  expect((await resume(world, { revised: graphOf([taskNode('a')]) })).parallel).toBe(1);
});

it('killed while the plan is revised, a plain resume applies the recorded one', async () => {
  const world = createWorld();
  await start(world, graphOf([taskNode('a')]));
  const revised = graphOf([taskNode('b')]);
  const parts = world.parts(directory);
  // Its clock is asked for each event: the second one of this leader is the revision.
  let events = 0;
  const dying = createCoordinator({
    ...parts,
    clock: {
      ...parts.clock,
      now: () => {
        if ((events += 1) > 1) throw new Killed();
        return parts.clock.now();
      },
    },
  });
  await expect(dying.resume({ run: 'run0000001', revised })).rejects.toThrow(Killed);
  const state = await resume(world);
  expect(verdicts(state)).toEqual({ a: 'skipped', b: 'succeeded' });
});
