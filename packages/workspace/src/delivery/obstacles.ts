import { existsSync, lstatSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { compareTrees, type RawChange } from '../git/changes.js';
import { lines, pathBytes, pathText } from '../git/quoted-path.js';
import type { Repository } from '../repository/open.js';
import type { UserConfig } from '../repository/user-config.js';
import { listUncommitted } from '../repository/uncommitted.js';

/** A worktree of the user in which a branch is to move forward. */
export interface TargetWorktree {
  readonly path: string;
  readonly gitDirectory: string;
}

const operations: readonly (readonly [string, string])[] = [
  ['MERGE_HEAD', 'a merge'],
  ['CHERRY_PICK_HEAD', 'a cherry-pick'],
  ['REVERT_HEAD', 'a revert'],
  ['rebase-merge', 'a rebase'],
  ['rebase-apply', 'a rebase'],
  ['BISECT_LOG', 'a bisection'],
];

const some = (paths: readonly string[]): string =>
  paths.length > 5
    ? `${paths.slice(0, 5).join(', ')} and ${paths.length - 5} more`
    : paths.join(', ');

const exists = (path: Buffer): 'directory' | 'other' | undefined => {
  try {
    return lstatSync(path).isDirectory() ? 'directory' : 'other';
  } catch {
    return undefined;
  }
};

/** Untracked files, ignored ones included, that stand where new files must go. */
async function listCollisions(
  repository: Repository,
  worktree: TargetWorktree,
  changes: readonly RawChange[],
  dirty: readonly string[],
): Promise<string[]> {
  const goes = new Set(changes.filter(({ to }) => to.mode === '000000').map((c) => c.path));
  const goesByText = new Set([...goes].map(pathText));
  const collisions: string[] = [];
  for (const { path } of changes.filter(({ from }) => from.mode === '000000')) {
    const bytes = pathBytes(path);
    const at = (length: number): Buffer =>
      Buffer.concat([Buffer.from(`${worktree.path}/`), bytes.subarray(0, length)]);
    for (let slash = bytes.indexOf('/'); slash > 0; slash = bytes.indexOf('/', slash + 1)) {
      const parent = bytes.subarray(0, slash).toString('utf8');
      if (exists(at(slash)) === 'other' && !goesByText.has(parent)) collisions.push(parent);
    }
    const found = exists(at(bytes.length));
    if (found === 'other') collisions.push(pathText(path));
    if (found !== 'directory') continue;
    const { stdout } = await repository.hub({
      args: ['ls-files', '--others', '--', `:(literal)${pathText(path)}`],
      worktree: worktree.path,
      index: join(worktree.gitDirectory, 'index'),
    });
    collisions.push(...lines(stdout).map(pathText));
  }
  // A new file that is staged already is no untracked one.
  return [...new Set(collisions)].filter((path) => !dirty.includes(path));
}

/** Changed files that a filter (such as git-lfs) would have to convert: we run none. */
async function listFiltered(
  repository: Repository,
  worktree: TargetWorktree,
  to: string,
  changes: readonly RawChange[],
  config: UserConfig['files'],
): Promise<string[]> {
  if (changes.length === 0) return [];
  const scratch = repository.makeScratch();
  const index = join(scratch, 'index');
  try {
    await repository.hub({ args: ['read-tree', to], index });
    const ask = (...args: string[]): Promise<{ readonly stdout: string }> =>
      repository.hub({
        args: ['check-attr', ...args, '--stdin', 'filter'],
        input: changes.map(({ path }) => `${path}\n`).join(''),
        worktree: worktree.path,
        index,
        config,
      });
    const answers = [await ask(), await ask('--cached')].flatMap(({ stdout }) => lines(stdout));
    const marked = answers.filter((line) => !/: filter: (unspecified|unset)$/.test(line));
    return [...new Set(marked.map((line) => pathText(line.replace(/: filter: .*$/, ''))))];
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** What keeps a worktree from moving forward. */
export interface Obstacle {
  readonly reason: string;
  /** Untracked files that stand where new ones must go. */
  readonly untracked?: readonly string[];
  /** Uncommitted changes are in files that would change. */
  readonly overlaps?: boolean;
}

/** Why a worktree cannot move from `from` to `to` without risk to what the user has there; `undefined`: it can. */
export async function findObstacle(
  repository: Repository,
  worktree: TargetWorktree,
  from: string,
  to: string,
): Promise<Obstacle | undefined> {
  const { path, gitDirectory } = worktree;
  for (const [file, operation] of operations) {
    if (existsSync(join(gitDirectory, file))) {
      return { reason: `${operation} is under way in ${path}` };
    }
  }
  const { files: config, sparse } = await repository.userConfig();
  if (sparse) return { reason: `${path} is a sparse checkout` };
  const { staged, unstaged } = await listUncommitted(
    repository,
    { ...worktree, head: from },
    config,
  );
  const dirty = [...new Set([...staged, ...unstaged])];
  const changes = await compareTrees(repository, from, to);
  const untracked = await listCollisions(repository, worktree, changes, dirty);
  if (dirty.length > 0) {
    const changed = new Set(changes.map((change) => pathText(change.path)));
    return {
      reason: `${path} has uncommitted changes: ${some(dirty)}`,
      untracked,
      overlaps: dirty.some((file) => changed.has(file)),
    };
  }
  if (untracked.length > 0) {
    return { reason: `untracked files in ${path} are in the way: ${some(untracked)}`, untracked };
  }
  const filtered = await listFiltered(repository, worktree, to, changes, config);
  if (filtered.length > 0) {
    return { reason: `a git filter must convert ${some(filtered)} in ${path}` };
  }
  return undefined;
}
