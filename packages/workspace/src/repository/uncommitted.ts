import { copyFileSync, existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { compareWorktree } from '../git/changes.js';
import { copyIndex } from '../git/index-file.js';
import { lines, pathText } from '../git/quoted-path.js';
import type { Repository } from './open.js';
import type { UserConfig } from './user-config.js';

/** A worktree of the user, looked at without its configuration. */
export interface UserWorktree {
  readonly path: string;
  readonly gitDirectory: string;
  readonly head: string;
}

export interface Uncommitted {
  readonly staged: readonly string[];
  readonly unstaged: readonly string[];
  /** Untracked and not ignored; whole directories end in `/`. */
  readonly untracked: readonly string[];
}

/** With `core.splitIndex` part of an index lies in a file beside it, looked for in the git directory in use. */
function bringSharedIndex(repository: Repository, gitDirectory: string): void {
  for (const name of readdirSync(gitDirectory)) {
    if (!name.startsWith('sharedindex.')) continue;
    const copy = join(repository.layout.hub, name);
    if (!existsSync(copy)) copyFileSync(join(gitDirectory, name), copy);
  }
}

/** What a worktree of the user holds beyond its commit. Submodules are not looked into. */
export async function listUncommitted(
  repository: Repository,
  worktree: UserWorktree,
  config: UserConfig['files'],
): Promise<Uncommitted> {
  const { path, gitDirectory, head } = worktree;
  const scratch = repository.makeScratch();
  const index = join(scratch, 'index');
  const exclude = join(repository.commonDirectory, 'info', 'exclude');
  try {
    bringSharedIndex(repository, gitDirectory);
    if (existsSync(join(gitDirectory, 'index'))) copyIndex(join(gitDirectory, 'index'), index);
    const ask = async (...args: [string, ...string[]]): Promise<string[]> => {
      const answer = await repository.hub({ args, worktree: path, index, config, accept: [0, 1] });
      return lines(answer.stdout);
    };
    // A file that was only touched is not changed; this finds out, in the copy of the index.
    await ask('update-index', '-q', '--refresh');
    const staged = await ask(
      ...(['diff-index', '--cached', '--name-only', '--no-renames', head] as const),
    );
    const untracked = await ask(
      'ls-files',
      ...['--others', '--directory', '--no-empty-directory'],
      '--exclude-per-directory=.gitignore',
      ...(existsSync(exclude) ? [`--exclude-from=${exclude}`] : []),
    );
    const unstaged = await compareWorktree(repository, path, index, config);
    return {
      staged: staged.map(pathText),
      unstaged: unstaged.map((change) => pathText(change.path)),
      untracked: untracked.map(pathText),
    };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
