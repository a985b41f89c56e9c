import { rmSync } from 'node:fs';
import type { Merged, MergeRequest } from '../contract.js';
import { contains, makeCommit } from '../git/commits.js';
import { lines, pathText } from '../git/quoted-path.js';
import type { Repository } from '../repository/open.js';
import { layOutAttributes } from './attributes.js';

function checkDate(at: string): Date {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) {
    throw new TypeError(`The date of a merge must be an ISO date, received ${JSON.stringify(at)}`);
  }
  return date;
}

/**
 * Merges `commit` onto `tip`. Always with a merge commit, also where the tip could simply move forward:
 * so `git log --first-parent` shows one entry per task, and each task can be reverted as one.
 */
export async function merge(repository: Repository, request: MergeRequest): Promise<Merged> {
  const { tip, commit, message } = request;
  const at = checkDate(request.at);
  if (await contains(repository, tip, commit)) return { kind: 'contained', commit: tip };
  const scratch = repository.makeScratch();
  try {
    const worktree = await layOutAttributes(repository, tip, scratch);
    const answer = await repository.hub({
      args: ['merge-tree', '--write-tree', '--name-only', '--no-messages', tip, commit],
      worktree,
      accept: [0, 1],
    });
    const [tree = '', ...files] = lines(answer.stdout);
    if (answer.code === 1) {
      return { kind: 'conflicted', files: [...new Set(files.map(pathText))] };
    }
    return {
      kind: 'merged',
      commit: await makeCommit(repository, { tree, parents: [tip, commit], message, at }),
    };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
