import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { WorktreeDescription } from '../contract.js';
import type { Repository } from './open.js';

export interface Worktree extends WorktreeDescription {
  readonly locked: boolean;
  /** Its own git directory; `undefined` when the worktree is not there. */
  readonly gitDirectory: string | undefined;
}

function gitDirectoryOf(repository: Repository, path: string, main: boolean): string | undefined {
  if (main && existsSync(path)) return repository.commonDirectory;
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
    return [
      {
        path,
        commit: values.get('HEAD') ?? null,
        branch: values.get('branch')?.replace(/^refs\/heads\//, '') ?? null,
        main: position === 0,
        locked: values.has('locked'),
        gitDirectory: gitDirectoryOf(repository, path, position === 0),
      },
    ];
  });
}
