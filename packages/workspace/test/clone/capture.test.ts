import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { Workspaces } from '../../src/index.js';
import {
  commitAll,
  fsck,
  git,
  gitSucceeds,
  makeWorld,
  put,
  read,
  refsOf,
  type World,
} from '../fixtures/world.js';

interface Started {
  readonly world: World;
  readonly workspaces: Workspaces;
  readonly path: string;
  readonly at: { run: string; task: string; attempt: number; base: string };
  readonly capture: (writes?: readonly string[]) => ReturnType<Workspaces['capture']>;
}

async function start(files?: Readonly<Record<string, string>>): Promise<Started> {
  const world = makeWorld(files);
  const workspaces = await world.open();
  const at = { run: 'r1', task: 'fix', attempt: 1, base: world.base };
  const { path } = await workspaces.prepare({ ...at, mode: 'fresh', hideAgentSettings: false });
  return {
    world,
    workspaces,
    path,
    at,
    capture: (writes) => workspaces.capture({ ...at, message: 'Left over', writes }),
  };
}

/** A repository with one file that is not committed. */
function makeNested(path: string, name: string): void {
  mkdirSync(join(path, name));
  git(join(path, name), 'init', '--quiet');
  put(path, `${name}/file`, 'x');
}

it('capture() of an untouched workspace gives the base and no files', async () => {
  const { world, capture } = await start();
  expect(await capture()).toEqual({
    commit: world.base,
    tree: git(world.root, 'rev-parse', 'HEAD^{tree}'),
    ref: 'refs/orch/runs/r1/fix/1',
    files: [],
    outside: [],
    notes: [],
  });
  expect(refsOf(world.root)['refs/orch/runs/r1/fix/1']).toBe(world.base);
});

it('capture() keeps the commits of the agent and puts the rest on top', async () => {
  const { world, path, capture } = await start();
  put(path, 'src/b.ts', 'two\n');
  const own = commitAll(path, 'by the agent');
  put(path, 'src/a.ts', 'changed\n');
  const { commit, files } = await capture();
  const log = git(world.root, 'log', '--format=%H %an <%ae> %s', `${world.base}..${commit}`);
  expect(log).toBe(
    `${commit} orch <orch@localhost> Left over\n${own} Ada <ada@example.org> by the agent`,
  );
  expect(files).toEqual([
    { path: 'src/a.ts', status: 'modified', addedLines: 1, deletedLines: 1 },
    { path: 'src/b.ts', status: 'added', addedLines: 1, deletedLines: 0 },
  ]);
  expect(fsck(world.root)).toBe('');
});

it('capture() sees an edit of the same length right after the checkout', async () => {
  const names = Array.from({ length: 20 }, (_, at) => `file-${at}`);
  const { path, capture } = await start(Object.fromEntries(names.map((name) => [name, 'aaaa\n'])));
  put(path, 'by-the-agent', 'x');
  git(path, 'add', 'by-the-agent');
  git(path, 'commit', '--quiet', '-m', 'by the agent');
  for (const name of names) {
    const { atime, mtime } = statSync(join(path, name));
    put(path, name, 'bbbb\n');
    utimesSync(join(path, name), atime, mtime);
  }
  expect((await capture()).files).toHaveLength(names.length + 1);
});

it('capture() adds no commit when the agent committed everything', async () => {
  const { path, capture } = await start();
  put(path, 'src/b.ts', 'two\n');
  const own = commitAll(path, 'by the agent');
  expect((await capture()).commit).toBe(own);
});

