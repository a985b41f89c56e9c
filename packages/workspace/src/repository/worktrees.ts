import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { WorktreeDescription } from '../contract.js';
import type { Repository } from './open.js';

export interface Worktree extends WorktreeDescription {
  /** Must be taken for present although it is not there. */
  readonly locked: boolean;
  /** Its own git directory; `undefined` when the worktree is not there. */
  readonly gitDirectory: string | undefined;
}

/**
 * The main worktree. Where the git directory lies elsewhere (a submodule, `--separate-git-dir`), git's list
 * names the git directory in its place; then it is known only when we were started there.
 */
function mainPath(repository: Repository, listed: string): string | undefined {
  if (repository.gitDirectory === repository.commonDirectory) return repository.root;
  return existsSync(join(listed, '.git')) ? listed : undefined;
}

function linkedGitDirectory(path: string): string | undefined {
  try {
    const text = readFileSync(join(path, '.git'), 'utf8');
    return resolve(path, text.replace(/^gitdir: /, '').replace(/\n$/, ''));
  } catch {
    return undefined;
  }
}

/** All worktrees of the user's repository, the main one first. */
export async function listWorktrees(repository: Repository): Promise<Worktree[]> {
  const { stdout } = await repository.user({ args: ['worktree', 'list', '--porcelain', '-z'] });
  const blocks = stdout.split('\0\0').filter((block) => block !== '');
  return blocks.flatMap((block, position) => {
    const values = new Map(
      block.split('\0').map((line) => {
        const cut = line.indexOf(' ');
        return cut < 0 ? [line, ''] : [line.slice(0, cut), line.slice(cut + 1)];
      }),
    );
    const path = values.get('worktree');
    if (path === undefined || values.has('bare')) return [];
    const main = position === 0;
    const known = main ? mainPath(repository, path) : path;
    return [
      {
        path: known ?? path,
        commit: values.get('HEAD') ?? null,
        branch: values.get('branch')?.replace(/^refs\/heads\//, '') ?? null,
        main,
        // One that we cannot find may have files that must move with its branch.
        locked: values.has('locked') || known === undefined,
        gitDirectory:
          known === undefined
            ? undefined
            : main
              ? repository.commonDirectory
              : linkedGitDirectory(known),
      },
    ];
  });
}
