import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createCoordinator, type Graph, type TaskNode } from '../../src/index.js';
import type { RunState } from '../../src/state/index.js';
import { createWorld, graphOf, Killed, taskNode } from '../simulated-world.js';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'orch-coordinator-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

type World = ReturnType<typeof createWorld>;

const start = (
  world: World,
  graph: Graph,
  options: { dieAt?: number; parallel?: number; at?: string } = {},
): Promise<RunState> =>
  createCoordinator(
    world.parts(
      options.at ?? directory,
      options.dieAt === undefined ? {} : { dieAt: options.dieAt },
    ),
  ).start({
    graph,
    base: world.base,
    branch: 'main',
    mode: 'run',
    parallel: options.parallel ?? 4,
  });
const verdicts = (state: RunState): Record<string, string | undefined> =>
  Object.fromEntries(Object.values(state.tasks).map((task) => [task.label, task.verdict]));

/** Random plans without cycles: a task needs only earlier ones. */
const plans = fc
  .array(
    fc.record({
      needs: fc.array(fc.nat(), { maxLength: 3 }),
      gate: fc.boolean(),
      lock: fc.boolean(),
    }),
    { minLength: 1, maxLength: 12 },
  )
  .map((shapes) =>
    shapes.map((shape, index) =>
      taskNode(`t${index}`, {
        needs: index === 0 ? [] : [...new Set(shape.needs.map((need) => `t${need % index}`))],
        gates: shape.gate ? ['unit'] : [],
        locks: shape.lock ? ['database'] : [],
      }),
    ),
  );

