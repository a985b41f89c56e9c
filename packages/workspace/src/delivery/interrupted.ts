import { lstatSync, mkdirSync, readFileSync, readlinkSync, rmSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { compareTrees, type RawChange } from '../git/changes.js';
import { pathBytes, pathText, type QuotedPath } from '../git/quoted-path.js';
import { readRef } from '../git/refs.js';
import type { Repository } from '../repository/open.js';
import { forgetDelivery, type DeliveryRecord } from './delivery-record.js';
import {
  copyPresentIndex,
  fastForward,
  finishMove,
  lockOf,
  moveTarget,
  nextIndexOf,
  type Refusal,
} from './fast-forward.js';

/** Content of a file or link; `undefined` when there is none; `null` for anything else. */
function contentAt(directory: string, path: QuotedPath): Buffer | null | undefined {
  const bytes = pathBytes(path);
  const file = Buffer.concat([Buffer.from(`${directory}/`), bytes]);
  try {
    const found = lstatSync(file);
    if (found.isSymbolicLink()) return Buffer.from(`link ${readlinkSync(file)}`);
    return found.isFile() ? Buffer.concat([Buffer.from('file '), readFileSync(file)]) : null;
  } catch {
    return undefined;
  }
}

/** Writes one side of the changes as git would write it in the worktree, so that contents can be compared. */
async function layOut(
  repository: Repository,
  record: DeliveryRecord,
  scratch: string,
  side: 'from' | 'to',
  changes: readonly RawChange[],
): Promise<string> {
  const directory = join(scratch, side);
  mkdirSync(directory);
  const { files: config } = await repository.userConfig();
  const index = join(scratch, `${side}.index`);
  await repository.hub({ args: ['read-tree', record[side]], index });
  const paths = changes.filter((change) => change[side].mode !== '000000');
  await repository.hub({
    args: ['checkout-index', '--quiet', `--prefix=${directory}/`, '--stdin'],
    input: paths.map(({ path }) => `${path}\n`).join(''),
    worktree: record.path,
    index,
    config,
  });
  return directory;
}

/** Changed paths whose file is neither the old one, nor the new one, nor the beginning of the new one. */
async function listForeign(
  repository: Repository,
  record: DeliveryRecord,
  changes: readonly RawChange[],
): Promise<string[]> {
  const scratch = repository.makeScratch();
  try {
    const before = await layOut(repository, record, scratch, 'from', changes);
    const after = await layOut(repository, record, scratch, 'to', changes);
    return changes
      .filter(({ path, from, to }) => {
        // Submodules are not touched by the move.
        if (from.mode === '160000' || to.mode === '160000') return false;
        const present = contentAt(record.path, path);
        if (present === undefined) return false;
        const [old, next] = [contentAt(before, path), contentAt(after, path)];
        // A directory stands here when a file becomes a directory, or the other way round.
        if (present === null) return !isDirectoryChange(path, changes);
        if (old?.equals(present) === true) return false;
        return next?.subarray(0, present.length).equals(present) !== true;
      })
      .map(({ path }) => pathText(path));
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function isDirectoryChange(path: QuotedPath, changes: readonly RawChange[]): boolean {
  const below = `${pathText(path)}/`;
  return changes.some((change) => pathText(change.path).startsWith(below));
}

/** Removes a file, and the directories that it leaves empty. */
function removeFile(root: string, path: QuotedPath): void {
  const bytes = pathBytes(path);
  const at = (length: number): Buffer =>
    Buffer.concat([Buffer.from(`${root}/`), bytes.subarray(0, length)]);
  try {
    rmSync(at(bytes.length));
    for (let slash = bytes.lastIndexOf('/'); slash > 0;) {
      rmdirSync(at(slash));
      slash = bytes.subarray(0, slash).lastIndexOf('/');
    }
  } catch {
    // Already away, or a directory that still has something in it.
  }
}

/** Gives all changed files their new content. They were looked at before: none of them is the user's. */
async function completeFiles(
  repository: Repository,
  record: DeliveryRecord,
  changes: readonly RawChange[],
): Promise<void> {
  const index = copyPresentIndex(record);
  const { files: config } = await repository.userConfig();
  await repository.hub({ args: ['read-tree', '--reset', record.to], worktree: record.path, index });
  for (const { path, from, to } of changes) {
    if (to.mode === '000000' && from.mode !== '160000') removeFile(record.path, path);
  }
  const written = changes.filter(({ to }) => to.mode !== '000000');
  await repository.hub({
    args: ['checkout-index', '--force', '--index', '--quiet', '--stdin'],
    input: written.map(({ path }) => `${path}\n`).join(''),
    worktree: record.path,
    index,
    config,
  });
}

/** Gives the worktree the index of the new commit; its files have been there since before the ref moved. */
async function completeIndex(repository: Repository, record: DeliveryRecord): Promise<void> {
  const index = copyPresentIndex(record);
  const { files: config } = await repository.userConfig();
  await repository.hub({ args: ['read-tree', '--reset', record.to], worktree: record.path, index });
  await repository.hub({
    args: ['update-index', '-q', '--refresh'],
    worktree: record.path,
    index,
    config,
    accept: [0, 1],
  });
}

/** Finishes a move of a checked-out branch that was interrupted at any of its steps. */
export async function finishInterrupted(
  repository: Repository,
  record: DeliveryRecord,
): Promise<Refusal> {
  const lock = lockOf(record);
  const value = (await readRef(repository, record.target)) ?? null;
  const held = lock.look() === 'ours';
  const leave = (reason?: string): Refusal => {
    rmSync(nextIndexOf(record), { force: true });
    if (held) lock.release();
    forgetDelivery(repository, record.target);
    return reason;
  };
  if (value === record.to) {
    // Without our lock the index was in place already, and the user may have gone on from there.
    if (!held) return leave();
    await completeIndex(repository, record);
    await finishMove(repository, record, lock);
    return undefined;
  }
  if (value !== record.from) {
    return leave(`${record.target} was moved by somebody else while its delivery was interrupted`);
  }
  // Without our lock no file was touched yet.
  if (!held) return fastForward(repository, record);
  const changes = await compareTrees(repository, record.from, record.to);
  const foreign = await listForeign(repository, record, changes);
  if (foreign.length > 0) {
    // The record stays: once the files are as before, the next call goes on.
    lock.release();
    return `files in ${record.path} were edited while a delivery was interrupted: ${foreign.join(', ')}`;
  }
  await completeFiles(repository, record, changes);
  await moveTarget(repository, record);
  await repository.step('deliver.ref');
  await finishMove(repository, record, lock);
  return undefined;
}
