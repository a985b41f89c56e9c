import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  createCoordinator,
  runLayout,
  sendCommand,
  type AgentEnd,
  type AgentRequest,
  type CoordinatorParts,
  type Graph,
} from '../../src/index.js';
import { summarize, type RunState } from '../../src/state/index.js';
import { createWorld, graphOf, taskNode } from '../simulated-world.js';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'orch-limits-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const run = 'run0000001';
const startWith = (
  parts: CoordinatorParts,
  graph: Graph,
  base: string,
  more: { readonly stop?: AbortSignal; readonly onProblem?: (problem: string) => void } = {},
): Promise<RunState> =>
  createCoordinator(parts).start({
    graph,
    base,
    branch: 'main',
    mode: 'run',
    parallel: 1,
    ...more,
  });

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve());
  });

const usage = { inputTokens: 7, outputTokens: 3, cacheReadTokens: 0, cacheWriteTokens: 0 };
const cancelledEnd = (request: AgentRequest, usd: number | null): AgentEnd => ({
  outcome: 'cancelled',
  summary: '',
  denials: [],
  usage,
  usd,
  turns: 1,
  session: request.session.id,
  exit: { code: null, signal: 'SIGTERM' },
  durationMs: 1,
  left: 0,
});

describe('limits.wall', () => {
  /** Two leaders, and a long time between them; the second one's agent works until it is stopped. */
  async function twoLeaders(wallMs: number, endless: boolean) {
    let time = 0;
    const clock = { now: () => Date.UTC(2026, 0, 1) + time, monotonic: () => time };
    const world = createWorld();
    const stop = new AbortController();
    const graph = graphOf([taskNode('a'), taskNode('b', { needs: ['a'] }), taskNode('c')], {
      limits: { parallel: 1, wallMs },
    });
    const partsWith = (work: CoordinatorParts['agent']['run']): CoordinatorParts => {
      const parts = world.parts(directory);
      return {
        ...parts,
        clock,
        agent: {
          ...parts.agent,
          run: (request, context) =>
            request.task === 'b' ? work(request, context) : parts.agent.run(request, context),
        },
      };
    };
    const first = partsWith((request) => {
      time += 60;
      stop.abort();
      return Promise.resolve(cancelledEnd(request, 0.25));
    });
    const stopped = await startWith(first, graph, world.base, { stop: stop.signal });
    time += 1_000_000;
    const real = world.parts(directory);
    const second = partsWith(async (request, context) => {
      time += 50;
      if (!endless) return real.agent.run(request, context);
      await aborted(context.signal);
      return cancelledEnd(request, 0.5);
    });
    return { stopped, ended: await createCoordinator(second).resume({ run }) };
  }

  it('counts what all leaders took, stops what runs, merges what is verified, and says how to go on', async () => {
    const { stopped, ended } = await twoLeaders(100, true);
    expect(stopped.status).toBe('interrupted');
    expect(stopped.ledMs).toBe(60);
    expect(ended.tasks['b']).toMatchObject({ verdict: 'exhausted', stopped: 'budget' });
    expect(ended.tasks['b']?.attempts.map(({ verdict }) => verdict)).toEqual(['lost', 'lost']);
    expect(ended.tasks['c']).toMatchObject({ verdict: 'skipped', skipped: 'budget' });
    expect(ended.outcome).toBe('exhausted');
    expect(summarize(ended).exitCode).toBe(4);
    expect(Object.keys(ended.merges['final-merge']?.landed ?? {})).toEqual(['a']);
    expect(ended.delivery?.done).toBeDefined();
    expect(ended.next).toBe(
      `raise limits.wall in plan.yaml, then: orch resume ${run} --plan plan.yaml`,
    );
    // Both stopped attempts have cost something, and so has the finished one.
    expect(ended.usd).toEqual({ known: 0.76, unknown: 0 });
    expect(ended.usage.inputTokens).toBe(7 + 7 + 1);
  });

  it('stops nothing before it is reached: time between two leaders does not count', async () => {
    const { ended } = await twoLeaders(100_000, false);
    expect(ended.outcome).toBe('succeeded');
    expect(ended.next).toBeUndefined();
  });

  it('that passes while a gate runs says how to go on as well; then nobody is asked again', async () => {
    let time = 0;
    const clock = { now: () => Date.UTC(2026, 0, 1) + time, monotonic: () => time };
    const world = createWorld();
    const parts = { ...world.parts(directory), clock };
    const graph = (wallMs: number) =>
      graphOf([taskNode('a', { gates: ['unit'] })], { limits: { parallel: 1, wallMs } });
    const state = await startWith(
      {
        ...parts,
        gate: {
          check: async (request, { signal }) => {
            time += 50;
            await aborted(signal);
            return parts.gate.check(request, { signal });
          },
        },
      },
      graph(20),
      world.base,
    );
    expect(state.tasks['a']).toMatchObject({ verdict: 'exhausted', stopped: 'budget' });
    expect(summarize(state).exitCode).toBe(4);
    expect(state.next).toContain('raise limits.wall in plan.yaml');
    const resumed = await createCoordinator(parts).resume({ run, revised: graph(100_000) });
    expect(resumed.outcome).toBe('succeeded');
    expect(world.started).toEqual(['a.1']);
  });
});

