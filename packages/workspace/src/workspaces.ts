import type { ProcessOwner } from '@orch/process';
import { checkout } from './checkout/checkout.js';
import { capture } from './clone/capture.js';
import { copyInto } from './clone/copy-into.js';
import { prepare } from './clone/prepare.js';
import { remove } from './clone/remove.js';
import type {
  Captured,
  CaptureRequest,
  CheckedOut,
  CheckoutRequest,
  Copied,
  Delivered,
  Delivery,
  DeliveryIntent,
  Fingerprint,
  ForeignChange,
  Merged,
  MergeRequest,
  Prepared,
  PrepareRequest,
  RefusedPlan,
  Removed,
  RepositoryDescription,
} from './contract.js';
import { deliver } from './delivery/deliver.js';
import { planDelivery } from './delivery/plan.js';
import { resolveCommit, treeOf } from './git/commits.js';
import { checkVersion, findGit } from './git/find-git.js';
import { patchOf } from './git/patch.js';
import { createGit } from './git/run-git.js';
import { integrate } from './merge/integrate.js';
import { merge } from './merge/merge.js';
import { checkAttempt, checkBranchRef, checkCommit, checkName } from './names.js';
import { describeRepository } from './repository/describe.js';
import { compareFingerprint, takeFingerprint } from './repository/fingerprint.js';
import { openRepository, type Identity } from './repository/open.js';

export interface WorkspacesOptions {
  /** A path inside the user's repository: its root, a directory below, or a linked worktree. */
  readonly repository: string;
  /** Absolute path of a directory of the user, outside the repository. Made when it is not there, mode 0700. */
  readonly stateDirectory: string;
  /** Starts git. */
  readonly owner: Pick<ProcessOwner, 'run'>;
  /** Who our own commits are by. Default `orch <orch@localhost>`. */
  readonly identity?: Identity;
  /** Where git is looked for. Default: `PATH` of this process. */
  readonly path?: string;
  /** Told the name of each step before the next one begins, and awaited. For tests of crashes. */
  readonly onStep?: (step: string) => void | Promise<void>;
}

/** Where tasks work and results meet. All methods may be called at the same time. */
export interface Workspaces {
  /** Makes the private clone of a task at `base`, or with `keep` leaves the one that is there. */
  prepare(request: PrepareRequest): Promise<Prepared>;
  /**
   * Copies untracked files of the user's worktree into a prepared workspace. They are never part of a result.
   * Throws `ORCH_WORKSPACE_COPY` for links, directories, tracked files and paths that leave the worktree.
   */
  copyInto(run: string, task: string, files: readonly string[]): Promise<Copied>;
  /** Commits what a workspace holds and puts it, checked, into the result ref. An existing ref answers. */
  capture(request: CaptureRequest): Promise<Captured>;
  /** Removes a clone once refs hold everything in it; what they lack is saved to a rescue ref first. */
  remove(run: string, task: string): Promise<Removed>;
  /** A private checkout of `commit`, with protected files as they are in the base. Ignored files stay between calls. */
  checkout(request: CheckoutRequest): Promise<CheckedOut>;
  /** Merges `commit` onto `tip` without a worktree. The same inputs give the same commit id. */
  merge(request: MergeRequest): Promise<Merged>;
  /** Moves `refs/orch/integration/<run>` by compare-and-swap; throws `ORCH_GIT_REF_MOVED` when it lost. */
  integrate(request: {
    readonly run: string;
    readonly from: string | null;
    readonly to: string;
  }): Promise<void>;
  /**
   * Says what delivering would do, without doing it. A branch that this run delivered to before, and that
   * stands at a commit it left there, is replaced; one that somebody else moved is left alone, and the
   * intent names the next free `<branch>-2`, `-3`, ...
   */
  planDelivery(request: {
    readonly run: string;
    readonly base: string;
    readonly to: string;
    readonly delivery: Delivery;
    /** Refs by full name that this run delivered to before, with the commits it may have left there. */
    readonly delivered?: { readonly [target: string]: readonly string[] };
  }): Promise<DeliveryIntent | RefusedPlan>;
  /** Moves the target by compare-and-swap, with its files where it is checked out. Finishes what a crash interrupted. */
  deliver(intent: DeliveryIntent): Promise<Delivered>;
  /** Takes the state of the user's repository that nobody may change while an attempt runs. */
  fingerprint(): Promise<Fingerprint>;
  /**
   * What changed since, other than by this process. `targets`: the branches, by name, that the run is to be
   * delivered to; other branches are the user's to rewrite.
   */
  compare(before: Fingerprint, targets?: readonly string[]): Promise<readonly ForeignChange[]>;
  /** What changed from one commit to another, as a patch with renames. Throws `ORCH_GIT_FAILED`. */
  diff(from: string, to: string): Promise<string>;
  /** Tree of a commit. Throws `ORCH_GIT_UNKNOWN_REVISION`. */
  tree(commit: string): Promise<string>;
  /** Commit that a revision names in the user's worktree. Throws `ORCH_GIT_UNKNOWN_REVISION`. */
  resolve(revision: string): Promise<string>;
  describeRepository(): Promise<RepositoryDescription>;
}

