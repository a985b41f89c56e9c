import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { compareTrees } from '../git/changes.js';
import type { Repository } from '../repository/open.js';

/**
 * Puts the `.gitattributes` files of `tip` into a directory, so that a merge obeys those (`merge=union`,
 * `binary`) and not those that the merged commit brings. The drivers they may name are not configured.
 */
export async function layOutAttributes(
  repository: Repository,
  tip: string,
  scratch: string,
): Promise<string> {
  const worktree = join(scratch, 'attributes');
  mkdirSync(worktree);
  const found = await compareTrees(repository, repository.emptyTree, tip, [
    ':(glob)**/.gitattributes',
  ]);
  const files = found.filter(({ to }) => to.mode.startsWith('100'));
  if (files.length > 0) {
    const index = join(scratch, 'attributes.index');
    await repository.hub({
      args: ['update-index', '--index-info'],
      input: files.map(({ to, path }) => `${to.mode} ${to.id}\t${path}\n`).join(''),
      index,
    });
    await repository.hub({ args: ['checkout-index', '--all', '--quiet'], worktree, index });
  }
  return worktree;
}
