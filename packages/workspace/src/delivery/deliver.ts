import { identify } from '@orch/process';
import type { Delivered, DeliveryIntent } from '../contract.js';
import { contains } from '../git/commits.js';
import { moveRef, readRef } from '../git/refs.js';
import { shellWord } from '../repository/locate.js';
import type { Repository } from '../repository/open.js';
import { WorkspaceError } from '../workspace-error.js';
import { isUnderWay, readDelivery } from './delivery-record.js';
import { fastForward } from './fast-forward.js';
import { mergeCommand } from './merge-command.js';
import { findObstacle, type Obstacle } from './obstacles.js';
import { finishInterrupted } from './interrupted.js';
import { placeOfTarget, shortName } from './target.js';

async function createOrMove(
  repository: Repository,
  intent: DeliveryIntent,
): Promise<string | undefined> {
  const { target, from, to } = intent;
  try {
    await moveRef(repository, { ref: target, from, to, reason: 'orch: deliver' });
    return undefined;
  } catch (error) {
    if (!WorkspaceError.isInstance(error) || error.code === 'ORCH_GIT_REF_BUSY') throw error;
    return error.message;
  }
}

/** Moves the target of an intent. The target has the commit already: done. */
export async function deliver(repository: Repository, intent: DeliveryIntent): Promise<Delivered> {
  const { target, from, to } = intent;
  const done: Delivered = { kind: 'done', target, commit: to };
  const refused = (reason: string, path?: string, obstacle?: Obstacle): Delivered => {
    const branch = shellWord(shortName(target));
    const next =
      from === null
        ? `git branch orch-result-${to.slice(0, 12)} ${to}`
        : path === undefined
          ? `git switch ${branch} && git merge ${to}`
          : mergeCommand(path, to, obstacle);
    return { kind: 'refused', reason, next };
  };

  const begun = readDelivery(repository, target);
  if (begun !== undefined) {
    if (isUnderWay(begun)) {
      return refused(`another process is moving ${target} in ${begun.path} right now`, begun.path);
    }
    const problem = await finishInterrupted(repository, begun);
    if (problem !== undefined) return refused(problem, begun.path);
  }
  const value = (await readRef(repository, target)) ?? null;
  const replaces = intent.replaces === true;
  if (value === to) return done;
  if (value !== null && !replaces && (await contains(repository, value, to))) return done;
  if (value !== from) {
    return refused(
      `${target} is at ${value ?? 'nothing'}, expected ${from ?? 'nothing'}: somebody else moved it`,
    );
  }
  if (from !== null) {
    if (!replaces && !(await contains(repository, to, from))) {
      return refused(`${to} does not contain ${from}, so ${target} cannot simply move forward`);
    }
    const place = await placeOfTarget(repository, target);
    if (place.kind === 'held') return refused(`${target}: ${place.reason}`, place.path);
    if (place.kind === 'worktree') {
      if (replaces) return refused(`${target} is checked out now`, place.worktree.path);
      const record = { target, from, to, ...place.worktree, owner: identify(process.pid) };
      const problem = await fastForward(repository, record);
      if (problem === undefined) return done;
      const obstacle = await findObstacle(repository, place.worktree, from, to);
      return refused(problem, place.worktree.path, obstacle);
    }
  }
  const problem = await createOrMove(repository, intent);
  return problem === undefined ? done : refused(problem);
}
