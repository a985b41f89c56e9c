import { makeCommit, treeOf } from '../git/commits.js';
import { lines } from '../git/quoted-path.js';
import { listRefs, moveRef } from '../git/refs.js';
import { refs } from '../layout.js';
import type { Repository } from '../repository/open.js';
import { WorkspaceError } from '../workspace-error.js';
import { importCommits } from './import-commits.js';
import type { Place, Records } from './records.js';
import { takeSnapshot } from './snapshot.js';
import { readUntrustedRefs } from './untrusted-refs.js';

/** What became of the state of a workspace. */
export interface Rescued {
  /** The ref that holds it; absent when other refs held all of it already. */
  readonly ref?: string;
  /** False when something could not be saved into refs, so that the directory itself must be kept. */
  readonly complete: boolean;
  readonly problem?: string;
}

/** Of `commits`, those that no other of them contains. */
async function independent(repository: Repository, commits: readonly string[]): Promise<string[]> {
  const different = [...new Set(commits)];
  if (different.length < 2) return different;
  const { stdout } = await repository.hub({ args: ['merge-base', '--independent', ...different] });
  return lines(stdout);
}

/** Of `commits`, those that none of `holders` contains. */
async function notHeld(
  repository: Repository,
  commits: readonly string[],
  holders: readonly string[],
): Promise<string[]> {
  if (commits.length === 0) return [];
  const { stdout } = await repository.hub({
    args: ['rev-list', '--stdin'],
    input: [...commits, ...holders.map((holder) => `^${holder}`)].map((arg) => `${arg}\n`).join(''),
  });
  const open = new Set(lines(stdout));
  return commits.filter((commit) => open.has(commit));
}

/** Writes a commit to the next free rescue ref of a task. */
export async function addRescueRef(
  repository: Repository,
  run: string,
  task: string,
  commit: string,
): Promise<string> {
  const existing = await listRefs(repository, refs.rescues(run, task));
  for (const [ref, value] of existing) if (value === commit) return ref;
  const numbers = [...existing.keys()].map((ref) => Number(ref.split('/').at(-1)));
  for (let number = Math.max(0, ...numbers) + 1; ; number += 1) {
    const ref = refs.rescue(run, task, number);
    try {
      await moveRef(repository, { ref, from: null, to: commit, reason: 'orch: rescue' });
      return ref;
    } catch (error) {
      if (!WorkspaceError.isInstance(error) || error.code !== 'ORCH_GIT_REF_MOVED') throw error;
    }
  }
}

async function save(
  repository: Repository,
  place: Place,
  records: Records,
  name: { readonly run: string; readonly task: string },
): Promise<Rescued> {
  const found = readUntrustedRefs(`${place.directory}/.git`);
  const tips = [...(found.head === undefined ? [] : [found.head]), ...found.others];
  const imported = await importCommits(repository, place.directory, records.base, tips);
  const lost = imported.rejected.map(({ commit, reason }) => `${commit}: ${reason}`);
  const head =
    found.head !== undefined && imported.commits.includes(found.head) ? found.head : records.base;
  const snapshot = await takeSnapshot(repository, place, records, head);
  const nested = snapshot.nested.map(({ path }) => `${path}/ is a repository of its own`);
  const problems = [...lost, ...nested, snapshot.warnings].filter((text) => text !== '');
  const complete = found.complete && problems.length === 0;
  const problem = complete ? {} : { problem: problems.join('; ') };

  const held = [
    ...(await listRefs(repository, refs.results(name.run, name.task))).values(),
    ...(await listRefs(repository, refs.rescues(name.run, name.task))).values(),
    records.base,
  ];
  const open = await notHeld(repository, imported.commits, held);
  const trees = await Promise.all(held.map((commit) => treeOf(repository, commit)));
  if (open.length === 0 && trees.includes(snapshot.tree)) return { complete, ...problem };

  const parents = [head, ...(await independent(repository, [head, ...open]))];
  const commit = await makeCommit(repository, {
    tree: snapshot.tree,
    parents: [...new Set(parents)],
    message: `Rescue of ${name.task} in run ${name.run}`,
    at: new Date(),
  });
  return { ref: await addRescueRef(repository, name.run, name.task, commit), complete, ...problem };
}

/**
 * Saves everything of a workspace that git would keep: uncommitted and untracked files, commits on every
 * branch, the stash, and where HEAD has been. Ignored files are not saved. One ref holds it all: its tree is
 * the files, its parents are the commits. Does not throw for what an agent did to the workspace.
 */
export async function rescue(
  repository: Repository,
  place: Place,
  records: Records,
  name: { readonly run: string; readonly task: string },
): Promise<Rescued> {
  try {
    return await save(repository, place, records, name);
  } catch (error) {
    if (!WorkspaceError.isInstance(error) || error.code === 'ORCH_GIT_REF_BUSY') throw error;
    return { complete: false, problem: error.message };
  }
}
