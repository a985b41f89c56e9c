import { existsSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { orch, status } from '../harness/orch.js';
import { makeRepository, type TestRepository } from '../harness/repository.js';
import { nextCommand, plan, run } from '../harness/situation.js';

let repository: TestRepository;
beforeEach(() => {
  repository = makeRepository({ 'src/a.txt': 'a\n' });
});
afterEach(() => repository.remove());

describe('a symbolic link that leads out of the repository', () => {
  it('is not merged: out_of_scope, with the target named, and a command to take it over by hand', async () => {
    plan(repository, {
      tasks: [
        { id: 'link', sh: 'ln -s /etc/passwd link; ln -s ../../x src/up', effect: 'diff' },
        { id: 'good', sh: 'ln -s a.txt src/link', effect: 'diff' },
      ],
    });
    const finished = await run(repository);
    expect(finished.code, finished.stdout + finished.stderr).toBe(1);
    const { state } = await status(repository);
    expect(state.tasks['good']?.verdict).toBe('succeeded');
    expect(state.tasks['link']).toMatchObject({ verdict: 'out_of_scope' });
    expect(repository.git('ls-tree', '-r', '--name-only', `orch/${state.run}`)).not.toMatch(
      /^(link|src\/up)$/m,
    );
    const why = await orch(repository, ['why', 'link']);
    expect(why.stdout).toContain('link -> /etc/passwd, src/up -> ../../x');
    expect(why.stdout).toContain('leads out of the repository, to /etc/passwd');
    // A person may want it: the printed merge takes the result over.
    const next = nextCommand(why);
    expect(repository.shell(next.replace(/ +#.*/, ''))).toContain('/etc/passwd');
    repository.shell(/git merge refs\/\S+/.exec(next)?.[0].replace(/;$/, '') ?? 'false');
    expect(repository.git('ls-files', 'link')).toBe('link');
  });

  it('with `writes_outside: warn` it is merged, and said', async () => {
    plan(repository, {
      defaults: { writes_outside: 'warn' },
      tasks: [{ id: 'link', sh: 'ln -s /etc/passwd link', effect: 'diff' }],
    });
    const finished = await run(repository);
    expect(finished.code, finished.stdout + finished.stderr).toBe(0);
    expect(finished.stdout).toContain('leads out of the repository, to /etc/passwd');
  });
});

it('a repository that a task makes is named with what became of its files, which stay where they are', async () => {
  plan(repository, {
    tasks: [
      { id: 'only', sh: 'git init -q lib && echo x > lib/x', effect: 'diff' },
      {
        id: 'linked',
        sh: 'git init -q lib && echo x > lib/x && git -C lib add -A && git -C lib -c user.name=x -c user.email=x@localhost commit -q -m x && git add -A',
        effect: 'diff',
      },
      { id: 'inside', sh: 'git init -q src && echo x > src/x', effect: 'diff' },
    ],
  });
  const finished = await run(repository);
  expect(finished.code, finished.stdout + finished.stderr).toBe(1);
  for (const [task, told] of [
    ['only', 'lib/ is a repository of its own: nothing of it is part of the result'],
    ['linked', 'lib/ is a repository of its own: nothing of it is part of the result'],
    ['inside', 'src/ is a repository of its own: its files are part of the result'],
  ] as const) {
    const why = await orch(repository, ['why', task]);
    expect(why.stdout).toContain(told);
    const place = /stays in (\S+)\./.exec(why.stdout)?.[1] ?? '';
    expect(existsSync(path.join(place, '.git'))).toBe(true);
  }
  const { state } = await status(repository);
  expect(state.tasks['only']?.verdict).toBe('no_effect');
  expect(repository.git('show', `orch/${state.run}:src/x`)).toBe('x');

  // A new attempt begins with an empty workspace: what was there is set aside whole.
  await orch(repository, ['resume']);
  const kept = listKept(repository);
  expect(kept.some((name) => existsSync(path.join(name, 'lib', 'x')))).toBe(true);
});

function listKept(of: TestRepository): readonly string[] {
  const found = of.shell(`find ${of.state}/kept -mindepth 3 -maxdepth 3`);
  return found.split('\n').filter((line) => line !== '');
}
