import { truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { here, scripted, startModel, type TestModel } from '../harness/model.js';
import { runDirectory, startOrch, type Finished } from '../harness/orch.js';
import { makeRepository, type TestRepository } from '../harness/repository.js';
import { processesWith, until } from '../harness/witness.js';

let repository: TestRepository;
let model: TestModel;
beforeEach(async () => {
  repository = makeRepository();
  model = await startModel();
});
afterEach(async () => {
  await model.close();
  repository.remove();
});

const plan = (tasks: readonly unknown[], more: Readonly<Record<string, unknown>> = {}): void => {
  const value = { version: 1, name: 'verbs', ...more, tasks };
  repository.write({ 'orch.yaml': JSON.stringify(value, null, 2) });
};
const run = ['run', 'orch.yaml', '--yes'];

describe('logs -f', () => {
  let go: string;
  const waits = (file: string) =>
    `echo before; while [ ! -e "${file}" ]; do sleep 0.05; done; echo after`;
  beforeEach(() => {
    go = path.join(repository.home, 'go');
  });
  /** What has come so far, told by whole lines. */
  function following(argv: readonly string[]): { text(): string; finished: Promise<Finished> } {
    const { child, finished } = startOrch(repository, argv);
    let text = '';
    child.stdout?.on('data', (more: string) => (text += more));
    child.stderr?.on('data', (more: string) => (text += more));
    return { text: () => text, finished };
  }

  it('shows a running task as it goes, waits for one that has not started, and both end by themselves', async () => {
    plan([
      { id: 'slow', sh: waits(go), effect: 'none' },
      { id: 'later', needs: ['slow'], sh: 'echo at last', effect: 'none' },
    ]);
    const running = startOrch(repository, run);
    await until('the task runs', () => processesWith('ORCH_TASK', 'slow').length > 0);
    const slow = following(['logs', 'slow', '-f']);
    const later = following(['logs', 'later', '-f']);
    await until('the first words are shown', () => slow.text().includes('before'));
    await until('the other one is waited for', () => later.text().includes('Waiting for later'));
    expect(slow.text()).not.toContain('after\n');
    writeFileSync(go, '');
    expect((await slow.finished).stdout).toMatch(/ after\n.*■ completed/s);
    expect((await slow.finished).code).toBe(0);
    expect((await later.finished).stdout).toMatch(/ at last\n/);
    expect((await running.finished).code).toBe(0);
  });

  it('goes on through the rounds in which a failed gate is repaired, and --attempt shows one alone', async () => {
    plan(
      [
        {
          id: 'repair',
          gates: ['whole'],
          prompt: scripted([
            {
              tool: 'Write',
              input: { file_path: `${here}/a.txt`, content: 'broken\n' },
              waitFor: { file: go },
            },
            'First try.',
            { tool: 'Write', input: { file_path: `${here}/a.txt`, content: 'whole\n' } },
            'Second try.',
          ]),
        },
      ],
      { gates: { whole: { run: ['grep', '-q', 'whole', 'a.txt'] } } },
    );
    const running = startOrch(repository, run, { env: model.env });
    await until('the agent has asked', () => model.requests.length > 0);
    const all = following(['logs', 'repair', '-f']);
    const first = following(['logs', 'repair', '-f', '--attempt', '1']);
    await until(
      'the attempt is shown',
      () => all.text().includes('attempt 1') && first.text().includes('attempt 1'),
    );
    writeFileSync(go, '');
    expect((await all.finished).stdout).toMatch(
      /^\S+ First try\.$.*attempt 2 of repair.*^\S+ Second try\.$/ms,
    );
    const alone = (await first.finished).stdout;
    expect(alone).toMatch(/^\S+ First try\.$/m);
    expect(alone.match(/ ■ /g)).toHaveLength(1);
    expect((await running.finished).code).toBe(0);
  });

  it('ends when the leader dies, because then nothing can come', async () => {
    plan([{ id: 'slow', sh: waits(go), effect: 'none' }]);
    const running = startOrch(repository, run);
    await until('the task runs', () => processesWith('ORCH_TASK', 'slow').length > 0);
    const slow = following(['logs', 'slow', '-f']);
    await until('it is shown', () => slow.text().includes('before'));
    process.kill(running.pid, 'SIGKILL');
    const { code, stderr } = await slow.finished;
    expect(code).toBe(0);
    expect(stderr).toContain('was interrupted');
  });

  it('says so and ends when somebody cuts what it shows', async () => {
    plan([{ id: 'slow', sh: waits(go), effect: 'none' }]);
    const running = startOrch(repository, run);
    await until('the task runs', () => processesWith('ORCH_TASK', 'slow').length > 0);
    const slow = following(['logs', 'slow', '-f', '--json']);
    await until('it is shown', () => slow.text().includes('before'));
    truncateSync(path.join(runDirectory(repository) ?? '', 'sessions', 'slow.1.jsonl'));
    const { code, stdout, stderr } = await slow.finished;
    writeFileSync(go, '');
    await running.finished;
    expect(stderr).toContain('(ORCH_JSONL_SHRUNK)');
    expect(JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '')).toMatchObject({
      ok: false,
      error: { code: 'ORCH_JSONL_SHRUNK' },
    });
    expect(code).toBe(7);
  });
});