it('capture() takes additions, deletions, renames, modes, links and binary files as git sees them', async () => {
  const { world, path, capture } = await start({
    'gone.txt': 'x\n',
    'old.txt': 'a\nlong\nenough\nfile\nto be\nrecognised\n',
    'run.sh': 'echo\n',
    'file-or-directory': 'a file\n',
    'plain.txt': 'x\n',
  });
  rmSync(join(path, 'gone.txt'));
  put(path, 'new.txt', read(path, 'old.txt') ?? '');
  rmSync(join(path, 'old.txt'));
  chmodSync(join(path, 'run.sh'), 0o755);
  rmSync(join(path, 'file-or-directory'));
  put(path, 'file-or-directory/inside', 'something else\n');
  rmSync(join(path, 'plain.txt'));
  symlinkSync('/etc/passwd', join(path, 'plain.txt'));
  put(path, 'binary', 'a\0b');
  put(path, 'executable', '#!/bin/sh\n', 0o755);
  mkdirSync(join(path, 'empty'));
  const { commit, files } = await capture();
  expect(files.map((file) => [file.status, file.path, file.before ?? '']).sort()).toEqual([
    ['added', 'binary', ''],
    ['added', 'executable', ''],
    ['added', 'file-or-directory/inside', ''],
    ['deleted', 'file-or-directory', ''],
    ['deleted', 'gone.txt', ''],
    ['modified', 'run.sh', ''],
    ['renamed', 'new.txt', 'old.txt'],
    ['type_changed', 'plain.txt', ''],
  ]);
  expect(files.find((file) => file.path === 'binary')).toMatchObject({
    addedLines: null,
    deletedLines: null,
  });
  expect(git(world.root, 'ls-tree', commit, 'run.sh', 'executable', 'plain.txt')).toMatch(
    /^100755 .*executable\n120000 .*plain.txt\n100755 .*run.sh$/,
  );
  expect(git(world.root, 'show', `${commit}:plain.txt`)).toBe('/etc/passwd');
});

it('capture() takes names that are no UTF-8, and names with any character', async () => {
  const { world, path, capture } = await start();
  const odd = Buffer.concat([Buffer.from(`${path}/lat`), Buffer.from([0xe9])]);
  writeFileSync(odd, 'x\n');
  put(path, 'a\tb\n"c" \\é', 'y\n');
  put(path, ' leading', 'z\n');
  put(path, ':(exclude)x', 'z\n');
  const { commit, files } = await capture();
  expect(files.map((file) => file.path).sort()).toEqual(
    [' leading', ':(exclude)x', 'a\tb\n"c" \\é', 'lat\uFFFD'].sort(),
  );
  expect(git(world.root, 'ls-tree', '--name-only', commit)).toContain('"lat\\351"');
});

it('capture() honours .gitignore, but not for files that are tracked', async () => {
  const { path, capture } = await start({ 'kept.log': '1\n' });
  put(path, '.gitignore', '*.log\n/node_modules/\n');
  put(path, 'kept.log', '2\n');
  put(path, 'noise.log', 'x');
  put(path, 'node_modules/p/index.js', 'x');
  put(path, 'forced.log', 'x');
  git(path, 'add', '--force', 'forced.log');
  git(path, 'commit', '--quiet', '-m', 'forced');
  expect((await capture()).files.map((file) => file.path)).toEqual([
    '.gitignore',
    'forced.log',
    'kept.log',
  ]);
});

it('capture() does not look at the configuration, index or exclusions that the agent left', async () => {
  const { path, capture } = await start();
  put(path, 'hidden', 'x');
  put(path, 'src/a.ts', 'changed\n');
  put(path, '.git/info/exclude', '*\n');
  git(path, 'config', 'core.worktree', '/tmp');
  git(path, 'config', 'core.excludesFile', join(path, '.git', 'info', 'exclude'));
  put(path, '.git/index', 'broken');
  expect((await capture()).files.map((file) => file.path)).toEqual(['hidden', 'src/a.ts']);
});

it('capture() is idempotent: the result of an attempt never changes', async () => {
  const { world, workspaces, path, at, capture } = await start();
  put(path, 'b', '1');
  const first = await capture();
  put(path, 'b', '2');
  expect(await capture()).toEqual(first);
  const next = await workspaces.capture({ ...at, attempt: 2, message: 'm', writes: undefined });
  expect(next.commit).not.toBe(first.commit);
  expect(refsOf(world.root, 'refs/orch/runs/')).toEqual({
    'refs/orch/runs/r1/fix/1': first.commit,
    'refs/orch/runs/r1/fix/2': next.commit,
  });
});

it('two captures of one attempt at once give one result', async () => {
  const { world, path, at } = await start();
  put(path, 'b', '1');
  const [one, two] = await Promise.all([world.open(), world.open()]);
  const request = { ...at, message: 'm', writes: undefined };
  const results = await Promise.all([one.capture(request), two.capture(request)]);
  expect(results[0].commit).toBe(results[1].commit);
});