/**
 * Finds the user's repository. Throws a {@link WorkspaceError}: `ORCH_GIT_MISSING`, `ORCH_GIT_TOO_OLD`,
 * `ORCH_GIT_NOT_A_REPOSITORY`, `ORCH_GIT_NO_COMMITS`, `ORCH_GIT_BARE`, `ORCH_WORKSPACE_STATE_DIRECTORY`.
 */
export async function createWorkspaces(options: WorkspacesOptions): Promise<Workspaces> {
  const path = options.path ?? process.env['PATH'] ?? '';
  const program = findGit(path);
  const { owner, stateDirectory } = options;
  const bare = createGit({ owner, program, path, home: '/' });
  const version = checkVersion((await bare({ args: ['version'] })).stdout);
  const repository = await openRepository({
    createGit: (home) => createGit({ owner, program, path, home }),
    version,
    repository: options.repository,
    stateDirectory,
    identity: options.identity ?? { name: 'orch', email: 'orch@localhost' },
    onStep: options.onStep,
  });
  const { serial, runs } = repository;

  /** One call at a time for each workspace; its run is ours from now on. */
  function inPlace<T>(
    kind: 'task' | 'checkout',
    run: string,
    name: string,
    work: () => Promise<T>,
  ): Promise<T> {
    return serial(`${kind} ${checkName('run', run)}/${checkName(kind, name)}`, () => {
      runs.add(run);
      return work();
    });
  }

  return {
    async prepare(request) {
      checkAttempt(request.attempt);
      checkCommit(request.base);
      return inPlace('task', request.run, request.task, () => prepare(repository, request));
    },
    async copyInto(run, task, files) {
      return inPlace('task', run, task, () => copyInto(repository, run, task, files));
    },
    async capture(request) {
      checkAttempt(request.attempt);
      checkCommit(request.base);
      checkName('task', request.task);
      return inPlace('task', request.run, request.place ?? request.task, () =>
        capture(repository, request),
      );
    },
    async remove(run, task) {
      return inPlace('task', run, task, () => remove(repository, run, task));
    },
    async checkout(request) {
      checkCommit(request.commit);
      if (request.protect !== undefined) checkCommit(request.protect.base);
      return inPlace('checkout', request.run, request.name, () => checkout(repository, request));
    },
    async merge(request) {
      checkCommit(request.tip);
      checkCommit(request.commit);
      return merge(repository, request);
    },
    async integrate(request) {
      runs.add(checkName('run', request.run));
      if (request.from !== null) checkCommit(request.from);
      checkCommit(request.to);
      await integrate(repository, request);
    },
    async planDelivery(request) {
      checkName('run', request.run);
      checkCommit(request.base);
      checkCommit(request.to);
      return planDelivery(repository, request);
    },
    async deliver(intent) {
      checkBranchRef(intent.target);
      if (intent.from !== null) checkCommit(intent.from);
      checkCommit(intent.to);
      return serial(`deliver ${intent.target}`, () => deliver(repository, intent));
    },
    fingerprint: () => takeFingerprint(repository),
    compare: (before, targets = []) =>
      compareFingerprint(
        repository,
        before,
        targets.map((name) => `refs/heads/${name}`),
      ),
    async diff(from, to) {
      return patchOf(repository, checkCommit(from), checkCommit(to));
    },
    async tree(commit) {
      return treeOf(repository, checkCommit(commit));
    },
    resolve: (revision) => resolveCommit(repository, revision),
    describeRepository: () => describeRepository(repository),
  };
}
