import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { orch } from '../harness/orch.js';
import { listFiles, makeRepository, type TestRepository } from '../harness/repository.js';
import {
  expectRefused,
  holdings,
  nextCommand,
  plan,
  planOf,
  run,
  runId,
  work,
} from '../harness/situation.js';

let repository: TestRepository;
beforeEach(() => {
  repository = makeRepository({ 'README.md': 'hello\n', 'b.txt': 'b\n' });
});
afterEach(() => repository.remove());

describe('where a run starts', () => {
  it('uncommitted work is left out, named, and exactly as before afterwards', async () => {
    repository.write({ 'a.txt': 'a\n', 'both.txt': 'both\n' });
    plan(repository, {
      tasks: [{ ...work, sh: 'cat a.txt b.txt both.txt > work.txt; ls >> work.txt' }],
    });
    repository.write({ 'a.txt': 'a, staged\n', 'both.txt': 'both, staged\n' });
    repository.git('add', 'a.txt', 'both.txt');
    repository.write({
      'b.txt': 'b, changed\n',
      'both.txt': 'both, changed\n',
      'new/c.txt': 'c\n',
    });
    const before = holdings(repository);

    const finished = await run(repository);
    expect(finished.code, finished.stdout + finished.stderr).toBe(0);
    expect(finished.stdout).toMatch(/left out: 4 uncommitted changes \(.*\); the run uses HEAD/);
    expect(holdings(repository)).toEqual(before);
    const delivered = `orch/${await runId(repository)}:work.txt`;
    expect(repository.git('show', delivered)).toBe(
      ['a', 'b', 'both', 'README.md', 'a.txt', 'b.txt', 'both.txt', 'orch.yaml', 'work.txt'].join(
        '\n',
      ),
    );

    // Committed, it is there, and nothing is said: the line and the comparison can differ.
    repository.commit('My work');
    expect(holdings(repository)).not.toEqual(before);
    const again = await run(repository);
    expect(again.stdout).not.toContain('left out');
    expect(repository.git('show', `orch/${await runId(repository)}:work.txt`)).toContain(
      'b, changed',
    );
  });

  it('no repository, then no commit: exit 7, nothing is changed, and the next commands lead to a run', async () => {
    const person = repository.at(path.join(repository.home, 'a new project'));
    mkdirSync(person.root);
    person.write({ 'orch.yaml': planOf() });
    const before = listFiles(repository.home);

    const none = await run(person);
    expect(none.code).toBe(7);
    expect(none.stderr).toMatch(/There is no git repository at .*\(ORCH_GIT_NOT_A_REPOSITORY\)/);
    expect(listFiles(repository.home)).toEqual(before);

    person.shell(nextCommand(none));
    const empty = await run(person);
    expect(empty.code).toBe(7);
    expect(empty.stderr).toMatch(/has no commit yet to start from.*\(ORCH_GIT_NO_COMMITS\)/);
    expect(existsSync(path.join(person.root, '.orch'))).toBe(false);

    person.shell(nextCommand(empty));
    const finished = await run(person);
    expect(finished.code, finished.stdout + finished.stderr).toBe(0);
    expect(finished.stdout).toMatch(/left out: 1 uncommitted change \(orch\.yaml\)/);
    expect(person.git('show', `orch/${await runId(person)}:work.txt`)).toBe('work');
  });

  it('a bare repository: exit 7, and the next command leads to a worktree in which a run works', async () => {
    plan(repository);
    const bare = repository.at(path.join(repository.home, 'bare.git'));
    repository.git('clone', '--quiet', '--bare', '.', bare.root);
    const before = listFiles(repository.home);

    // A plan outside: a bare repository has no files.
    const refused = await orch(bare, ['run', path.join(repository.root, 'orch.yaml'), '--yes']);
    expect(refused.code).toBe(7);
    expect(refused.stderr).toMatch(/is bare: it has no files to work on.*\(ORCH_GIT_BARE\)/);
    expect(listFiles(repository.home)).toEqual(before);

    // Looking at runs says what holds, not that there is no repository.
    for (const verb of [['status'], ['why', 'work'], ['resume']]) {
      const looked = await orch(bare, verb);
      expect(looked.code).toBe(7);
      expect(looked.stderr).toMatch(/is bare: .*\(ORCH_(REPOSITORY|GIT)_BARE\)/);
      expect(looked.stderr).not.toContain('git init');
    }

    bare.shell(nextCommand(refused));
    const worktree = repository.at(path.join(repository.home, 'worktree'));
    const finished = await run(worktree);
    expect(finished.code, finished.stdout + finished.stderr).toBe(0);
    expect(existsSync(path.join(worktree.root, '.orch'))).toBe(true);
    const listed = bare.shell(nextCommand(await orch(bare, ['status'])));
    expect(listed).toContain(worktree.root);
    expect(bare.git('show', `orch/${await runId(worktree)}:work.txt`)).toBe('work');
  });

  it('a state directory inside the repository: exit 7, nothing is made, and the next command leads to a run', async () => {
    plan(repository);
    const inside = path.join(repository.root, '.state');
    const refused = await orch(repository, ['run', 'orch.yaml', '--yes'], {
      env: { ORCH_STATE_DIR: inside },
    });
    expect(refused.code).toBe(7);
    expect(refused.stderr).toMatch(/outside the repository.*\(ORCH_WORKSPACE_STATE_DIRECTORY\)/);
    expect(existsSync(path.join(repository.root, '.orch'))).toBe(false);
    expect(existsSync(inside)).toBe(false);
    const [, outside = ''] = /^export ORCH_STATE_DIR=(\S+)$/.exec(nextCommand(refused)) ?? [];
    const env = { ORCH_STATE_DIR: outside };
    expect((await orch(repository, ['run', 'orch.yaml', '--yes'], { env })).code).toBe(0);
  });

  it('a home directory that is a repository: the next command names a state directory outside', async () => {
    plan(repository);
    const env = { HOME: repository.root, ORCH_STATE_DIR: '' };
    const refused = await orch(repository, ['run', 'orch.yaml', '--yes'], { env });
    expect(refused.code).toBe(7);
    expect(existsSync(path.join(repository.root, '.local'))).toBe(false);
    expect(nextCommand(refused)).toBe(`export ORCH_STATE_DIR=${repository.home}/.orch-state`);
  });

  it('a detached HEAD is where the run starts, and where HEAD stays', async () => {
    const first = plan(repository);
    repository.write({ 'later.txt': 'later\n' });
    const tip = repository.commit('Later');
    repository.git('checkout', '--quiet', '--detach', first);
    const before = holdings(repository);
    const finished = await run(repository);
    expect(finished.code, finished.stdout + finished.stderr).toBe(0);
    expect(finished.stdout).toContain(`from ${first.slice(0, 10)} (detached HEAD)`);
    expect(holdings(repository)).toEqual(before);
    const delivered = `orch/${await runId(repository)}`;
    expect(repository.git('merge-base', delivered, tip)).toBe(first);
    expect(repository.git('ls-tree', '--name-only', delivered)).not.toContain('later.txt');
  });

  it('a subdirectory and a linked worktree: one .orch at the main worktree, their own HEAD', async () => {
    repository.write({ 'sub/orch.yaml': planOf() });
    repository.commit('A plan below');
    const sub = path.join(repository.root, 'sub');
    const below = await run(repository, sub);
    expect(below.code, below.stdout + below.stderr).toBe(0);
    const first = await runId(repository);
    expect(existsSync(path.join(sub, '.orch'))).toBe(false);
    expect(repository.git('status', '--porcelain')).toBe('');

    const linked = repository.at(path.join(repository.home, 'linked'));
    repository.git('worktree', 'add', '--quiet', '-b', 'feature', linked.root);
    linked.write({ 'feature.txt': 'feature\n' });
    const feature = plan(linked);
    linked.write({ 'mine.txt': 'mine\n' });
    const before = holdings(linked);
    const finished = await run(linked);
    expect(finished.code, finished.stdout + finished.stderr).toBe(0);
    expect(finished.stdout).toContain(`from ${feature.slice(0, 10)} (feature)`);
    expect(finished.stdout).toMatch(/left out: 1 uncommitted change \(mine\.txt\)/);
    expect(existsSync(path.join(linked.root, '.orch'))).toBe(false);
    expect(holdings(linked)).toEqual(before);
    const second = await runId(repository);
    expect(second).not.toBe(first);
    expect(repository.git('show', `orch/${second}:feature.txt`)).toBe('feature');
    // Both runs are found from everywhere.
    for (const cwd of [repository.root, sub, linked.root]) {
      const all = await orch(repository, ['status', '--all'], { cwd });
      expect([all.code, all.stdout]).toEqual([0, expect.stringContaining(first)]);
      expect(all.stdout).toContain(second);
    }
  });

  it('a shallow clone: its history ends where it ended', async () => {
    plan(repository, { deliver: { merge: 'main' } });
    const shallow = repository.at(path.join(repository.home, 'shallow'));
    repository.git('clone', '--quiet', '--depth', '1', `file://${repository.root}`, shallow.root);
    const finished = await run(shallow);
    expect(finished.code, finished.stdout + finished.stderr).toBe(0);
    expect(readFileSync(path.join(shallow.root, 'work.txt'), 'utf8')).toBe('work\n');
    expect(shallow.git('rev-parse', '--is-shallow-repository')).toBe('true');
    expect(shallow.git('status', '--porcelain')).toBe('');
    expect(shallow.git('fsck', '--no-dangling')).toBe('');
    // The plan's commit is the boundary: what came before it is not there, and not asked for.
    expect(shallow.git('log', '--topo-order', '--format=%s').split('\n').at(-1)).toBe('A plan');
  });
});

