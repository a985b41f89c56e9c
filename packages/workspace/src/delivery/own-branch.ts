import type { DeliveryIntent } from '../contract.js';
import { contains } from '../git/commits.js';
import { listRefs } from '../git/refs.js';
import type { Repository } from '../repository/open.js';
import { findObstacle } from './obstacles.js';
import { blockingBranch, placeOfTarget } from './target.js';

/** A branch of a run, or the reason why the run leaves it alone. */
type Choice = DeliveryIntent | { readonly left: string };

/**
 * Where a run delivers that delivered to the branch `name` before: there again, if the branch stands where
 * the run left it, also when the new result does not contain the old one; else to the next free `<name>-2`,
 * `-3`, ... A branch that somebody else moved, or works in, is theirs.
 */
export async function planAgain(
  repository: Repository,
  request: {
    readonly name: string;
    readonly to: string;
    readonly delivered: { readonly [target: string]: readonly string[] };
  },
): Promise<DeliveryIntent> {
  const { name, to, delivered } = request;
  const heads = await listRefs(repository, 'refs/heads/');
  let reason = '';
  for (let number = 1; ; number += 1) {
    const branch = number === 1 ? name : `${name}-${number}`;
    if (number > 1 && blockingBranch(heads, branch) !== undefined) continue;
    const target = `refs/heads/${branch}`;
    const from = heads.get(target) ?? null;
    const choice = await chooseOwn(repository, { target, from, to }, delivered[target] ?? []);
    if ('left' in choice) {
      if (number === 1) reason = choice.left;
      continue;
    }
    const note =
      number === 1
        ? choice.replaces && `${name} held an earlier result of this run, ${from ?? ''}.`
        : `The branch is ${branch}, because ${name} ${reason}.`;
    return note === undefined ? choice : { ...choice, note };
  }
}

async function chooseOwn(
  repository: Repository,
  move: { readonly target: string; readonly from: string | null; readonly to: string },
  left: readonly string[],
): Promise<Choice> {
  const { target, from, to } = move;
  if (from === null || from === to) return move;
  if (!left.includes(from)) return { left: 'was moved by somebody else' };
  const place = await placeOfTarget(repository, target);
  const forward = await contains(repository, to, from);
  if (place.kind === 'nowhere') return forward ? move : { ...move, replaces: true };
  if (place.kind === 'held') return { left: `cannot be moved: ${place.reason}` };
  const { path } = place.worktree;
  if (!forward) return { left: `is checked out in ${path}` };
  const obstacle = await findObstacle(repository, place.worktree, from, to);
  return obstacle === undefined
    ? { ...move, worktree: path }
    : { left: `cannot be moved: ${obstacle.reason}` };
}
