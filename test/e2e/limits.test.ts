import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { here, scripted, startModel, type TestModel } from '../harness/model.js';
import { journalEvents, orch, runDirectory, startOrch, status } from '../harness/orch.js';
import { makeRepository, type TestRepository } from '../harness/repository.js';
import { processesWith, until } from '../harness/witness.js';

let repository: TestRepository;
let model: TestModel;
let go: string;
beforeEach(async () => {
  repository = makeRepository();
  model = await startModel();
  go = path.join(repository.home, 'go');
});
afterEach(async () => {
  writeFileSync(go, '');
  await model.close();
  repository.remove();
});

const runId = (): string => path.basename(runDirectory(repository) ?? '');

/** An agent that has written one file, and waits for its second answer. */
function plan(limits: Record<string, unknown>): void {
  const write = { tool: 'Write', input: { file_path: `${here}/agent.txt`, content: 'whole' } };
  repository.write({
    'orch.yaml': JSON.stringify({
      version: 1,
      name: 'limited',
      limits,
      tasks: [
        { id: 'first', sh: 'echo first > first.txt', effect: 'diff' },
        {
          id: 'agent',
          needs: ['first'],
          prompt: scripted([write, { ...write, waitFor: { file: go } }, 'Done.']),
        },
        { id: 'last', needs: ['agent'], sh: 'echo last > last.txt', effect: 'diff' },
      ],
    }),
  });
}
const waits = () =>
  until('the agent waits for its second answer', () => model.requests.length >= 2);

describe('limits.wall', () => {
  it('counts over leaders, stops what runs, delivers what is verified, exits 4 and says how to go on', async () => {
    plan({ wall: '20s' });
    repository.commit('A plan');
    const first = startOrch(repository, ['run', 'orch.yaml', '--yes'], { env: model.env });
    await waits();
    process.kill(first.pid, 'SIGTERM');
    expect((await first.finished).code).toBe(130);
    const { ledMs } = (await status(repository)).state;
    expect(ledMs).toBeGreaterThan(0);

    const second = await orch(repository, ['resume'], { env: model.env });
    expect(second.code).toBe(4);
    const next = `raise limits.wall in orch.yaml, then: orch resume ${runId()} --plan orch.yaml`;
    expect(second.stdout).toContain(`Next: ${next}`);
    expect((await orch(repository, ['why', 'agent'])).stdout).toContain(`next: ${next}`);
    expect(processesWith('ORCH_RUN', runId())).toEqual([]);
    const { state } = await status(repository);
    expect(state.outcome).toBe('exhausted');
    expect(state.tasks['agent']?.verdict).toBe('exhausted');
    expect(state.tasks['last']?.skipped).toBe('budget');
    expect(repository.git('show', `orch/${runId()}:first.txt`)).toBe('first');
    // Both leaders together took what the limit allows, and not each of them.
    expect(state.ledMs).toBeGreaterThanOrEqual(20_000);
    const [, opened] = journalEvents(repository).filter(({ type }) => type === 'epoch.opened');
    const passed = journalEvents(repository).find(({ type }) => type === 'time.passed');
    const alone = Date.parse(passed?.at ?? '') - Date.parse(opened?.at ?? '');
    expect(alone).toBeGreaterThan(0);
    expect(alone).toBeLessThan(20_000);

    // Without a higher limit a resume starts nothing.
    const asked = model.requests.length;
    expect((await orch(repository, ['resume'], { env: model.env })).code).toBe(4);
    expect(model.requests.length).toBe(asked);

    plan({ wall: '1h' });
    writeFileSync(go, '');
    const raised = await orch(repository, ['resume', '--plan', 'orch.yaml'], { env: model.env });
    expect(raised.stdout).toContain('3/3 succeeded');
    expect(raised.code).toBe(0);
    expect(journalEvents(repository).filter(isStartOf('first'))).toHaveLength(1);
    // What the limit stopped goes on in its conversation.
    expect(new Set(model.requests.map(({ conversation }) => conversation)).size).toBe(1);
  });
});

const isStartOf = (task: string) => (event: { readonly type: string; readonly task?: unknown }) =>
  event.type === 'attempt.started' && event.task === task;

it('a cancel that no leader read is not followed by the next one, and is shown', async () => {
  plan({});
  const running = startOrch(repository, ['run', 'orch.yaml', '--yes'], { env: model.env });
  await waits();
  process.kill(running.pid, 'SIGKILL');
  await running.finished;
  const command = { kind: 'cancel', by: 'somebody late' };
  const record = { v: 1, id: 'late', at: new Date().toISOString(), command };
  appendFileSync(
    path.join(runDirectory(repository) ?? '', 'inbox.jsonl'),
    `${JSON.stringify(record)}\n`,
  );
  writeFileSync(go, '');
  const resumed = await orch(repository, ['resume'], { env: model.env });
  expect(resumed.stdout).toContain('cancel asked by somebody late before this leader began');
  expect(resumed.stdout).toContain('3/3 succeeded');
  expect(resumed.code).toBe(0);
});

