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
): TestRepository {
  const home = mkdtempSync(path.join(tmpdir(), 'orch-e2e-'));
  const root = path.join(home, 'repository');
  mkdirSync(root);
  const repository: TestRepository = {
    home,
    root,
    state: path.join(home, 'state'),
    git: (...argv) =>
      execFileSync('git', argv, {
        cwd: root,
        encoding: 'utf8',
        env: environment,
        stdio: ['ignore', 'pipe', 'pipe'],
      }).trimEnd(),
    write: (contents) => {
      for (const [name, text] of Object.entries(contents)) {
        mkdirSync(path.dirname(path.join(root, name)), { recursive: true });
        writeFileSync(path.join(root, name), text);
      }
    },
    commit: (message) => {
      repository.git('add', '--all');
      repository.git('commit', '--quiet', '--message', message);
      return repository.git('rev-parse', 'HEAD');
    },
    remove: () => rmSync(home, { recursive: true, force: true }),
  };
  repository.git('init', '--quiet', '--initial-branch=main');
  if (Object.keys(files).length > 0) {
    repository.write(files);
    repository.commit('Start');
  }
  return repository;
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
