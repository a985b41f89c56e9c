import { realpathSync } from 'node:fs';
import type { RunGit } from '../git/run-git.js';
import { WorkspaceError } from '../workspace-error.js';

/** Where a repository lies, as seen from a start directory. All paths are absolute and real. */
export interface Location {
  /** The worktree in which the start directory lies. */
  readonly root: string;
  /** The git directory of that worktree. */
  readonly gitDirectory: string;
  /** The git directory that all worktrees share. */
  readonly commonDirectory: string;
  readonly objectFormat: string;
}

/** A shell word, for commands that people copy. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

function notARepository(start: string, problem: string): WorkspaceError {
  return new WorkspaceError(
    'ORCH_GIT_NOT_A_REPOSITORY',
    `There is no git repository at ${start}: ${problem}. Run \`git init\` there, or start in the directory of a repository.`,
    { details: { start }, next: `git init ${shellWord(start)}` },
  );
}

/** Asks for paths. They are given line by line, so one that has a line end in it must be asked for alone. */
async function askPaths(git: RunGit, cwd: string, args: readonly string[]): Promise<string[]> {
  const ask = async (some: readonly string[]): Promise<string> => {
    const answer = await git({ args: ['rev-parse', '--path-format=absolute', ...some], cwd });
    return answer.stdout.replace(/\n$/, '');
  };
  const together = (await ask(args)).split('\n');
  if (together.length === args.length) return together;
  return Promise.all(args.map((arg) => ask([arg])));
}

/** Finds the repository. Throws `ORCH_GIT_NOT_A_REPOSITORY` or `ORCH_GIT_BARE`. */
export async function locate(git: RunGit, repository: string): Promise<Location> {
  let start: string;
  try {
    start = realpathSync(repository);
  } catch {
    throw notARepository(repository, 'the directory does not exist');
  }
  const inside = await git({
    args: ['rev-parse', '--is-inside-work-tree', '--is-bare-repository', '--show-object-format'],
    cwd: start,
    accept: [0, 128],
  });
  if (inside.code !== 0) {
    if (/not a git repository/i.test(inside.stderr)) throw notARepository(start, 'git found none');
    throw new WorkspaceError(
      'ORCH_GIT_FAILED',
      `git cannot read the repository at ${start}: ${inside.stderr}. Repair it, then try again.`,
      { details: { start, stderr: inside.stderr }, next: `git -C ${shellWord(start)} status` },
    );
  }
  const [inWorktree, bare, objectFormat = 'sha1'] = inside.stdout.split('\n');
  if (inWorktree !== 'true') {
    if (bare === 'true') {
      throw new WorkspaceError(
        'ORCH_GIT_BARE',
        `The repository at ${start} is bare: it has no files to work on. Start in a worktree of it.`,
        { details: { start }, next: `git -C ${shellWord(start)} worktree add ../worktree` },
      );
    }
    // Somewhere inside a `.git`: the worktree is the first of the list.
    const list = await git({ args: ['worktree', 'list', '--porcelain', '-z'], cwd: start });
    const main = list.stdout.split('\0')[0]?.replace(/^worktree /, '') ?? '';
    if (main !== start) return locate(git, main);
    throw notARepository(start, 'its worktree was not found');
  }
  const [root = '', gitDirectory = '', commonDirectory = ''] = await askPaths(git, start, [
    '--show-toplevel',
    '--absolute-git-dir',
    '--git-common-dir',
  ]);
  return {
    root: realpathSync(root),
    gitDirectory: realpathSync(gitDirectory),
    commonDirectory: realpathSync(commonDirectory),
    objectFormat,
  };
}