it('capture() can take the result of a task from a workspace of another name', async () => {
  const { world, workspaces, path, at } = await start();
  put(path, 'b', '1');
  const request = { ...at, task: 'other', message: 'm', writes: undefined };
  await expect(workspaces.capture(request)).rejects.toMatchObject({
    code: 'ORCH_WORKSPACE_ABSENT',
  });
  const { commit } = await workspaces.capture({ ...request, place: 'fix' });
  expect(refsOf(world.root, 'refs/orch/runs/')).toEqual({ 'refs/orch/runs/r1/other/1': commit });
});

it('a result ref that does not descend from the base is refused', async () => {
  const { world, capture } = await start();
  const tree = git(world.root, 'rev-parse', 'HEAD^{tree}');
  const forged = git(world.root, 'commit-tree', '-m', 'forged', tree);
  git(world.root, 'update-ref', 'refs/orch/runs/r1/fix/1', forged);
  await expect(capture()).rejects.toMatchObject({ code: 'ORCH_WORKSPACE_RESULT' });
});

it('a rewound or unrelated HEAD gives a result on the base, and the own commits are saved', async () => {
  const { world, path, capture } = await start();
  git(path, 'checkout', '--quiet', '--orphan', 'elsewhere');
  put(path, 'b', '1');
  const own = commitAll(path, 'unrelated');
  const { commit, notes, files } = await capture();
  expect(git(world.root, 'rev-parse', `${commit}^`)).toBe(world.base);
  expect(files.map((file) => file.path)).toEqual(['b']);
  expect(notes.join()).toContain('does not descend from the base');
  expect(refsOf(world.root, 'refs/orch/rescue/')).toEqual({ 'refs/orch/rescue/r1/fix/1': own });
  expect(gitSucceeds(world.root, 'merge-base', '--is-ancestor', own, commit)).toBe(false);
});

it('outside lists what no glob covers; a rename counts on both sides', async () => {
  const { path, capture } = await start({
    'src/a.ts': 'one\ntwo\nthree\nfour\n',
    'src/deep/b.ts': 'x\n',
    'docs/c.md': 'y\n',
  });
  git(path, 'mv', 'src/a.ts', 'lib.ts');
  put(path, 'src/deep/b.ts', 'changed\n');
  put(path, 'docs/c.md', 'changed\n');
  expect((await capture(['src/*.ts', 'docs'])).outside).toEqual(['lib.ts', 'src/deep/b.ts']);
  expect((await capture(['src/**', 'docs/*.md'])).outside).toEqual(['lib.ts']);
  expect((await capture(['**'])).outside).toEqual([]);
  expect((await capture([])).outside).toEqual(['docs/c.md', 'lib.ts', 'src/a.ts', 'src/deep/b.ts']);
  expect((await capture()).outside).toEqual([]);
  await expect(capture([':(exclude)src'])).rejects.toMatchObject({ code: 'ORCH_WORKSPACE_GLOB' });
});

it('a repository inside the workspace is left out and named', async () => {
  const { path, capture } = await start();
  for (const name of ['with-commit', 'empty']) makeNested(path, name);
  commitAll(join(path, 'with-commit'), 'inside');
  put(path, 'b', '1');
  const { files, notes } = await capture();
  expect(files.map((file) => file.path)).toEqual(['b']);
  expect(notes).toEqual(
    ['empty', 'with-commit'].map(
      (name) =>
        `${name}/ is a repository of its own: nothing of it is part of the result. All of it stays in ${join(path, name)}.`,
    ),
  );
});

it('a repository that the agent committed as a submodule, or made of a directory with files, is named', async () => {
  const { path, capture } = await start({ 'src/a.ts': '1\n' });
  makeNested(path, 'lib');
  commitAll(join(path, 'lib'), 'inside');
  git(join(path, 'src'), 'init', '--quiet');
  put(path, 'src/b.ts', '2\n');
  git(path, 'add', 'lib');
  git(path, 'commit', '--quiet', '-m', 'A library');
  const { files, notes } = await capture();
  expect(files.map((file) => file.path)).toEqual(['lib', 'src/b.ts']);
  expect(notes).toEqual([
    expect.stringMatching(/^lib\/ is a repository of its own: .* none of its files\. /),
    expect.stringMatching(/^src\/ is a repository of its own: its files are part of the result/),
  ]);
});