describe('a budget', () => {
  it('that is reached between two repairs ends the run as exhausted, and says why', async () => {
    const world = createWorld({ behave: () => ({ files: { 'a.txt': 'BROKEN' } }) });
    const graph = graphOf([taskNode('a', { gates: ['unit'] })], {
      limits: { parallel: 1, usd: 0.01 },
    });
    const state = await startWith(world.parts(directory), graph, world.base);
    expect(state.tasks['a']?.attempts).toHaveLength(1);
    expect(state.tasks['a']).toMatchObject({ verdict: 'exhausted', stopped: 'budget' });
    expect(state.tasks['a']?.reasons).toEqual([
      "the run's budget of $0.01 is spent ($0.01)",
      'gate unit failed',
    ]);
    expect(summarize(state).exitCode).toBe(4);
    expect(state.next).toContain('raise limits.usd in plan.yaml');
  });

  it('counts what a dead leader’s attempt cost, as far as its session knows it', async () => {
    const world = createWorld();
    const parts = world.parts(directory, { dieAt: 3 });
    const graph = graphOf([taskNode('a')]);
    await startWith(parts, graph, world.base).catch(() => undefined);
    const next = world.parts(directory);
    const resumed = await createCoordinator({
      ...next,
      agent: { ...next.agent, recover: () => Promise.resolve({ spent: { usd: 0.5, usage } }) },
    }).resume({ run });
    expect(resumed.tasks['a']?.attempts.map(({ verdict }) => verdict)).toEqual([
      'lost',
      'succeeded',
    ]);
    expect(resumed.usd).toEqual({ known: 0.51, unknown: 0 });
  });
});

describe('a cancel', () => {
  it('that no leader read does not cancel the next one, and is on record', async () => {
    const world = createWorld();
    const stop = new AbortController();
    stop.abort();
    const graph = graphOf([taskNode('a')]);
    await startWith(world.parts(directory), graph, world.base, { stop: stop.signal });
    const id = await sendCommand(runLayout(directory, run), { kind: 'cancel', by: 'late' }, 0);
    const parts = world.parts(directory);
    const seen: string[] = [];
    const state = await createCoordinator({
      ...parts,
      agent: {
        ...parts.agent,
        // Not before the inbox was read.
        run: async (request, context) => {
          while (!seen.includes('command.expired'))
            await new Promise((resolve) => setImmediate(resolve));
          return parts.agent.run(request, context);
        },
      },
    }).resume({ run, onEvent: (event) => seen.push(event.type) });
    expect(state.outcome).toBe('succeeded');
    expect(state.cancelled).toBeUndefined();
    expect(Object.keys(state.commands)).toEqual([id]);
  });

  it('while a gate runs ends the task as cancelled; a resume checks its result and asks nobody again', async () => {
    const world = createWorld();
    const parts = world.parts(directory);
    const graph = graphOf([taskNode('a', { gates: ['unit'] })]);
    const state = await startWith(
      {
        ...parts,
        gate: {
          check: async (request, { signal }) => {
            await sendCommand(runLayout(directory, run), { kind: 'cancel', by: 'me' }, 0);
            await aborted(signal);
            const result = await parts.gate.check(request, { signal });
            return { ...result, verdict: 'error' };
          },
        },
      },
      graph,
      world.base,
    );
    expect(state.outcome).toBe('cancelled');
    expect(state.tasks['a']?.verdict).toBe('cancelled');
    expect(state.tasks['a']?.reasons[0]).toContain('cancelled by me while its gates ran');
    const resumed = await createCoordinator(world.parts(directory)).resume({ run });
    expect(resumed.outcome).toBe('succeeded');
    expect(world.started).toEqual(['a.1']);
  });

  it('of a throttled attempt that waits for its next try asks nobody any more', async () => {
    const world = createWorld({ behave: () => ({ end: { outcome: 'throttled' } }) });
    const graph = graphOf([taskNode('a')]);
    const state = await createCoordinator(world.parts(directory)).start({
      graph,
      base: world.base,
      branch: 'main',
      mode: 'run',
      parallel: 1,
      onEvent: (event) => {
        if (event.type === 'attempt.ended')
          void sendCommand(runLayout(directory, run), { kind: 'cancel', by: 'me' }, 0);
      },
    });
    expect(state.outcome).toBe('cancelled');
    expect(world.started).toEqual(['a.1']);
  });
});

