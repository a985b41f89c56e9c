import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Repository } from '../repository/open.js';
import { listWorktrees, type Worktree } from '../repository/worktrees.js';
import type { TargetWorktree } from './obstacles.js';

const prefix = 'refs/heads/';

export const shortName = (ref: string): string =>
  ref.startsWith(prefix) ? ref.slice(prefix.length) : ref;

/** An existing branch that keeps `name` from being created: git stores `a` and `a/b` as file and directory. */
export function blockingBranch(
  heads: ReadonlyMap<string, string>,
  name: string,
): string | undefined {
  const ref = `${prefix}${name}`;
  for (const head of heads.keys()) {
    if (ref.startsWith(`${head}/`) || head.startsWith(`${ref}/`)) return shortName(head);
  }
  return undefined;
}

function readLine(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return '';
  }
}

/** Whether a rebase or bisection in a worktree holds the branch: HEAD is detached then, but it comes back. */
function heldByOperation(worktree: Worktree, target: string): boolean {
  if (worktree.gitDirectory === undefined) return false;
  const at = (name: string): string => readLine(join(worktree.gitDirectory ?? '', name));
  return (
    [at('rebase-merge/head-name'), at('rebase-apply/head-name')].includes(target) ||
    at('BISECT_START') === shortName(target)
  );
}

/** Where a branch is checked out. */
export type TargetPlace =
  | { readonly kind: 'nowhere' }
  | { readonly kind: 'worktree'; readonly worktree: TargetWorktree }
  | { readonly kind: 'held'; readonly reason: string; readonly path: string };

export async function placeOfTarget(repository: Repository, target: string): Promise<TargetPlace> {
  for (const worktree of await listWorktrees(repository)) {
    const { path, gitDirectory } = worktree;
    if (heldByOperation(worktree, target)) {
      return { kind: 'held', path, reason: `a rebase or bisection of it is under way in ${path}` };
    }
    if (worktree.branch !== shortName(target)) continue;
    if (gitDirectory !== undefined && existsSync(path)) {
      return { kind: 'worktree', worktree: { path, gitDirectory } };
    }
    if (worktree.locked) {
      return {
        kind: 'held',
        path,
        reason: `it is checked out in ${path}, which is locked and away`,
      };
    }
  }
  return { kind: 'nowhere' };
}