describe('what is in the repository', () => {
  const name = 'Ünï côdé 日本 & $HOME "quoted"; it\'s';

  it('its path and its files may have any name; printed commands are quoted', async () => {
    const person = makeRepository({ 'a b.txt': 'a\n' }, name);
    try {
      const files = ['a b.txt', `${name}.txt`, '日本/ü.txt', '-dash', 'tab\there', ':(glob)x', '*'];
      const contents = Object.fromEntries(files.map((file) => [file, `${file}\n`]));
      person.write({ ...contents, 'to change.txt': '1\n' });
      plan(person, {
        tasks: [
          {
            ...work,
            sh: 'for f in *; do [ -f "$f" ] && echo changed >> "./$f"; done; echo work > work.txt',
          },
        ],
        deliver: { merge: 'main' },
      });
      person.write({ 'to change.txt': 'mine\n' });
      const before = holdings(person);
      const finished = await run(person);
      const { next } = await expectRefused(
        finished,
        person,
        /has uncommitted changes: to change\.txt/,
      );
      expect(holdings(person)).toEqual(before);
      // The change does not fit: git keeps it in the stash, and says so.
      person.shell(next);
      person.git('checkout', '--quiet', 'HEAD', '--', '.');
      const expected = files
        .filter((file) => !file.includes('/'))
        .map((file) => [file, `${file}\nchanged\n`]);
      for (const [file = '', text] of expected)
        expect(readFileSync(path.join(person.root, file), 'utf8')).toBe(text);
      expect(person.git('status', '--porcelain')).toBe('');
      expect(person.git('stash', 'show', '--name-only')).toBe('to change.txt');
    } finally {
      person.remove();
    }
  });

  it('even a line end in its path is no obstacle', async () => {
    const person = makeRepository({}, 'two\nlines');
    try {
      plan(person, { deliver: { merge: 'main' } });
      const finished = await run(person);
      expect(finished.code, finished.stdout + finished.stderr).toBe(0);
      expect(readFileSync(path.join(person.root, 'work.txt'), 'utf8')).toBe('work\n');
      expect(person.git('status', '--porcelain')).toBe('');
    } finally {
      person.remove();
    }
  });

  it('a branch named orch: the result gets a branch beside it, and that is said', async () => {
    plan(repository);
    repository.git('branch', 'orch');
    const tip = repository.git('rev-parse', 'orch');
    const finished = await run(repository);
    expect(finished.code, finished.stdout + finished.stderr).toBe(0);
    const id = await runId(repository);
    expect(finished.stdout).toContain(`delivered to orch-${id}`);
    expect(finished.stdout).toContain(`orch/${id} cannot exist beside the branch orch`);
    expect(repository.git('show', `orch-${id}:work.txt`)).toBe('work');
    expect(repository.git('rev-parse', 'orch')).toBe(tip);
  });

  it('a submodule stays as it is: an empty directory in workspaces, its entry and files untouched', async () => {
    const library = repository.at(path.join(repository.home, 'library'));
    mkdirSync(library.root);
    library.git('init', '--quiet', '--initial-branch=main');
    library.write({ 'library.txt': 'library\n' });
    library.commit('A library');
    repository.git(
      '-c',
      'protocol.file.allow=always',
      'submodule',
      '--quiet',
      'add',
      library.root,
      'vendor',
    );
    plan(repository, {
      tasks: [{ ...work, sh: 'ls -A vendor | wc -l | tr -d " " > work.txt' }],
      deliver: { merge: 'main' },
    });
    const entry = repository.git('ls-tree', 'main', 'vendor');
    expect(entry).toContain('160000 commit');
    repository.write({ 'vendor/mine.txt': 'mine\n' });

    const finished = await run(repository);
    expect(finished.code, finished.stdout + finished.stderr).toBe(0);
    expect(readFileSync(path.join(repository.root, 'work.txt'), 'utf8')).toBe('0\n');
    expect(repository.git('ls-tree', 'main', 'vendor')).toBe(entry);
    for (const file of ['library.txt', 'mine.txt'])
      expect(existsSync(path.join(repository.root, 'vendor', file))).toBe(true);
    expect(repository.git('status', '--porcelain', '--ignore-submodules=untracked')).toBe('');
  });
});
