import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** A git repository of a person, with a state directory of its own for orch. */
export interface TestRepository {
  readonly home: string;
  readonly root: string;
  readonly state: string;
  git(...argv: string[]): string;
  /** Runs a line that orch printed as the next command, as a person would. */
  shell(line: string): string;
  /** The same person in another directory, such as a linked worktree or a clone. */
  at(root: string): TestRepository;
  write(files: Readonly<Record<string, string>>): void;
  commit(message: string): string;
  remove(): void;
}

const environment = {
  PATH: process.env['PATH'] ?? '',
  HOME: '/nonexistent',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_AUTHOR_NAME: 'A Person',
  GIT_AUTHOR_EMAIL: 'person@localhost',
  GIT_COMMITTER_NAME: 'A Person',
  GIT_COMMITTER_EMAIL: 'person@localhost',
};

/** Makes a repository with one commit of `files`; with none, a repository without commits. */
export function makeRepository(
  files: Readonly<Record<string, string>> | undefined = { 'README.md': 'hello\n' },
  name = 'repository',
): TestRepository {
  const home = mkdtempSync(path.join(tmpdir(), 'orch-e2e-'));
  const repository = personAt(home, path.join(home, name));
  mkdirSync(repository.root, { recursive: true });
  repository.git('init', '--quiet', '--initial-branch=main');
  if (Object.keys(files).length > 0) {
    repository.write(files);
    repository.commit('Start');
  }
  return repository;
}

function personAt(home: string, root: string): TestRepository {
  const run = (program: string, argv: readonly string[]): string =>
    execFileSync(program, argv, {
      cwd: root,
      encoding: 'utf8',
      env: environment,
      stdio: ['ignore', 'pipe', 'pipe'],
    }).trimEnd();
  const git = (...argv: readonly string[]): string => run('git', argv);
  return {
    home,
    root,
    state: path.join(home, 'state'),
    git,
    shell: (line) => run('sh', ['-c', line]),
    at: (other) => personAt(home, other),
    write: (contents) => {
      for (const [name, text] of Object.entries(contents)) {
        mkdirSync(path.dirname(path.join(root, name)), { recursive: true });
        writeFileSync(path.join(root, name), text);
      }
    },
    commit: (message) => {
      git('add', '--all');
      git('commit', '--quiet', '--message', message);
      return git('rev-parse', 'HEAD');
    },
    remove: () => rmSync(home, { recursive: true, force: true }),
  };
}

/** Everything below a directory, git directories included: mode and content of each path. */
export function listFiles(directory: string): Readonly<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const name of readdirSync(directory, { recursive: true, encoding: 'utf8' }).sort()) {
    const file = path.join(directory, name);
    const status = lstatSync(file);
    const content = status.isSymbolicLink()
      ? readlinkSync(file)
      : status.isFile()
        ? createHash('sha256').update(readFileSync(file)).digest('hex')
        : 'directory';
    found[name] = `${status.mode.toString(8)} ${content}`;
  }
  return found;
}
