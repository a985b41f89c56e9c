import { existsSync, lstatSync, rmSync, type Stats } from 'node:fs';
import { join } from 'node:path';
import { compareWorktree } from '../git/changes.js';
import { copyIndex } from '../git/index-file.js';
import { lines, pathBytes, pathText, type QuotedPath } from '../git/quoted-path.js';
import type { Repository } from '../repository/open.js';
import { WorkspaceError } from '../workspace-error.js';
import { findNested, type NestedRepository } from './nested-repositories.js';
import type { Place, Records } from './records.js';

/** What a workspace holds, as a tree. */
export interface Snapshot {
  readonly tree: string;
  /** Directories with a git directory of their own: not looked into, and not in the tree as they are. */
  readonly nested: readonly NestedRepository[];
  /** What git warned of, such as a directory that could not be read. */
  readonly warnings: string;
}

/** What stands at a path of a worktree: no link is followed, so nothing stands behind one. */
export function lookAt(worktree: string, path: QuotedPath): 'file' | 'link' | 'other' | undefined {
  const bytes = pathBytes(path);
  const look = (length: number): Stats =>
    lstatSync(Buffer.concat([Buffer.from(`${worktree}/`), bytes.subarray(0, length)]));
  try {
    for (let slash = bytes.indexOf('/'); slash > 0; slash = bytes.indexOf('/', slash + 1)) {
      if (!look(slash).isDirectory()) return undefined;
    }
    const found = look(bytes.length);
    if (found.isFile()) return 'file';
    return found.isSymbolicLink() ? 'link' : 'other';
  } catch {
    return undefined;
  }
}

/**
 * Makes `index` say what `tree` says, keeping what it knows about unchanged files. It must see the
 * worktree: files that changed in the second in which the old index was written are found out now or never.
 */
async function readTree(
  repository: Repository,
  worktree: string,
  index: string,
  tree: string,
): Promise<void> {
  try {
    await repository.hub({ args: ['read-tree', '--reset', tree], worktree, index });
  } catch (error) {
    if (!WorkspaceError.isInstance(error)) throw error;
    rmSync(index, { force: true });
    await repository.hub({ args: ['read-tree', tree], index });
  }
}

async function updateIndex(
  repository: Repository,
  place: Place,
  index: string,
  args: readonly string[],
  paths: readonly QuotedPath[],
): Promise<void> {
  if (paths.length === 0) return;
  await repository.hub({
    args: ['update-index', ...args, '--stdin'],
    input: paths.map((path) => `${path}\n`).join(''),
    worktree: place.directory,
    index,
  });
}

/**
 * Takes the files of a workspace as they are, on top of the tree of `parent`. The agent's own index,
 * configuration and exclusions play no part, and git is never led into a repository inside.
 */
export async function takeSnapshot(
  repository: Repository,
  place: Place,
  records: Records,
  parent: string,
): Promise<Snapshot> {
  const scratch = repository.makeScratch();
  const index = join(scratch, 'index');
  try {
    const known = existsSync(place.index);
    if (known) copyIndex(place.index, index);
    // Our index is that of the base since the workspace was made.
    if (!known || parent !== records.base) {
      await readTree(repository, place.directory, index, parent);
    }
    const worktree = place.directory;
    const [changed, { stdout: others, stderr: warnings }] = await Promise.all([
      compareWorktree(repository, worktree, index),
      repository.hub({
        args: ['ls-files', '--others', '--exclude-per-directory=.gitignore'],
        worktree,
        index,
      }),
    ]);
    const removed: QuotedPath[] = [];
    const present: QuotedPath[] = [];
    for (const { path, status } of changed) {
      const found = status === 'D' ? undefined : lookAt(worktree, path);
      if (found === 'file' || found === 'link') present.push(path);
      else if (!records.hidden.includes(path)) removed.push(path);
      // A hidden file that is away is as it was; one that something else replaced is gone.
      else if (found === 'other') removed.push(path);
    }
    const repositories: string[] = [];
    for (const path of lines(others)) {
      const text = pathText(path);
      if (text.endsWith('/')) repositories.push(text);
      // Not left to an exclusion pattern: the agent's .gitignore could lift it.
      else if (!records.copied.includes(text)) present.push(path);
    }
    await updateIndex(repository, place, index, ['--force-remove'], removed);
    await updateIndex(repository, place, index, ['--add', '--replace', '--remove'], present);
    const parked = records.parked.filter(({ path }) => lookAt(worktree, path) === undefined);
    if (parked.length > 0) {
      await repository.hub({
        args: ['update-index', '--index-info'],
        input: parked.map(({ mode, id, path }) => `${mode} ${id}\t${path}\n`).join(''),
        index,
      });
    }
    const { stdout } = await repository.hub({ args: ['write-tree'], index });
    const tree = stdout.trim();
    const trees = { base: records.base, snapshot: tree };
    return {
      tree,
      nested: await findNested(repository, worktree, trees, repositories),
      warnings,
    };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
