import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { journalEvents, orch, startOrch, status, type Finished } from '../harness/orch.js';
import { makeRepository, type TestRepository } from '../harness/repository.js';
import { expectRefused, holdings, plan, planOf, run, runId, work } from '../harness/situation.js';
import { until } from '../harness/witness.js';

let repository: TestRepository;
beforeEach(() => {
  repository = makeRepository({ 'README.md': 'hello\n', 'b.txt': 'b\n' });
});
afterEach(() => repository.remove());

describe('deliver: { merge: main }', () => {
  const deliver = { merge: 'main' };

  it('checked out and clean: main is fast-forwarded with its files, and ignored and untracked ones stay', async () => {
    repository.write({ '.gitignore': 'ignored\n' });
    const base = plan(repository, { deliver });
    repository.write({ ignored: 'ignored\n', 'untracked.txt': 'mine\n' });
    const before = holdings(repository);
    const finished = await run(repository);
    expect(finished.code, finished.stdout + finished.stderr).toBe(0);
    expect(finished.stdout).toContain('delivered to main');
    expect(repository.git('symbolic-ref', 'HEAD')).toBe('refs/heads/main');
    expect(repository.git('merge-base', 'main', base)).toBe(base);
    expect(repository.git('status', '--porcelain')).toBe('?? untracked.txt');
    const { files } = before as { files: Record<string, string> };
    const after = holdings(repository) as { files: Record<string, string> };
    expect(after.files).toEqual({ ...files, 'work.txt': after.files['work.txt'] });
    expect(readFileSync(path.join(repository.root, 'work.txt'), 'utf8')).toBe('work\n');
  });

  it('a task failed: exit 1, nothing is delivered, what succeeded is kept', async () => {
    const base = plan(repository, { deliver, tasks: [work, { id: 'bad', sh: 'false' }] });
    const before = holdings(repository);
    const finished = await run(repository);
    expect(finished.code).toBe(1);
    expect(holdings(repository)).toEqual(before);
    expect(repository.git('rev-parse', 'main')).toBe(base);
    const kept = `refs/orch/integration/${await runId(repository)}`;
    expect(repository.git('show', `${kept}:work.txt`)).toBe('work');
  });

  it('dirty: refused, nothing is touched, and the next command merges', async () => {
    plan(repository, { deliver });
    repository.write({ 'b.txt': 'b, changed\n' });
    const before = holdings(repository);
    const finished = await run(repository);
    const refused = await expectRefused(finished, repository, /has uncommitted changes: b\.txt/);
    expect(holdings(repository)).toEqual(before);

    repository.shell(refused.next);
    expect(repository.git('rev-parse', 'main')).toBe(
      repository.git('rev-parse', refused.integration),
    );
    expect(readFileSync(path.join(repository.root, 'b.txt'), 'utf8')).toBe('b, changed\n');
    // The run learns of it.
    const resumed = await orch(repository, ['resume']);
    expect(resumed.code, resumed.stdout + resumed.stderr).toBe(0);
    expect((await status(repository)).state.outcome).toBe('succeeded');
  });

  it('dirty, then clean: resume delivers, and runs no task again', async () => {
    plan(repository, { deliver });
    repository.write({ 'b.txt': 'b, changed\n' });
    await expectRefused(await run(repository), repository, /has uncommitted changes: b\.txt/);
    repository.commit('My work');
    repository.git('reset', '--quiet', '--hard', 'HEAD~1');
    const resumed = await orch(repository, ['resume']);
    expect(resumed.code, resumed.stdout + resumed.stderr).toBe(0);
    expect(readFileSync(path.join(repository.root, 'work.txt'), 'utf8')).toBe('work\n');
    const started = journalEvents(repository).filter((event) => event.type === 'attempt.started');
    expect(started.length).toBe(1);
  });

  it('an untracked file in the way: refused, the file is intact; the next command moves it aside and merges', async () => {
    plan(repository, { deliver });
    repository.write({ 'work.txt': 'my own work, nowhere else\n' });
    const before = holdings(repository);
    const finished = await run(repository);
    const { next } = await expectRefused(
      finished,
      repository,
      /untracked files in .* are in the way: work\.txt/,
    );
    expect(holdings(repository)).toEqual(before);

    repository.shell(next);
    expect(readFileSync(path.join(repository.root, 'work.txt'), 'utf8')).toBe('work\n');
    expect(readFileSync(path.join(repository.root, 'work.txt.mine'), 'utf8')).toBe(
      'my own work, nowhere else\n',
    );
  });

  it.each(['--skip-worktree', '--assume-unchanged'])(
    'changes that git was told not to look at (%s) are not overwritten',
    async (flag) => {
      plan(repository, { deliver, tasks: [{ ...work, sh: 'echo work | tee work.txt > b.txt' }] });
      repository.git('update-index', flag, 'b.txt');
      repository.write({ 'b.txt': 'mine, and git does not know\n' });
      expect(repository.git('status', '--porcelain')).toBe('');
      const before = holdings(repository);
      await expectRefused(await run(repository), repository, /'b\.txt' not uptodate/);
      expect(holdings(repository)).toEqual(before);
    },
  );

  it('an ignored file in the way is not overwritten either', async () => {
    repository.write({ '.gitignore': 'work.txt\n' });
    plan(repository, { deliver, tasks: [{ ...work, sh: 'rm .gitignore; echo work > work.txt' }] });
    repository.write({ 'work.txt': 'ignored, and mine\n' });
    const before = holdings(repository);
    await expectRefused(await run(repository), repository, /are in the way: work\.txt/);
    expect(holdings(repository)).toEqual(before);
  });

  it('checked out in a linked worktree: moved forward there, and nothing where the run was started', async () => {
    plan(repository, { deliver });
    repository.git('switch', '--quiet', '--create', 'other');
    const linked = repository.at(path.join(repository.home, 'linked worktree'));
    repository.git('worktree', 'add', '--quiet', linked.root, 'main');
    const before = holdings(repository);
    const finished = await run(repository);
    expect(finished.code, finished.stdout + finished.stderr).toBe(0);
    expect(holdings(repository)).toEqual(before);
    expect(readFileSync(path.join(linked.root, 'work.txt'), 'utf8')).toBe('work\n');
    expect(linked.git('status', '--porcelain')).toBe('');
    expect(linked.git('symbolic-ref', 'HEAD')).toBe('refs/heads/main');

    // Dirty, it is refused there as well.
    linked.write({ 'b.txt': 'b, changed\n' });
    repository.git('merge', '--quiet', '--ff-only', 'main');
    repository.write({
      'orch.yaml': planOf({
        deliver,
        tasks: [{ ...work, sh: 'echo more > more.txt; echo work > work.txt' }],
      }),
    });
    const kept = holdings(linked);
    const refused = await run(repository);
    const { next } = await expectRefused(
      refused,
      repository,
      /linked worktree has uncommitted changes: b\.txt/,
    );
    expect(holdings(linked)).toEqual(kept);
    repository.shell(next);
    expect(readFileSync(path.join(linked.root, 'more.txt'), 'utf8')).toBe('more\n');
    expect(readFileSync(path.join(linked.root, 'b.txt'), 'utf8')).toBe('b, changed\n');
  });

  it('not checked out anywhere: only the branch moves', async () => {
    plan(repository, { deliver });
    repository.git('switch', '--quiet', '--create', 'other');
    repository.write({ 'b.txt': 'b, changed\n' });
    const before = holdings(repository);
    const finished = await run(repository);
    expect(finished.code, finished.stdout + finished.stderr).toBe(0);
    expect(holdings(repository)).toEqual(before);
    expect(repository.git('show', 'main:work.txt')).toBe('work');
  });

  it('a run that started from another branch: refused, and the next command merges', async () => {
    const main = plan(repository, { deliver });
    repository.git('switch', '--quiet', '--create', 'feature');
    repository.write({ 'feature.txt': 'feature\n' });
    repository.commit('A feature');
    const before = holdings(repository);
    const finished = await run(repository);
    const refused = await expectRefused(
      finished,
      repository,
      /main is at [0-9a-f]+, and the run started from/,
    );
    expect(holdings(repository)).toEqual(before);
    expect(repository.git('rev-parse', 'main')).toBe(main);
    repository.shell(refused.next);
    expect(repository.git('symbolic-ref', 'HEAD')).toBe('refs/heads/main');
    for (const file of ['feature.txt', 'work.txt'])
      expect(existsSync(path.join(repository.root, file))).toBe(true);
  });

  it('there is no such branch: refused, and the next command makes it', async () => {
    plan(repository, { deliver: { merge: 'release' } });
    const finished = await run(repository);
    const { next } = await expectRefused(
      finished,
      repository,
      /there is no branch release to merge into/,
    );
    expect(repository.git('branch', '--list', 'release')).toBe('');
    repository.shell(next);
    expect(repository.git('show', 'release:work.txt')).toBe('work');
  });

  /** Runs a task that waits, and meanwhile does what a person does. */
  async function meanwhile(act: () => void): Promise<Finished> {
    const go = path.join(repository.home, 'go');
    const sh = 'touch "$GO.waits"; while [ ! -e "$GO" ]; do sleep 0.05; done; echo work > work.txt';
    plan(repository, { deliver, tasks: [{ ...work, env: { GO: go }, sh }] });
    const running = startOrch(repository, ['run', 'orch.yaml', '--yes']);
    await until('the task waits', () => existsSync(`${go}.waits`));
    act();
    writeFileSync(go, '');
    return running.finished;
  }

  it('moved by a person while the run went on: refused, and the next command joins both', async () => {
    let before: unknown;
    const finished = await meanwhile(() => {
      repository.write({ 'mine.txt': 'mine\n' });
      repository.commit('Meanwhile');
      before = holdings(repository);
    });
    const refused = await expectRefused(
      finished,
      repository,
      /main has moved to [0-9a-f]+, which the result does not contain/,
    );
    expect(holdings(repository)).toEqual(before);

    repository.shell(refused.next);
    expect(readFileSync(path.join(repository.root, 'mine.txt'), 'utf8')).toBe('mine\n');
    expect(readFileSync(path.join(repository.root, 'work.txt'), 'utf8')).toBe('work\n');
    expect(repository.git('status', '--porcelain')).toBe('');
  });

  it('rewritten while the run went on: what ran then counts as tampered, and is kept', async () => {
    let before: unknown;
    const finished = await meanwhile(() => {
      repository.git('commit', '--quiet', '--amend', '--message', 'Another message');
      before = holdings(repository);
    });
    expect(finished.code, finished.stdout + finished.stderr).toBe(1);
    expect(holdings(repository)).toEqual(before);
    const { state } = await status(repository);
    expect(state.tasks['work']).toMatchObject({
      verdict: 'tampered',
      reasons: [expect.stringContaining('refs/heads/main was rewound')],
    });
    expect(repository.git('show', `refs/orch/runs/${state.run}/work/1:work.txt`)).toBe('work');
  });
});
