import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { orch, startOrch, status, type Finished } from '../harness/orch.js';
import { makeRepository, type TestRepository } from '../harness/repository.js';
import { plan, work } from '../harness/situation.js';
import { until } from '../harness/witness.js';

let repository: TestRepository;
beforeEach(() => {
  repository = makeRepository();
});
afterEach(() => repository.remove());

/** Runs a task that waits, and meanwhile does something to the user's repository. */
async function meanwhile(act: () => void): Promise<Finished> {
  const go = path.join(repository.home, 'go');
  const sh = 'touch "$GO.waits"; while [ ! -e "$GO" ]; do sleep 0.05; done; echo work > work.txt';
  plan(repository, { tasks: [{ ...work, env: { GO: go }, sh }] });
  const running = startOrch(repository, ['run', 'orch.yaml', '--yes']);
  await until('the task waits', () => existsSync(`${go}.waits`));
  act();
  writeFileSync(go, '');
  return running.finished;
}

it('a person who amends, pushes, fetches and deletes a branch while a run goes on fails no attempt, and reads of it', async () => {
  const remote = path.join(repository.home, 'remote.git');
  repository.git('init', '--quiet', '--bare', remote);
  repository.git('remote', 'add', 'origin', remote);
  repository.git('branch', 'old');
  const finished = await meanwhile(() => {
    repository.git('commit', '--quiet', '--amend', '--message', 'Another message');
    repository.git('push', '--quiet', '-u', 'origin', 'main');
    repository.git('fetch', '--quiet', 'origin');
    repository.git('branch', '--quiet', '-D', 'old');
  });
  expect(finished.code, finished.stdout + finished.stderr).toBe(0);
  const { state } = await status(repository);
  expect(state.tasks['work']?.verdict).toBe('succeeded');
  expect(repository.git('show', `orch/${state.run}:work.txt`)).toBe('work');
  const why = await orch(repository, ['why', 'work']);
  for (const what of [
    'refs/heads/main was rewound',
    'refs/heads/old was deleted',
    'refs/remotes/origin/main was created',
    'in config: branch.main.merge was set, branch.main.remote was set',
  ])
    expect(why.stdout).toContain(`during this attempt: ${what}`);
});

it('what would make git run something fails the attempt all the same', async () => {
  const finished = await meanwhile(() => {
    repository.git('branch', 'mine');
    repository.git('config', 'alias.status', '!true');
  });
  expect(finished.code, finished.stdout + finished.stderr).toBe(1);
  const { state } = await status(repository);
  expect(state.tasks['work']).toMatchObject({
    verdict: 'tampered',
    reasons: ['in config: alias.status was set'],
  });
});
