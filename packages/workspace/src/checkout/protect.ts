import { join } from 'node:path';
import { rmSync } from 'node:fs';
import { compareTrees } from '../git/changes.js';
import { pathText } from '../git/quoted-path.js';
import { globPathspecs } from '../names.js';
import type { Repository } from '../repository/open.js';

export interface ProtectedTree {
  readonly tree: string;
  readonly restored: readonly string[];
}

/**
 * The tree of `commit` in which everything that `globs` match is as in `base`: changed files have their old
 * content, deleted ones are back, added ones are gone.
 */
export async function protectTree(
  repository: Repository,
  commit: string,
  protect: { readonly base: string; readonly globs: readonly string[] } | undefined,
): Promise<ProtectedTree> {
  const pathspecs = globPathspecs(protect?.globs ?? []);
  if (protect === undefined || pathspecs.length === 0) return { tree: commit, restored: [] };
  const changes = await compareTrees(repository, commit, protect.base, pathspecs);
  if (changes.length === 0) return { tree: commit, restored: [] };
  const scratch = repository.makeScratch();
  const index = join(scratch, 'index');
  try {
    await repository.hub({ args: ['read-tree', commit], index });
    // What goes away comes first, so that a file can take the place of a directory and the other way round.
    const [gone, back] = [
      changes.filter(({ to }) => to.mode === '000000'),
      changes.filter(({ to }) => to.mode !== '000000'),
    ];
    await repository.hub({
      args: ['update-index', '--index-info'],
      input: [...gone, ...back].map(({ to, path }) => `${to.mode} ${to.id}\t${path}\n`).join(''),
      index,
    });
    const { stdout } = await repository.hub({ args: ['write-tree'], index });
    return { tree: stdout.trim(), restored: changes.map(({ path }) => pathText(path)) };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