it.each(['left out', 'linked'])(
  'a repository inside (%s) is never deleted with the workspace',
  async (kind) => {
    const { path, capture, workspaces, at } = await start();
    makeNested(path, 'lib');
    commitAll(join(path, 'lib'), 'inside');
    if (kind === 'linked') commitAll(path, 'all');
    else put(path, 'b', '1');
    await capture();
    expect(await workspaces.remove('r1', 'fix')).toMatchObject({
      kind: 'kept',
      reason: expect.stringContaining('lib/ is a repository of its own') as string,
    });
    expect(read(path, 'lib/file')).toBe('x');
    const next = { ...at, attempt: 2, mode: 'fresh', hideAgentSettings: false } as const;
    const { kept } = await workspaces.prepare(next);
    expect(read(kept ?? '', 'lib/file')).toBe('x');
    expect(read(path, 'lib/file')).toBeUndefined();
  },
);

it.each([
  ['to an absolute path', { link: '/etc/passwd' }, ['link -> /etc/passwd']],
  ['by ..', { 'src/link': '../../elsewhere' }, ['src/link -> ../../elsewhere']],
  [
    'over a link that stays inside itself',
    { 'src/up': '..', 'src/link': 'up/../elsewhere' },
    ['src/link -> up/../elsewhere'],
  ],
  ['into the git directory', { link: 'src/../.git/hooks' }, ['link -> src/../.git/hooks']],
  ['nowhere outside', { link: 'src/a.ts', 'src/up': '../src/./a.ts', 'src/gone': '../gone' }, []],
  ['in a circle', { one: 'two', two: 'one' }, []],
])('outside names a link that leads %s, whatever writes says', async (_, links, outside) => {
  const { path, capture } = await start({ 'src/a.ts': '1\n' });
  for (const [name, target] of Object.entries(links)) symlinkSync(target, join(path, name));
  const captured = await capture();
  expect(captured.outside).toEqual(outside);
  expect((await capture(['**'])).outside).toEqual(outside);
  expect(captured.notes).toHaveLength(outside.length);
  // Also when the same capture is asked for again, after a crash.
  expect((await capture()).notes).toEqual(captured.notes);
});

it('a link that led out before is no change of the agent, until it leads elsewhere', async () => {
  const world = makeWorld();
  symlinkSync('/usr', join(world.root, 'old'));
  symlinkSync('dir/../x', join(world.root, 'turned'));
  put(world.root, 'dir/file', 'x');
  const base = commitAll(world.root, 'links');
  const workspaces = await world.open();
  const at = { run: 'r1', task: 'fix', base };
  const work = async (attempt: number, act: (path: string) => void) => {
    const request = { ...at, attempt };
    const { path } = await workspaces.prepare({
      ...request,
      mode: 'fresh',
      hideAgentSettings: false,
    });
    act(path);
    return workspaces.capture({ ...request, message: 'm', writes: undefined });
  };
  expect((await work(1, (path) => symlinkSync('dir/file', join(path, 'new')))).outside).toEqual([]);
  const moved = await work(2, (path) => {
    rmSync(join(path, 'old'));
    symlinkSync('/etc', join(path, 'old'));
  });
  expect(moved.outside).toEqual(['old -> /etc']);
  const turned = await work(3, (path) => {
    rmSync(join(path, 'dir'), { recursive: true });
    symlinkSync('.', join(path, 'dir'));
  });
  expect(turned.outside).toEqual(['turned -> dir/../x']);
});

