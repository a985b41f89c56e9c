import { existsSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { copyIndex } from '../git/index-file.js';
import { moveRef } from '../git/refs.js';
import type { Repository } from '../repository/open.js';
import { listUncommitted } from '../repository/uncommitted.js';
import { WorkspaceError } from '../workspace-error.js';
import { forgetDelivery, writeDelivery, type DeliveryRecord } from './delivery-record.js';
import { createIndexLock, type IndexLock } from './index-lock.js';
import { findObstacle } from './obstacles.js';

/** `undefined`: it is done. */
export type Refusal = string | undefined;

export const lockOf = (record: DeliveryRecord): IndexLock =>
  createIndexLock(record.gitDirectory, `${record.target} ${record.from} ${record.to}`);

/** The next index of the worktree, beside the present one, which it replaces in one step. */
export const nextIndexOf = (record: DeliveryRecord): string =>
  join(record.gitDirectory, 'orch-index');

export function copyPresentIndex(record: DeliveryRecord): string {
  const next = nextIndexOf(record);
  rmSync(next, { force: true });
  rmSync(`${next}.lock`, { force: true });
  const present = join(record.gitDirectory, 'index');
  if (existsSync(present)) copyIndex(present, next);
  return next;
}

/** The last steps: the new index takes the place of the old one, and the worktree is free again. */
export async function finishMove(
  repository: Repository,
  record: DeliveryRecord,
  lock: IndexLock,
): Promise<void> {
  renameSync(nextIndexOf(record), join(record.gitDirectory, 'index'));
  await repository.step('deliver.index');
  lock.release();
  await repository.step('deliver.unlocked');
  forgetDelivery(repository, record.target);
}

export function moveTarget(repository: Repository, record: DeliveryRecord): Promise<void> {
  const { target: ref, from, to } = record;
  return moveRef(repository, { ref, from, to, reason: 'orch: deliver' });
}

async function readTree(
  repository: Repository,
  record: DeliveryRecord,
  from: string,
  to: string,
): Promise<void> {
  await repository.hub({
    args: ['read-tree', '-m', '-u', from, to],
    worktree: record.path,
    index: nextIndexOf(record),
    config: (await repository.userConfig()).files,
  });
}

/**
 * Moves a checked-out branch forward together with its files. The order: record, lock, files, ref, index,
 * unlock. Each step leaves behind what `finishInterrupted` needs to finish it after a crash, and a foreign
 * git process sees either the old state or a locked index.
 */
export async function fastForward(
  repository: Repository,
  record: DeliveryRecord,
): Promise<Refusal> {
  const lock = lockOf(record);
  const { from, to, path, target } = record;
  const giveUp = (reason: string): string => {
    rmSync(nextIndexOf(record), { force: true });
    lock.release();
    forgetDelivery(repository, target);
    return reason;
  };
  writeDelivery(repository, record);
  await repository.step('deliver.recorded');
  if (!(await lock.take())) {
    forgetDelivery(repository, target);
    return `another git process has locked the index of ${path}`;
  }
  await repository.step('deliver.locked');
  const obstacle = await findObstacle(repository, record, from, to);
  if (obstacle !== undefined) return giveUp(obstacle.reason);
  copyPresentIndex(record);
  try {
    await readTree(repository, record, from, to);
  } catch (error) {
    if (!WorkspaceError.isInstance(error)) throw error;
    const { unstaged } = await listUncommitted(
      repository,
      { ...record, head: from },
      (await repository.userConfig()).files,
    );
    // Files were touched: the record and the lock stay, and the next call finishes.
    if (unstaged.length > 0) throw error;
    return giveUp(`git refused to update ${path}: ${String(error.details['stderr'])}`);
  }
  await repository.step('deliver.files');
  try {
    await moveTarget(repository, record);
  } catch (error) {
    if (!WorkspaceError.isInstance(error) || error.code !== 'ORCH_GIT_REF_MOVED') throw error;
    await readTree(repository, record, to, from);
    return giveUp(`${target} was moved by somebody else`);
  }
  await repository.step('deliver.ref');
  await finishMove(repository, record, lock);
  return undefined;
}
