import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createCoordinator, type AgentRequest } from '../../src/index.js';
import type { RunState } from '../../src/state/index.js';
import { createWorld, graphOf, Killed, taskNode, type Behaviour } from '../simulated-world.js';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'orch-next-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** A run of one checked task, and everything its agent was asked. */
function scene(behave: Behaviour) {
  const asked: AgentRequest[] = [];
  const world = createWorld({ behave: (request) => (asked.push(request), behave(request)) });
  const graph = graphOf([taskNode('a', { gates: ['unit'], retry: { transient: 1, gate: 1 } })]);
  return {
    ...{ world, asked, graph },
    start: (): Promise<RunState> =>
      createCoordinator(world.parts(directory)).start({
        ...{ graph, base: world.base, branch: 'main', mode: 'run', parallel: 4 },
      }),
    resume: (gate?: 'repaired'): Promise<RunState> => {
      const parts = world.parts(directory);
      const check = parts.gate.check.bind(parts.gate);
      return createCoordinator({
        ...parts,
        gate: {
          check: async (...request) => {
            const result = await check(...request);
            return gate ? { ...result, verdict: 'passed', findings: '' } : result;
          },
        },
      }).resume({ run: 'run0000001' });
    },
  };
}

const modes = (state: RunState) =>
  state.tasks['a']?.attempts.map((attempt) => `${attempt.mode} ${attempt.verdict ?? ''}`);

describe('a task that ended gate_failed', () => {
  it('is checked again first when the run is resumed: what changed may lie outside', async () => {
    const { start, resume, asked } = scene(() => ({ files: { 'a.txt': 'BROKEN' } }));
    const first = await start();
    expect(first.tasks['a']?.verdict).toBe('gate_failed');
    expect(asked).toHaveLength(2);
    const second = await resume('repaired');
    expect(second.outcome).toBe('succeeded');
    expect(asked).toHaveLength(2);
  });

  it('is then repaired in the same conversation, as often as in a fresh run', async () => {
    const { start, resume, asked } = scene(({ attempt }) => ({
      files: { 'a.txt': attempt < 3 ? 'BROKEN' : 'whole' },
    }));
    await start();
    const state = await resume();
    expect(state.outcome).toBe('succeeded');
    expect(modes(state)).toEqual(['first gate_failed', 'repair gate_failed', 'repair succeeded']);
    expect(asked[2]?.session).toEqual({ id: 'session-1', mode: 'continue' });
    expect(asked[2]?.prompt).toMatch(/attempt 2[^]*something is BROKEN/);
  });
});

describe('a task whose gate could not run', () => {
  it('is checked again when the run is resumed, and its agent is not asked again', async () => {
    const { world, graph, asked, resume } = scene(() => ({}));
    const parts = world.parts(directory);
    const unable = createCoordinator({
      ...parts,
      gate: {
        check: async (...request) => ({
          ...(await parts.gate.check(...request)),
          verdict: 'error',
        }),
      },
    });
    await unable.start({ graph, base: world.base, branch: 'main', mode: 'run', parallel: 4 });
    const second = await unable.resume({ run: 'run0000001' });
    expect(second.tasks['a']?.verdict).toBe('gate_failed');
    expect(asked).toHaveLength(1);
    const third = await resume();
    expect(third.outcome).toBe('succeeded');
    expect(asked).toHaveLength(1);
  });

  it('nor is it where what the gate runs in broke', async () => {
    const { world, graph, asked, resume } = scene(() => ({}));
    const unable = createCoordinator({
      ...world.parts(directory),
      gate: { check: () => Promise.reject(new Error('no checkout')) },
    });
    await unable.start({ graph, base: world.base, branch: 'main', mode: 'run', parallel: 4 });
    const second = await unable.resume({ run: 'run0000001' });
    expect(second.tasks['a']).toMatchObject({ verdict: 'error', reasons: ['no checkout'] });
    expect(asked).toHaveLength(1);
    expect((await resume()).outcome).toBe('succeeded');
    expect(asked).toHaveLength(1);
  });
});

describe('findings that a killed repair did not get to send', () => {
  it('are owed to every attempt that goes on with the conversation', async () => {
    const { world, asked, graph } = scene(({ attempt }) => ({
      files: { 'a.txt': attempt === 1 ? 'BROKEN' : 'whole' },
    }));
    const parts = world.parts(directory);
    const dying = (deadAttempt: number) =>
      createCoordinator({
        ...parts,
        agent: {
          ...parts.agent,
          run: (request, context) => {
            if (request.attempt < deadAttempt) return parts.agent.run(request, context);
            asked.push(request);
            throw new Killed();
          },
          recover: (...at) =>
            at[2] >= deadAttempt ? Promise.resolve({}) : parts.agent.recover(...at),
        },
      });
    await dying(2)
      .start({ graph, base: world.base, branch: null, mode: 'run', parallel: 1 })
      .catch(() => undefined);
    const state = await createCoordinator(world.parts(directory)).resume({ run: 'run0000001' });
    expect(state.outcome).toBe('succeeded');
    const [, repair, goesOn] = asked;
    expect(repair?.prompt).toMatch(/something is BROKEN/);
    expect(repair?.owed).toBe(repair?.prompt);
    expect(goesOn).toMatchObject({ session: repair?.session });
    expect(goesOn?.owed).toBe(repair?.prompt);
    expect(asked[0]?.owed).toBeUndefined();
  });
});

describe('an agent that somebody else killed', () => {
  it('goes on by itself, twice', async () => {
    const killed = { outcome: 'lost', error: 'killed by SIGKILL', usd: null } as const;
    const { start, asked } = scene(({ attempt }) => (attempt < 3 ? { end: killed } : {}));
    const state = await start();
    expect(state.outcome).toBe('succeeded');
    expect(modes(state)).toEqual(['first lost', 'continue lost', 'continue succeeded']);
    expect(state.tasks['a']?.attempts[0]?.reasons).toEqual(['killed by SIGKILL']);
    expect(new Set(asked.map((request) => request.session.id)).size).toBe(1);
    // What it cost is not known, and that is said.
    expect(state.usd.unknown).toBe(2);
  });

  it('and that had changed the repository before does not go on', async () => {
    const { world, graph, asked } = scene(({ attempt }) =>
      attempt === 1 ? { end: { outcome: 'lost', error: 'killed by SIGKILL' } } : {},
    );
    const parts = world.parts(directory);
    const config = { what: 'config', detail: 'in config: core.pager was set' } as const;
    const state = await createCoordinator({
      ...parts,
      workspace: {
        ...parts.workspace,
        compare: () => Promise.resolve([{ ...config, weight: 'tampered' }]),
      },
    }).start({ graph, base: world.base, branch: 'main', mode: 'run', parallel: 4 });
    expect(state.tasks['a']).toMatchObject({
      verdict: 'tampered',
      reasons: [config.detail, 'killed by SIGKILL'],
    });
    expect(asked).toHaveLength(1);
  });

  it('fails at the third time, and a resume tries it again', async () => {
    let hostile = true;
    const { start, resume } = scene(() =>
      hostile ? { end: { outcome: 'lost', error: 'killed by SIGKILL' } } : {},
    );
    const state = await start();
    expect(state.tasks['a']).toMatchObject({
      verdict: 'failed',
      reasons: ['killed by SIGKILL', 'given up after 3 tries'],
    });
    hostile = false;
    const again = await resume();
    expect(again.outcome).toBe('succeeded');
    expect(modes(again)?.at(-1)).toBe('continue succeeded');
  });
});
