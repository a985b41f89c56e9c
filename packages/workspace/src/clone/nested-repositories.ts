import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { listTree } from '../git/tree.js';
import { pathBytes, pathText } from '../git/quoted-path.js';
import type { Repository } from '../repository/open.js';

/** A directory of a workspace that an agent, or the setup, made a repository of its own. */
export interface NestedRepository {
  /** From the root of the workspace, without a slash at its end. */
  readonly path: string;
  /**
   * What became of it: `left_out`, nothing of it is in the result; `linked`, an entry as of a submodule is,
   * and no file; `flattened`, its files are, and its history is not.
   */
  readonly kind: 'left_out' | 'linked' | 'flattened';
}

function hasGit(worktree: string, path: Buffer): boolean {
  try {
    lstatSync(Buffer.concat([Buffer.from(`${worktree}/`), path, Buffer.from('/.git')]));
    return true;
  } catch {
    return false;
  }
}

/** Repositories that the tree of a snapshot does not hold as they are; `untracked` are known already. */
export async function findNested(
  repository: Repository,
  worktree: string,
  trees: { readonly base: string; readonly snapshot: string },
  untracked: readonly string[],
): Promise<NestedRepository[]> {
  const found = untracked.map((path) => ({
    path: path.replace(/\/$/, ''),
    kind: 'left_out' as const,
  }));
  const directories = (await listTree(repository, trees.snapshot, 'directories')).filter(
    ({ path }) => hasGit(worktree, pathBytes(path)),
  );
  if (directories.length === 0) return found;
  // Submodules of the user are what they were; they are not looked into.
  const before = new Map(
    (await listTree(repository, trees.base, 'directories')).map(({ path, mode, id }) => [
      path,
      `${mode} ${id}`,
    ]),
  );
  return [
    ...found,
    ...directories
      .filter(({ path, mode, id }) => mode !== '160000' || before.get(path) !== `${mode} ${id}`)
      .map(({ path, mode }) => ({
        path: pathText(path),
        kind: mode === '160000' ? ('linked' as const) : ('flattened' as const),
      })),
  ];
}

const told = {
  left_out: 'nothing of it is part of the result',
  linked: 'the result has an entry for it as for a submodule, and none of its files',
  flattened: 'its files are part of the result, its history is not',
} as const;

/** A sentence for people: which directory, what of it the result has, and where it is. */
export function describeNested(worktree: string, { path, kind }: NestedRepository): string {
  return `${path}/ is a repository of its own: ${told[kind]}. All of it stays in ${join(worktree, path)}.`;
}