describe('start()', () => {
  it('runs tasks in parallel, merges their results in plan order and delivers them', async () => {
    // A sequential scheduler would never end this.
    const world = createWorld({ meet: 2 });
    const state = await start(
      world,
      graphOf([taskNode('a'), taskNode('b'), taskNode('c', { needs: ['a', 'b'] })]),
    );
    expect(state.outcome).toBe('succeeded');
    expect(world.mostRunning()).toBe(2);
    expect(world.tree(world.branch() ?? '')).toEqual({
      'README.md': 'hello',
      'a.txt': 'by a',
      'b.txt': 'by b',
      'c.txt': 'by c',
    });
  });

  it('never starts a task before what it needs, never exceeds the slots, and always ends', async () => {
    await fc.assert(
      fc.asyncProperty(
        plans,
        fc.integer({ min: 1, max: 4 }),
        fc.infiniteStream(fc.nat({ max: 8 })),
        async (tasks, parallel, delays) => {
          const at = mkdtempSync(path.join(directory, 'run-'));
          const world = createWorld({ latency: () => Number(delays.next().value) });
          const state = await start(world, graphOf(tasks), { parallel, at });
          expect(state.outcome).toBe('succeeded');
          expect(world.mostRunning()).toBeLessThanOrEqual(parallel);
          for (const task of tasks) {
            for (const need of task.needs) {
              expect(world.started.indexOf(`${need}.1`)).toBeLessThan(
                world.started.indexOf(`${task.id}.1`),
              );
            }
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it('brings the findings of a failed gate back to the same conversation', async () => {
    const asked: string[] = [];
    const world = createWorld({
      behave: (request) => {
        asked.push(`${request.session.mode} ${request.session.id}: ${request.prompt}`);
        return { files: { 'a.txt': request.attempt === 1 ? 'BROKEN' : 'whole' } };
      },
    });
    const state = await start(world, graphOf([taskNode('a', { gates: ['unit'] })]));
    expect(state.outcome).toBe('succeeded');
    expect(asked[1]).toMatch(/^continue session-1: [^]*something is BROKEN/);
    expect(state.tasks['a']?.attempts.map((attempt) => attempt.verdict)).toEqual([
      'gate_failed',
      'succeeded',
    ]);
  });

  it('gives up after the allowed number of repairs', async () => {
    const world = createWorld({ behave: () => ({ files: { 'a.txt': 'BROKEN' } }) });
    const state = await start(
      world,
      graphOf([
        taskNode('a', { gates: ['unit'], retry: { transient: 0, gate: 1 } }),
        taskNode('b', { needs: ['a'] }),
      ]),
    );
    expect(verdicts(state)).toEqual({ a: 'gate_failed', b: 'skipped' });
    expect(state.outcome).toBe('failed');
    expect(state.tasks['a']?.attempts).toHaveLength(2);
  });

  it('merges what does, names what does not, and keeps both', async () => {
    const world = createWorld({ behave: (request) => ({ files: { 'same.txt': request.task } }) });
    const state = await start(world, graphOf([taskNode('a'), taskNode('b')]));
    expect(verdicts(state)).toEqual({ a: 'succeeded', b: 'conflicted' });
    expect(state.outcome).toBe('conflicted');
    expect(world.tree(world.branch() ?? '')['same.txt']).toBe('a');
    expect(state.tasks['b']?.attempts[0]?.captured?.ref).toBe('refs/orch/runs/run0000001/b/1');
  });

  it('makes one task for each item, and one more for each of those', async () => {
    const items = ['x', 'y', 'z'];
    const tasks: TaskNode[] = [
      taskNode('write', { fanOut: { kind: 'foreach', as: 'name', items } }),
      taskNode('review', { fanOut: { kind: 'each', of: 'write' } }),
      taskNode('end', { needs: ['review'] }),
    ];
    const world = createWorld();
    const state = await start(world, graphOf(tasks));
    expect(verdicts(state)).toEqual({
      end: 'succeeded',
      ...Object.fromEntries(
        items.flatMap((item) => [
          [`write[${item}]`, 'succeeded'],
          [`review[${item}]`, 'succeeded'],
        ]),
      ),
    });
    expect(Object.keys(world.tree(world.branch() ?? ''))).toHaveLength(8);
  });

  it('says aloud that an empty list was skipped', async () => {
    const state = await start(
      createWorld(),
      graphOf([taskNode('write', { fanOut: { kind: 'foreach', as: 'name', items: [] } })]),
    );
    expect(state.tasks['write']).toMatchObject({
      verdict: 'skipped',
      reasons: ['its list is empty'],
    });
  });

  it('stops starting tasks when the budget is spent', async () => {
    const state = await start(
      createWorld(),
      graphOf([taskNode('a'), taskNode('b', { needs: ['a'] })], {
        limits: { parallel: 4, usd: 0.01 },
      }),
    );
    expect(state.tasks['b']).toMatchObject({ verdict: 'skipped', skipped: 'budget' });
    expect(state.outcome).toBe('exhausted');
  });

  it('stops on request without losing what is finished, and goes on from there', async () => {
    const stop = new AbortController();
    const world = createWorld({
      behave: (request) => {
        if (request.task === 'b' && request.attempt === 1) {
          stop.abort();
          return { end: { outcome: 'cancelled' } };
        }
        return {};
      },
    });
    const graph = graphOf([taskNode('a'), taskNode('b', { needs: ['a'] })]);
    const stopped = await createCoordinator(world.parts(directory)).start({
      graph,
      base: world.base,
      branch: 'main',
      mode: 'run',
      parallel: 1,
      stop: stop.signal,
    });
    expect(stopped.status).toBe('interrupted');
    expect(verdicts(stopped)).toEqual({ a: 'succeeded', b: undefined });
    const resumed = await createCoordinator(world.parts(directory)).resume({ run: stopped.run });
    expect(resumed.outcome).toBe('succeeded');
    expect(world.started).toEqual(['a.1', 'b.1', 'b.2']);
  });
});

describe('resume()', () => {
  const graph = graphOf([
    taskNode('a', { gates: ['unit'] }),
    taskNode('b', { fanOut: { kind: 'foreach', as: 'n', items: [1, 2] } }),
    taskNode('c', { needs: ['a', 'b'], gates: ['unit'] }),
  ]);

  it('killed at any step: no finished attempt runs again, and the result is the same', async () => {
    const whole = createWorld();
    const expected = await start(whole, graph);
    const calls = expectedCalls(await countCalls());
    for (let dieAt = 1; dieAt <= calls; dieAt += 1) {
      const at = mkdtempSync(path.join(directory, `die-${dieAt}-`));
      const world = createWorld();
      await expect(start(world, graph, { dieAt, at }), `killed at step ${dieAt}`).rejects.toThrow(
        Killed,
      );
      const state = await createCoordinator(world.parts(at)).resume({ run: 'run0000001' });
      expect(verdicts(state), `killed at step ${dieAt}`).toEqual(verdicts(expected));
      expect(world.tree(world.branch() ?? '')).toEqual(whole.tree(whole.branch() ?? ''));
      expect(
        [...world.finished.values()],
        `killed at step ${dieAt}: ${world.started.join(' ')}`,
      ).toEqual([1, 1, 1, 1]);
    }
  });

  it('without the journal the same check is red: finished attempts run again', async () => {
    const world = createWorld();
    await expect(start(world, graph, { dieAt: 12 })).rejects.toThrow(Killed);
    const before = [...world.finished.values()].reduce((sum, count) => sum + count, 0);
    expect(before).toBeGreaterThan(0);
    rmSync(path.join(directory, 'runs'), { recursive: true });
    await start(world, graph);
    expect(Math.max(...world.finished.values())).toBeGreaterThan(1);
  });

  it('survives being killed again and again', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 25 }), { minLength: 1, maxLength: 6 }),
        async (lives) => {
          const at = mkdtempSync(path.join(directory, 'lives-'));
          const world = createWorld();
          await start(world, graph, { dieAt: lives[0] ?? 1, at }).catch((error: unknown) =>
            expect(error).toBeInstanceOf(Killed),
          );
          for (const dieAt of lives.slice(1)) {
            await createCoordinator(world.parts(at, { dieAt }))
              .resume({ run: 'run0000001' })
              .catch((error: unknown) => expect(error).toBeInstanceOf(Killed));
          }
          const state = await createCoordinator(world.parts(at)).resume({ run: 'run0000001' });
          expect(state.outcome).toBe('succeeded');
          expect(Math.max(...world.finished.values())).toBe(1);
        },
      ),
      { numRuns: 40 },
    );
  });

  it('leaves a run that succeeded as it is', async () => {
    const world = createWorld();
    const state = await start(world, graph);
    const again = await createCoordinator(world.parts(directory)).resume({ run: state.run });
    expect(again.seq).toBe(state.seq);
  });

  it('tries the failures of an ended run again, and nothing else', async () => {
    let broken = true;
    const world = createWorld({
      behave: (request) => (request.task === 'a' && broken ? { files: {} } : {}),
    });
    const tasks = graphOf([taskNode('a'), taskNode('b', { needs: ['a'] }), taskNode('c')]);
    const first = await start(world, tasks);
    expect(verdicts(first)).toEqual({ a: 'no_effect', b: 'skipped', c: 'succeeded' });
    broken = false;
    const second = await createCoordinator(world.parts(directory)).resume({ run: first.run });
    expect(verdicts(second)).toEqual({ a: 'succeeded', b: 'succeeded', c: 'succeeded' });
    expect(world.started).toEqual(['a.1', 'c.1', 'a.2', 'b.1']);
    expect(Object.keys(world.tree(world.branch() ?? ''))).toEqual([
      'README.md',
      'a.txt',
      'b.txt',
      'c.txt',
    ]);
  });

  it('with an edited plan: what is still the same question keeps its answer', async () => {
    const world = createWorld();
    const first = await start(
      world,
      graphOf([taskNode('a'), taskNode('b', { needs: ['a'] }), taskNode('c')]),
    );
    const revised = graphOf([
      taskNode('a', { gates: ['unit'], timeoutMs: 5 }),
      taskNode('b', { needs: ['a'] }),
      taskNode('c', { prompt: { kind: 'literal', value: 'do c differently' } }),
    ]);
    const second = await createCoordinator(world.parts(directory)).resume({
      run: first.run,
      revised,
    });
    expect(second.outcome).toBe('succeeded');
    expect(world.started).toEqual(['a.1', 'c.1', 'b.1', 'c.2']);
    // The new gate of `a` ran on the result that stands.
    expect(world.gateRuns()).toBe(1);
  });

  async function countCalls(): Promise<number> {
    const world = createWorld();
    const parts = world.parts(mkdtempSync(path.join(directory, 'count-')));
    await createCoordinator(parts).start({
      graph,
      base: world.base,
      branch: 'main',
      mode: 'run',
      parallel: 4,
    });
    return parts.calls();
  }
});

