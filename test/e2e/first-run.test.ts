import { cpSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import {
  journalEvents,
  jsonLines,
  orch,
  runDirectory,
  startOrch,
  status,
} from '../harness/orch.js';
import { makeRepository, type TestRepository } from '../harness/repository.js';
import { processesWith, until } from '../harness/witness.js';

const example = path.resolve(import.meta.dirname, '../../examples/first-run');

/** The example as `npm start` makes it: the seed and its plan, committed. */
let repository: TestRepository;
beforeEach(() => {
  repository = makeRepository({});
  cpSync(path.join(example, 'seed'), repository.root, { recursive: true });
  for (const file of ['orch.yaml', 'rehearsal.yaml', 'prompts'])
    cpSync(path.join(example, file), path.join(repository.root, file), { recursive: true });
  repository.commit('A small library with tests, a bug, and eight functions to write');
});
afterEach(() => repository.remove());

/** The tests of the branch, run by Node in a worktree that orch knows nothing of. */
function testsOf(revision: string): { passed: boolean; output: string } {
  const worktree = path.join(repository.home, `worktree-${revision.replaceAll('/', '-')}`);
  repository.git('worktree', 'add', '--quiet', '--detach', worktree, revision);
  try {
    return {
      passed: true,
      output: repository.shell(`cd '${worktree}' && node --test test/*.test.js 2>&1`),
    };
  } catch (error) {
    return { passed: false, output: String((error as { stdout?: unknown }).stdout) };
  }
}

it('the first run does what it promises: twenty tasks, eight at once, one repaired gate, one tested branch, all of it marked', async () => {
  const running = startOrch(repository, ['rehearse', 'orch.yaml', '--parallel', '8']);
  let ended = false;
  void running.finished.then(() => (ended = true));
  // The kernel's own word: the most tasks that had a process at one moment.
  let most = 0;
  await until(
    'the run has ended',
    () => {
      const run = path.basename(runDirectory(repository) ?? '');
      most = Math.max(most, run === '' ? 0 : tasksWithProcesses(run));
      return ended;
    },
    170_000,
  );
  const { code, stdout, stderr } = await running.finished;
  expect(stdout + stderr).toMatch(
    /^REHEARSAL 20\/20 succeeded · 11 gates · \$0\.00 rehearsal · .+ · merged 18 · 0 processes left/m,
  );
  expect(code).toBe(0);
  const { state } = await status(repository);
  const tasks = Object.values(state.tasks);
  expect(tasks).toHaveLength(20);

  // Eight wide: by the journal's overlapping attempts, and several of them seen by the kernel.
  expect(mostAtOnce()).toBe(8);
  expect(most).toBeGreaterThanOrEqual(4);

  // One gate failed, and the same conversation repaired it.
  const repaired = tasks.filter(({ attempts }) => attempts.length > 1);
  expect(repaired.map(({ label }) => label)).toEqual(['implement[slug]']);
  expect(repaired[0]?.attempts.map(({ mode, verdict }) => [mode, verdict])).toEqual([
    ['first', 'gate_failed'],
    ['repair', 'succeeded'],
  ]);
  expect(new Set(repaired[0]?.attempts.map(({ session }) => session)).size).toBe(1);

  // The branch's own tests pass; those of the seed did not.
  const branch = `orch/rehearsal-${state.run}`;
  expect(repository.git('for-each-ref', '--format=%(refname:short)', 'refs/heads')).toBe(
    `main\n${branch}`,
  );
  const after = testsOf(branch);
  expect(after.passed, after.output).toBe(true);
  expect(testsOf('main').passed).toBe(false);

  expect(unmarked(branch)).toEqual([]);
  expect(processesWith('ORCH_RUN', state.run)).toEqual([]);
  expect(repository.git('status', '--porcelain')).toBe('');
});

it('the marks are looked for: a run that is no rehearsal has none of them', async () => {
  repository.write({
    'plain.yaml': JSON.stringify({
      version: 1,
      name: 'plain',
      gates: { there: { run: ['test', '-e', 'new.txt'] } },
      tasks: [{ id: 'work', sh: 'echo x > new.txt', effect: 'diff', gates: ['there'] }],
    }),
  });
  expect((await orch(repository, ['run', 'plain.yaml', '--yes'])).code).toBe(0);
  const { state } = await status(repository);
  const found = unmarked(`orch/${state.run}`);
  for (const kind of ['journal', 'session', 'receipt', 'commit', 'branch'])
    expect(found.some((one) => one.startsWith(kind))).toBe(true);
});

/** How many tasks of a run have a process right now. */
const tasksWithProcesses = (run: string): number =>
  new Set(
    processesWith('ORCH_RUN', run).flatMap(({ pid }) => {
      try {
        const environment = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
        return environment.filter((entry) => entry.startsWith('ORCH_TASK='));
      } catch {
        return [];
      }
    }),
  ).size;

/** Everything a rehearsal leaves that does not say so. */
function unmarked(branch: string): readonly string[] {
  const directory = runDirectory(repository) ?? '';
  const files = (name: string): readonly string[] =>
    readdirSync(path.join(directory, name), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.json') || file.endsWith('.jsonl'))
      .map((file) => path.join(directory, name, file));
  const started = journalEvents(repository).find((event) => event.type === 'run.started');
  const results = repository.git(
    'log',
    '--format=%H %s',
    '--glob=refs/orch/runs',
    branch,
    '--not',
    'main',
  );
  return [
    ...(started?.mode === 'rehearsal' ? [] : ['journal: mode']),
    ...files('sessions').flatMap((file) => {
      const first = jsonLines(file)[0] as { kind: string; data: { stamp?: string } } | undefined;
      return first?.kind === 'attempt' && first.data.stamp === 'REHEARSAL'
        ? []
        : [`session: ${file}`];
    }),
    ...files('receipts').flatMap((file) =>
      /"stamp":\s*"REHEARSAL"/.test(readFileSync(file, 'utf8')) ? [] : [`receipt: ${file}`],
    ),
    ...results
      .split('\n')
      .flatMap((line) => (/^\w+ REHEARSAL: /.test(line) ? [] : [`commit: ${line}`])),
    ...(branch.includes('rehearsal') ? [] : [`branch: ${branch}`]),
  ];
}

/** The most attempts that were under way at one moment, from when each began to when it was decided. */
function mostAtOnce(): number {
  let now = 0;
  let most = 0;
  for (const event of journalEvents(repository)) {
    if (event.type === 'attempt.started') most = Math.max(most, ++now);
    if (event.type === 'attempt.committed' || event.type === 'attempt.ended') now -= 1;
  }
  return most;
}