describe('what breaks around a task', () => {
  const graph = graphOf([taskNode('a'), taskNode('b'), taskNode('after', { needs: ['a'] })]);

  it.each(['prepare', 'capture'] as const)(
    '(workspace.%s) ends that task alone; a resume tries it again',
    async (step) => {
      const world = createWorld();
      const parts = world.parts(directory);
      const state = await startWith(
        {
          ...parts,
          workspace: {
            ...parts.workspace,
            [step]: (request: { task: string }) => {
              if (request.task === 'a')
                throw Object.assign(new Error('the clone of a is locked'), { next: 'unlock it' });
              return parts.workspace[step](request as never);
            },
          },
        },
        graph,
        world.base,
      );
      expect(state.tasks['a']).toMatchObject({
        verdict: 'error',
        reasons: ['the clone of a is locked', 'next: unlock it'],
      });
      expect(state.tasks['b']?.verdict).toBe('succeeded');
      expect(state.tasks['after']?.verdict).toBe('skipped');
      expect(state.outcome).toBe('failed');
      const resumed = await createCoordinator(world.parts(directory)).resume({ run });
      expect(resumed.outcome).toBe('succeeded');
      // Whose agent had finished is not asked again.
      expect([...world.finished.values()]).toEqual([1, 1, 1]);
      // Who had not finished goes on with the conversation that it was to have.
      expect(resumed.tasks['a']?.attempts.map(({ mode }) => mode)).toEqual(
        step === 'prepare' ? ['first', 'continue'] : ['first'],
      );
    },
  );

  it('what breaks for all of them stops everything that runs, and is thrown', async () => {
    const world = createWorld();
    const parts = world.parts(directory);
    let stopped = false;
    const broken = createCoordinator({
      ...parts,
      agent: {
        ...parts.agent,
        run: async (request, { signal }) => {
          if (request.task === 'b') {
            throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
          }
          await aborted(signal);
          stopped = true;
          return cancelledEnd(request, 0.1);
        },
      },
    }).start({ graph, base: world.base, branch: 'main', mode: 'run', parallel: 2 });
    await expect(broken).rejects.toThrow('no space left');
    expect(stopped).toBe(true);
    const resumed = await createCoordinator(world.parts(directory)).resume({ run });
    expect(resumed.outcome).toBe('succeeded');
    expect(resumed.usd.known).toBeCloseTo(0.13);
  });
});

describe('a damaged plan of a run', () => {
  it('is named with its file and what to do; an edited plan replaces it', async () => {
    const world = createWorld({ behave: () => ({ files: {} }) });
    const graph = graphOf([taskNode('a')]);
    await startWith(world.parts(directory), graph, world.base);
    const { plan } = runLayout(directory, run);
    const whole = readFileSync(plan, 'utf8');
    for (const damaged of ['', '{"version":1', 'null', '[]', whole.replace('do a', 'do b')]) {
      writeFileSync(plan, damaged);
      await expect(
        createCoordinator(world.parts(directory)).resume({ run }),
        damaged.slice(0, 12),
      ).rejects.toMatchObject({
        code: 'ORCH_RUN_PLAN_BROKEN',
        message: expect.stringContaining(`orch resume ${run} --plan`) as string,
      });
    }
    const healthy = createWorld();
    const parts = { ...world.parts(directory), agent: healthy.parts(directory).agent };
    const again = await createCoordinator(parts).resume({ run, revised: graph });
    expect(again.outcome).toBe('failed');
    expect(readFileSync(plan, 'utf8')).toBe(whole);
  });
});

it('an inbox that cannot be read is said while the run goes on, and stops nothing', async () => {
  const world = createWorld({ latency: () => 3 });
  const problems: string[] = [];
  const parts = world.parts(directory);
  const { inbox, directory: runDirectory } = runLayout(directory, run);
  const state = await createCoordinator({
    ...parts,
    agent: {
      ...parts.agent,
      run: async (request, context) => {
        // What was delivered is gone from the file.
        appendFileSync(inbox, '{"v":1,"id":"x","command":{"kind":"explode"}}\n'.repeat(3));
        await new Promise((resolve) => setTimeout(resolve, 50));
        writeFileSync(inbox, '');
        while (problems.length === 0) await new Promise((resolve) => setImmediate(resolve));
        return parts.agent.run(request, context);
      },
    },
  }).start({
    graph: graphOf([taskNode('a')]),
    base: world.base,
    branch: 'main',
    mode: 'run',
    parallel: 1,
    onProblem: (problem) => problems.push(problem),
  });
  expect(state.outcome).toBe('succeeded');
  expect(problems).toHaveLength(1);
  expect(problems[0]).toContain(path.join(runDirectory, 'inbox.jsonl'));
  expect(problems[0]).toContain('Ctrl-C does');
});
