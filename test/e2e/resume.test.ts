import { afterEach, beforeEach, expect, it } from 'vitest';
import { here, scripted, startModel, type TestModel } from '../harness/model.js';
import { journalEvents, orch, startOrch, status } from '../harness/orch.js';
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

const command = (id: string) => ({ id, sh: `echo ${id} > ${id}.txt`, effect: 'diff' });
const write = (tasks: readonly unknown[]): void =>
  repository.write({ 'orch.yaml': JSON.stringify({ version: 1, name: 'resumed', tasks }) });
const filesOf = (branch: string): readonly string[] =>
  repository.git('ls-tree', '--name-only', branch).split('\n');

it('an edited plan after a delivery: the own branch is replaced, a moved one is left alone', async () => {
  write([command('a'), command('b')]);
  expect((await orch(repository, ['run', 'orch.yaml', '--yes'])).code).toBe(0);
  const branch = `orch/${(await status(repository)).state.run}`;
  expect(filesOf(branch)).toEqual(['README.md', 'a.txt', 'b.txt']);

  write([command('a'), command('c')]);
  const second = await orch(repository, ['resume', '--plan', 'orch.yaml']);
  expect(second.code, second.stdout + second.stderr).toBe(0);
  expect(second.stdout).toContain('2/2 succeeded · 1 removed');
  expect(filesOf(branch)).toEqual(['README.md', 'a.txt', 'c.txt']);

  const moved = repository.git('commit-tree', `${branch}^{tree}`, '-p', branch, '-m', 'Mine');
  repository.git('update-ref', `refs/heads/${branch}`, moved);
  write([command('a')]);
  const third = await orch(repository, ['resume', '--plan', 'orch.yaml']);
  expect(third.code, third.stdout + third.stderr).toBe(0);
  expect(third.stdout).toContain(`${branch}-2, because ${branch} was moved by somebody else`);
  expect(repository.git('rev-parse', branch)).toBe(moved);
  expect(filesOf(`${branch}-2`)).toEqual(['README.md', 'a.txt']);
  const started = journalEvents(repository).filter((event) => event.type === 'attempt.started');
  expect(started.map((event) => event.task).sort()).toEqual(['a', 'b', 'c']);
});

it('an agent that somebody else kills goes on by itself, and why says so', async () => {
  const turns = [
    { tool: 'Write', input: { file_path: `${here}/a.txt`, content: 'half' } },
    { tool: 'Write', input: { file_path: `${here}/a.txt`, content: 'whole' }, delayMs: 1500 },
    { text: 'Done.' },
  ];
  write([{ id: 'a', prompt: scripted(turns) }]);
  const running = startOrch(repository, ['run', 'orch.yaml', '--yes'], { env: model.env });
  await until('the model is asked for the second time', () => model.requests.length >= 2);
  const [agent] = processesWith('ORCH_ATTEMPT', '1').filter((seen) =>
    seen.command.includes('stream-json'),
  );
  if (!agent) throw new Error('no agent runs');
  process.kill(agent.pid, 'SIGKILL');
  const { code, stdout, stderr } = await running.finished;
  expect(code, stdout + stderr).toBe(0);
  const why = await orch(repository, ['why', 'a']);
  expect(why.stdout).toMatch(/attempt 1 \(first\): lost.*SIGKILL/);
  expect(why.stdout).toMatch(/attempt 2 \(continue\): succeeded/);
  const [first, second] = (await status(repository)).state.tasks['a']?.attempts ?? [];
  expect(second?.session).toBe(first?.session);
});

it('a repair that is killed before or after it sent the findings: the conversation hears them once', async () => {
  const recording = await startModel({ record: 'full' });
  try {
    const turns = [
      { tool: 'Write', input: { file_path: `${here}/a.txt`, content: 'half' } },
      { text: 'Done.' },
      { tool: 'Write', input: { file_path: `${here}/a.txt`, content: 'whole' } },
      { text: 'Repaired.' },
    ];
    repository.write({
      'orch.yaml': JSON.stringify({
        version: 1,
        name: 'repaired',
        gates: { whole: { sh: 'grep -q whole a.txt' } },
        tasks: [{ id: 'a', prompt: scripted(turns), gates: ['whole'] }],
      }),
    });
    const { env } = recording;
    const running = startOrch(repository, ['run', 'orch.yaml', '--yes'], { env });
    await until('the repair has its workspace', () =>
      journalEvents(repository).some(
        (event) => event.type === 'workspace.prepared' && event.attempt === 2,
      ),
    );
    process.kill(running.pid, 'SIGKILL');
    await running.finished;
    const resumed = await orch(repository, ['resume'], { env });
    expect(resumed.code, resumed.stdout + resumed.stderr).toBe(0);
    const last = JSON.stringify(recording.requests.at(-1)?.body);
    expect(last.split('(attempt 1) was checked and did not pass')).toHaveLength(2);
  } finally {
    await recording.close();
  }
});