/** A count that shrank to nothing would make the loop above pass without testing anything. */
function expectedCalls(calls: number): number {
  expect(calls).toBeGreaterThan(20);
  return calls;
}

describe('a fan-out that failed as a whole', () => {
  const plan = () =>
    graphOf([
      taskNode('a'),
      taskNode('b', { needs: ['a'], fanOut: { kind: 'foreach', as: 'n', items: [1, 2] } }),
      taskNode('c', { needs: ['b'] }),
    ]);

  it('holds up what depends on it, and runs when a resume repairs what it waited for', async () => {
    let broken = true;
    const world = createWorld({
      behave: (request) => (request.task === 'a' && broken ? { files: {} } : {}),
    });
    const first = await start(world, plan());
    expect(verdicts(first)).toEqual({ a: 'no_effect', b: 'skipped', c: 'skipped' });
    broken = false;
    const second = await createCoordinator(world.parts(directory)).resume({ run: first.run });
    expect(verdicts(second)).toEqual({
      a: 'succeeded',
      'b[1]': 'succeeded',
      'b[2]': 'succeeded',
      c: 'succeeded',
    });
    expect(second.outcome).toBe('succeeded');
  });
});

it('a task may be named like a member of every object', async () => {
  const world = createWorld();
  const state = await start(world, graphOf([taskNode('first'), taskNode('constructor')]));
  expect(Object.keys(world.tree(world.branch() ?? ''))).toContain('constructor.txt');
  expect(state.outcome).toBe('succeeded');
});
