import { mkdirSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { giveGitDirectory } from '../clone/git-directory-of-clone.js';
import { ownDirectoryExists } from '../clone/own-directory.js';
import { placeOf } from '../clone/records.js';
import type { CheckedOut, CheckoutRequest } from '../contract.js';
import type { Repository } from '../repository/open.js';
import { WorkspaceError } from '../workspace-error.js';
import { protectTree } from './protect.js';

/**
 * Puts `commit` into the checkout of this name. Whatever a gate left there is gone afterwards, except for
 * ignored files: installed packages and caches stay.
 */
export async function checkout(
  repository: Repository,
  request: CheckoutRequest,
): Promise<CheckedOut> {
  const place = placeOf(repository, request.run, request.name, 'checkouts');
  const { directory, index } = place;
  const { tree, restored } = await protectTree(repository, request.commit, request.protect);
  if (!ownDirectoryExists(directory)) {
    mkdirSync(dirname(directory), { recursive: true, mode: 0o700 });
    mkdirSync(directory);
    rmSync(index, { force: true });
  }
  mkdirSync(place.records, { recursive: true, mode: 0o700 });
  // A lock of ours is stale: calls for one place come one after the other.
  rmSync(`${index}.lock`, { force: true });
  const put = (): Promise<unknown> =>
    repository.hub({ args: ['read-tree', '--reset', '-u', tree], worktree: directory, index });
  try {
    await put();
  } catch (error) {
    if (!WorkspaceError.isInstance(error)) throw error;
    // The index may be broken: without it, every file is written anew.
    rmSync(index, { force: true });
    await put();
  }
  await repository.hub({ args: ['clean', '-ffdq'], worktree: directory, index });
  giveGitDirectory(repository, place, { commit: request.commit });
  return { path: directory, restored };
}
