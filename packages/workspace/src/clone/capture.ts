import type { Captured, CaptureRequest } from '../contract.js';
import { listChanges, listOutside } from '../git/changes.js';
import { contains, makeCommit, treeOf } from '../git/commits.js';
import { lines } from '../git/quoted-path.js';
import { moveRef, readRef } from '../git/refs.js';
import { refs } from '../layout.js';
import { globPathspecs } from '../names.js';
import type { Repository } from '../repository/open.js';
import { WorkspaceError } from '../workspace-error.js';
import { importCommits } from './import-commits.js';
import { describeNested } from './nested-repositories.js';
import { listOutwardLinks } from './outward-links.js';
import { ownDirectoryExists } from './own-directory.js';
import { placeOf, readRecords, type Place, type Records } from './records.js';
import { addRescueRef } from './rescue.js';
import { takeSnapshot } from './snapshot.js';
import { readUntrustedRefs } from './untrusted-refs.js';

/** The agent's own last commit, if it can be had and its history can be the result's. */
interface OwnHead {
  readonly commit: string;
  readonly notes: string[];
}

/** Whether commits of the agent hold a file that was copied from the user's worktree. */
async function holdsCopiedFile(
  repository: Repository,
  base: string,
  head: string,
  copied: readonly string[],
): Promise<boolean> {
  if (copied.length === 0) return false;
  const { stdout } = await repository.hub({
    args: [
      ...(['rev-list', '--full-history', '--max-count=1', head, `^${base}`, '--'] as const),
      ...copied.map((path) => `:(literal)${path}`),
    ],
  });
  return lines(stdout).length > 0;
}

async function readOwnHead(
  repository: Repository,
  place: Place,
  records: Records,
  request: CaptureRequest,
): Promise<OwnHead> {
  const { base } = request;
  const { head } = readUntrustedRefs(`${place.directory}/.git`);
  if (head === base) return { commit: base, notes: [] };
  if (head === undefined) {
    return {
      commit: base,
      notes: ['HEAD of the workspace cannot be read: the result was made from its files.'],
    };
  }
  const { commits, rejected } = await importCommits(repository, place.directory, base, [head]);
  if (!commits.includes(head)) {
    const reason = rejected[0]?.reason ?? 'unknown reason';
    return {
      commit: base,
      notes: [
        `Commit ${head} of the agent was not taken over (${reason}): the result was made from its files.`,
      ],
    };
  }
  const problem = !(await contains(repository, head, base))
    ? 'does not descend from the base'
    : (await holdsCopiedFile(repository, base, head, records.copied))
      ? 'holds a file that was copied in and is never part of a result'
      : undefined;
  if (problem === undefined) return { commit: head, notes: [] };
  const saved = await addRescueRef(repository, request.run, request.task, head);
  return {
    commit: base,
    notes: [
      `Commit ${head} of the agent ${problem}: it was saved to ${saved}, the result was made from its files.`,
    ],
  };
}

async function describe(
  repository: Repository,
  request: CaptureRequest,
  ref: string,
  result: { readonly commit: string; readonly tree: string },
  notes: readonly string[],
): Promise<Captured> {
  const { base, writes } = request;
  const [files, uncovered, links] = await Promise.all([
    listChanges(repository, base, result.commit),
    listOutside(repository, base, result.commit, writes),
    listOutwardLinks(repository, base, result.commit),
  ]);
  const outward = new Set(links.map(({ path }) => path));
  return {
    ...result,
    ref,
    files,
    outside: [
      ...links.map(({ path, target }) => `${path} -> ${target}`),
      ...uncovered.filter((path) => !outward.has(path)),
    ],
    notes: [
      ...notes,
      ...links.map(
        ({ path, target }) =>
          `${path} is a symbolic link that leads out of the repository, to ${target}: whoever follows it reads or writes there.`,
      ),
    ],
  };
}

async function existingResult(
  repository: Repository,
  request: CaptureRequest,
  ref: string,
): Promise<Captured | undefined> {
  const commit = await readRef(repository, ref);
  if (commit === undefined) return undefined;
  if (!(await contains(repository, commit, request.base))) {
    throw new WorkspaceError(
      'ORCH_WORKSPACE_RESULT',
      `${ref} holds ${commit}, which does not descend from the base ${request.base}: it was not written for this attempt. Look at it before you go on.`,
      { details: { ref, commit, base: request.base } },
    );
  }
  return describe(repository, request, ref, { commit, tree: await treeOf(repository, commit) }, []);
}

/** Commits what a workspace holds and puts it, checked, into the result ref. */
export async function capture(repository: Repository, request: CaptureRequest): Promise<Captured> {
  const { run, task } = request;
  const ref = refs.result(run, task, request.attempt);
  globPathspecs(request.writes ?? []);
  const existing = await existingResult(repository, request, ref);
  if (existing !== undefined) return existing;

  const place = placeOf(repository, run, request.place ?? task);
  const records = readRecords(place);
  if (records?.state !== 'ready' || !ownDirectoryExists(place.directory)) {
    throw new WorkspaceError(
      'ORCH_WORKSPACE_ABSENT',
      `There is nothing to capture for ${task} in run ${run}: expected a prepared workspace at ${place.directory}. Prepare it first.`,
      { details: { run, task, directory: place.directory } },
    );
  }
  const own = await readOwnHead(repository, place, records, request);
  const snapshot = await takeSnapshot(repository, place, records, own.commit);
  const notes = [...own.notes];
  notes.push(...snapshot.nested.map((nested) => describeNested(place.directory, nested)));
  if (snapshot.warnings !== '') notes.push(`git warned: ${snapshot.warnings.slice(0, 1000)}`);
  const commit =
    snapshot.tree === (await treeOf(repository, own.commit))
      ? own.commit
      : await makeCommit(repository, {
          tree: snapshot.tree,
          parents: [own.commit],
          message: request.message,
          at: new Date(),
        });
  await repository.step('capture.ref');
  try {
    await moveRef(repository, { ref, from: null, to: commit, reason: `orch: result of ${task}` });
  } catch (error) {
    // Somebody was quicker, for instance the same capture before a crash: that result stands.
    const first = await existingResult(repository, request, ref);
    if (first === undefined) throw error;
    return first;
  }
  return describe(repository, request, ref, { commit, tree: snapshot.tree }, notes);
}
