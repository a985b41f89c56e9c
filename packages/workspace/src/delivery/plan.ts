import type { Delivery, DeliveryIntent, RefusedPlan } from '../contract.js';
import { contains } from '../git/commits.js';
import { listRefs } from '../git/refs.js';
import { refs } from '../layout.js';
import { shellWord } from '../repository/locate.js';
import type { Repository } from '../repository/open.js';
import { mergeCommand } from './merge-command.js';
import { findObstacle } from './obstacles.js';
import { planAgain } from './own-branch.js';
import { blockingBranch, placeOfTarget } from './target.js';

export interface PlanRequest {
  readonly run: string;
  readonly base: string;
  readonly to: string;
  readonly delivery: Delivery;
  /** Refs by full name that this run delivered to before, with the commits it may have left there. */
  readonly delivered?: { readonly [target: string]: readonly string[] };
}

const refusal = (refused: string, next: string): RefusedPlan => ({ refused, next });

/** The command that gives the result a branch of another name. */
const otherBranch = (request: PlanRequest): string =>
  `git branch orch-result-${request.run} ${refs.integration(request.run)}`;

/** Chooses the branch of a delivery and says what stands there. */
async function chooseBranch(
  repository: Repository,
  request: PlanRequest,
): Promise<
  { readonly name: string; readonly value: string | null; readonly note?: string } | RefusedPlan
> {
  const { run, delivery } = request;
  const usual = `orch/${run}`;
  const asked = delivery.branch ?? usual;
  const { code } = await repository.git({
    args: ['check-ref-format', `refs/heads/${asked}`],
    accept: [0, 1],
  });
  if (code !== 0 || asked.startsWith('-')) {
    return refusal(`${JSON.stringify(asked)} is no name for a branch`, otherBranch(request));
  }
  const heads = await listRefs(repository, 'refs/heads/');
  const value = (name: string): string | null => heads.get(`refs/heads/${name}`) ?? null;
  const blocking = blockingBranch(heads, asked);
  if (blocking === undefined) return { name: asked, value: value(asked) };
  const instead = `orch-${run}`;
  if (delivery.branch !== undefined || blockingBranch(heads, instead) !== undefined) {
    return refusal(
      `the branch ${asked} cannot exist beside the branch ${blocking}`,
      otherBranch(request),
    );
  }
  return {
    name: instead,
    value: value(instead),
    note: `The branch is ${instead}, because ${usual} cannot exist beside the branch ${blocking}.`,
  };
}

/** Looks at the target and says what delivering would do, without doing it. */
export async function planDelivery(
  repository: Repository,
  request: PlanRequest,
): Promise<DeliveryIntent | RefusedPlan> {
  const { run, base, to, delivery } = request;
  const chosen = await chooseBranch(repository, request);
  if ('refused' in chosen) return chosen;
  const { name, value: from } = chosen;
  const target = `refs/heads/${name}`;
  const { delivered = {} } = request;
  if (delivery.to === 'branch' && delivered[target] !== undefined) {
    return planAgain(repository, { name, to, delivered });
  }
  const result = refs.integration(run);
  const word = shellWord(name);
  const intent = { target, from, to, ...(chosen.note === undefined ? {} : { note: chosen.note }) };
  if (from === null) {
    if (delivery.to === 'branch') return intent;
    return refusal(`there is no branch ${name} to merge into`, `git branch ${word} ${result}`);
  }
  if (await contains(repository, from, to)) return intent;

  const place = await placeOfTarget(repository, target);
  const merge =
    place.kind === 'nowhere'
      ? `git switch ${word} && git merge ${result}`
      : mergeCommand(place.kind === 'held' ? place.path : place.worktree.path, result, undefined);
  if (!(await contains(repository, to, from))) {
    const reason = `${name} has moved to ${from}, which the result does not contain`;
    if (delivery.to === 'merge') return refusal(reason, merge);
    return refusal(reason, otherBranch(request));
  }
  if (delivery.to === 'merge' && from !== base) {
    return refusal(`${name} is at ${from}, and the run started from ${base}`, merge);
  }
  if (place.kind === 'nowhere') return intent;
  if (place.kind === 'held') return refusal(`${name} cannot be moved: ${place.reason}`, merge);
  const obstacle = await findObstacle(repository, place.worktree, from, to);
  if (obstacle !== undefined) {
    return refusal(obstacle.reason, mergeCommand(place.worktree.path, result, obstacle));
  }
  return { ...intent, worktree: place.worktree.path };
}