it('submodule entries stay as they are, whatever stands in their place', async () => {
  const world = makeWorld();
  for (const name of ['one', 'two', 'four']) {
    git(world.root, 'update-index', '--add', '--cacheinfo', `160000,${world.base},${name}`);
  }
  git(world.root, 'commit', '--quiet', '-m', 'modules');
  const base = git(world.root, 'rev-parse', 'HEAD');
  const workspaces = await world.open();
  const at = { run: 'r1', task: 'fix', attempt: 1, base };
  const { path } = await workspaces.prepare({ ...at, mode: 'fresh', hideAgentSettings: false });
  rmSync(join(path, 'one'), { recursive: true });
  put(path, 'two/file', 'x');
  rmSync(join(path, 'four'), { recursive: true });
  put(path, 'four', 'a file');
  put(path, 'three', 'x');
  const { files } = await workspaces.capture({ ...at, message: 'm', writes: undefined });
  expect(files.map((file) => file.path)).toEqual(['three']);
});

it('a tracked file that became a pipe counts as deleted, and nothing waits for the pipe', async () => {
  const { path, capture } = await start();
  rmSync(join(path, 'src/a.ts'));
  execFileSync('mkfifo', [join(path, 'src/a.ts'), join(path, 'another')]);
  expect((await capture()).files).toEqual([
    { path: 'src/a.ts', status: 'deleted', addedLines: 0, deletedLines: 1 },
  ]);
});

it('files behind a linked directory are not read', async () => {
  const { world, path, capture } = await start();
  put(world.directory, 'outside/a.ts', 'secret\n');
  rmSync(join(path, 'src'), { recursive: true });
  symlinkSync(join(world.directory, 'outside'), join(path, 'src'));
  const { commit, files } = await capture();
  expect(files.map((file) => [file.status, file.path])).toEqual([
    ['added', 'src'],
    ['deleted', 'src/a.ts'],
  ]);
  expect(git(world.root, 'ls-tree', commit, 'src')).toMatch(/^120000 /);
});

it('a commit with a forged tree is not taken over: fsck refuses it, the files are the result', async () => {
  const { world, path, at, capture } = await start();
  const blob = git(path, 'hash-object', '-w', 'README.md');
  const inner = execFileSync('git', ['mktree'], {
    cwd: path,
    input: `100644 blob ${blob}\tconfig\n`,
    encoding: 'utf8',
  }).trim();
  const raw = Buffer.concat([Buffer.from('40000 .git\0'), Buffer.from(inner, 'hex')]);
  const tree = execFileSync('git', ['hash-object', '-t', 'tree', '-w', '--literally', '--stdin'], {
    cwd: path,
    input: raw,
    encoding: 'utf8',
  }).trim();
  const forged = git(path, 'commit-tree', '-p', at.base, '-m', 'forged', tree);
  git(path, 'update-ref', 'refs/heads/orch-task', forged);
  put(path, 'b', '1');
  const { commit, files, notes } = await capture();
  expect(git(world.root, 'rev-parse', `${commit}^`)).toBe(at.base);
  expect(files.map((file) => file.path)).toEqual(['b']);
  expect(notes.join()).toMatch(/was not taken over.*hasDotgit/s);
  expect(fsck(world.root)).toBe('');
  // Negative control: a fetch without the check takes it.
  const careless = join(world.directory, 'careless');
  git(world.directory, 'init', '--quiet', careless);
  git(careless, 'fetch', '--quiet', path, 'orch-task');
  expect(git(careless, 'rev-parse', 'FETCH_HEAD')).toBe(forged);
});

it('objects that the agent borrows from elsewhere are not read for it', async () => {
  const { world, path, at, capture } = await start();
  const secret = join(world.directory, 'secret');
  git(world.directory, 'init', '--quiet', secret);
  put(secret, 'key', 'secret');
  const stolen = commitAll(secret, 'secret');
  put(path, '.git/objects/info/alternates', `${join(secret, '.git', 'objects')}\n`);
  git(path, 'update-ref', 'refs/heads/orch-task', stolen);
  const { commit, notes } = await capture();
  expect(commit).toBe(at.base);
  expect(notes.join()).toContain('it borrows objects from');
  expect(gitSucceeds(world.root, 'cat-file', '-e', stolen)).toBe(false);
});

it('capture() without a prepared workspace says so', async () => {
  const world = makeWorld();
  const workspaces = await world.open();
  await expect(
    workspaces.capture({
      run: 'r1',
      task: 'fix',
      attempt: 1,
      base: world.base,
      message: 'm',
      writes: undefined,
    }),
  ).rejects.toMatchObject({ code: 'ORCH_WORKSPACE_ABSENT' });
});