describe('what a stopped agent cost', () => {
  it('is counted: tokens of an agent that was stopped stand in state and summary', async () => {
    plan({});
    const running = startOrch(repository, ['run', 'orch.yaml', '--yes'], { env: model.env });
    await waits();
    process.kill(running.pid, 'SIGTERM');
    await running.finished;
    const { state } = await status(repository);
    const stopped = state.tasks['agent']?.attempts.at(-1);
    expect(stopped?.verdict).toBe('lost');
    expect(stopped?.spent?.usage.outputTokens).toBeGreaterThan(0);
    expect(state.usage.outputTokens).toBeGreaterThanOrEqual(
      stopped?.spent?.usage.outputTokens ?? Infinity,
    );
    // Known or not, it is never nothing.
    expect(state.usd.known + state.usd.unknown).toBeGreaterThan(0);
  });

  it('also when its leader was killed: what its session says is taken over', async () => {
    plan({});
    const running = startOrch(repository, ['run', 'orch.yaml', '--yes'], { env: model.env });
    await waits();
    process.kill(running.pid, 'SIGKILL');
    await running.finished;
    writeFileSync(go, '');
    expect((await orch(repository, ['resume'], { env: model.env })).code).toBe(0);
    const { state } = await status(repository);
    const [lost] = state.tasks['agent']?.attempts ?? [];
    expect(lost?.verdict).toBe('lost');
    expect(lost?.spent?.usage.outputTokens).toBeGreaterThan(0);
    expect(lost?.spent?.usd).toBeNull();
    expect(state.usd.unknown).toBe(1);
  });
});

describe('damage', () => {
  /** One healthy run, and a second one to damage. */
  async function twoRuns(): Promise<{ readonly healthy: string; readonly directory: string }> {
    repository.write({
      'orch.yaml': JSON.stringify({
        version: 1,
        name: 'small',
        tasks: [{ id: 'a', sh: 'echo a > a.txt', effect: 'diff' }],
      }),
    });
    repository.commit('A plan');
    expect((await orch(repository, ['run', 'orch.yaml'])).code).toBe(0);
    const healthy = runId();
    expect((await orch(repository, ['run', 'orch.yaml'])).code).toBe(0);
    return { healthy, directory: runDirectory(repository) ?? '' };
  }

  it('of a recorded plan: own code, its path and what to do; status needs no plan', async () => {
    const { healthy, directory } = await twoRuns();
    const file = path.join(directory, 'plan.json');
    writeFileSync(file, readFileSync(file, 'utf8').slice(0, 100));
    const why = await orch(repository, ['why', 'a']);
    expect(why.code).toBe(7);
    expect(why.stderr).toContain('(ORCH_RUN_PLAN_BROKEN)');
    expect(why.stderr).toContain(file);
    expect(why.stderr).toContain('--plan');
    expect((await orch(repository, ['status'])).stdout).toContain('1/1 succeeded');
    const all = await orch(repository, ['status', '--all']);
    expect(all.stdout).toContain(healthy);
    expect(all.stdout.match(/1\/1 succeeded/g)).toHaveLength(2);
    const revised = await orch(repository, ['resume', '--plan', 'orch.yaml']);
    expect(revised.code).toBe(0);
  });

  it.each(['empty', 'garbage'] as const)(
    'of a journal (%s): named with its path and the next step, one line of status --all',
    async (kind) => {
      const { healthy, directory } = await twoRuns();
      const segment = path.join(directory, 'journal', '1.jsonl');
      writeFileSync(segment, kind === 'empty' ? '' : 'no json at all\n');
      for (const argv of [['status'], ['resume']]) {
        const { code, stderr } = await orch(repository, argv);
        expect(code).toBe(7);
        expect(stderr).toContain('(ORCH_JOURNAL_BROKEN)');
        expect(stderr).toContain(segment);
        expect(stderr).toContain('orch run');
      }
      expect(existsSync(path.join(directory, 'journal', '2.jsonl'))).toBe(false);
      const { stdout, code } = await orch(repository, ['status', '--all']);
      expect(code).toBe(0);
      const lines = stdout.trimEnd().split('\n');
      expect(lines).toHaveLength(2);
      expect(lines[0]).toMatch(/^\w{10} {2}unreadable/);
      expect(lines[1]).toMatch(new RegExp(`^${healthy} .*1/1 succeeded`));
    },
  );
});
