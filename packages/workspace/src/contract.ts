/** A change in the user's repository that nobody in this run may have made. */
export interface ForeignChange {
  readonly what: 'config' | 'hooks' | 'refs';
  readonly detail: string;
  /**
   * `tampered` when it could make git run or hide something, forge a result, or lose what a delivery stands
   * on; it fails the attempt. `noted` when it is what a user does in a working day.
   */
  readonly weight: 'tampered' | 'noted';
}

/** A snapshot of what must not change while an attempt runs. */
export type Fingerprint = { readonly [key: string]: unknown };

export interface Prepared {
  /** Absolute path; the same for every attempt of a task. */
  readonly path: string;
  /** The ref under which the state of an earlier attempt was saved. */
  readonly rescued?: string;
  /** Where the earlier directory was moved to, because not all of it could be saved into a ref. */
  readonly kept?: string;
}

export interface ChangedFile {
  readonly path: string;
  /** Path before, of a renamed file. */
  readonly before?: string;
  readonly status: 'added' | 'modified' | 'deleted' | 'renamed' | 'type_changed';
  /** `null` for a binary file. */
  readonly addedLines: number | null;
  readonly deletedLines: number | null;
}

export interface Captured {
  readonly commit: string;
  readonly tree: string;
  /** `refs/orch/runs/<run>/<task>/<attempt>`: create-only, in the user's repository. */
  readonly ref: string;
  readonly files: readonly ChangedFile[];
  /**
   * Changed paths outside `writes`, where it was given; a renamed file counts with both paths. Before them, and
   * whatever `writes` says, as `<path> -> <target>`: symbolic links that lead out of the repository, or into
   * its git directory, and did not do so in the base.
   */
  readonly outside: readonly string[];
  /** What a person may want to know about how the result was made, one sentence each. */
  readonly notes: readonly string[];
}

export type Merged =
  | { readonly kind: 'merged'; readonly commit: string }
  /** The commit is already contained in the tip. */
  | { readonly kind: 'contained'; readonly commit: string }
  | { readonly kind: 'conflicted'; readonly files: readonly string[] };

export type Delivery =
  | { readonly to: 'branch'; readonly branch?: string }
  | { readonly to: 'merge'; readonly branch: string };

/** What was decided about the target before it is touched. Plain data, so that it can be journalled. */
export interface DeliveryIntent {
  /** Full ref name. */
  readonly target: string;
  /** Value of the target before (null: it does not exist yet). */
  readonly from: string | null;
  readonly to: string;
  /** The worktree in which the target is checked out, if any. */
  readonly worktree?: string;
  /** What stands there is an earlier result of this very run: it is replaced, whether `to` contains it or not. */
  readonly replaces?: true;
  /** Something a person should know, such as another branch name than the usual one. */
  readonly note?: string;
}

export type Delivered =
  | { readonly kind: 'done'; readonly target: string; readonly commit: string }
  /** Nothing was moved. `next` is the one command that a person runs. */
  | { readonly kind: 'refused'; readonly reason: string; readonly next: string };

/** A delivery that was refused when it was planned. */
export interface RefusedPlan {
  readonly refused: string;
  readonly next: string;
}

export interface PrepareRequest {
  readonly run: string;
  readonly task: string;
  readonly attempt: number;
  /** Commit id. */
  readonly base: string;
  /** `keep` leaves the files as they are; `fresh` saves what is there and starts from `base`. */
  readonly mode: 'fresh' | 'keep';
  /** Takes `.claude/settings.json`, `.claude/settings.local.json` and `.mcp.json` out of the agent's sight. */
  readonly hideAgentSettings: boolean;
}

export interface CaptureRequest {
  readonly run: string;
  /** Whose result it is: a part of the result ref. */
  readonly task: string;
  /** Name of the workspace that holds the result. Default: `task`. */
  readonly place?: string;
  readonly attempt: number;
  readonly base: string;
  readonly message: string;
  /** Globs; see the README for their meaning. */
  readonly writes: readonly string[] | undefined;
}

export interface CheckoutRequest {
  readonly run: string;
  /** A stable name for the checkout directory, for instance `fix.gate`. */
  readonly name: string;
  readonly commit: string;
  readonly protect?: { readonly base: string; readonly globs: readonly string[] };
}

export interface CheckedOut {
  readonly path: string;
  /** Protected paths whose content in `commit` was not that of `base`, and now is. */
  readonly restored: readonly string[];
}

export interface MergeRequest {
  readonly tip: string;
  readonly commit: string;
  readonly message: string;
  /** ISO date of the merge commit, so that a repeated merge gives the same id. */
  readonly at: string;
}

export interface Copied {
  readonly copied: readonly string[];
  /** Named, but not there. */
  readonly missing: readonly string[];
}

export type Removed =
  { readonly kind: 'removed' } | { readonly kind: 'kept'; readonly reason: string };

export interface WorktreeDescription {
  readonly path: string;
  readonly commit: string | null;
  /** Short name; `null` when detached. */
  readonly branch: string | null;
  readonly main: boolean;
}

export interface FileList {
  readonly count: number;
  /** At most the first 20. */
  readonly paths: readonly string[];
}

export interface RepositoryDescription {
  /** The worktree in which the start directory lies. */
  readonly root: string;
  readonly gitDirectory: string;
  readonly commonDirectory: string;
  /** What a workspace borrows objects from: a sandbox shows these, read-only. */
  readonly objectDirectories: readonly string[];
  readonly head: { readonly commit: string; readonly branch: string | null };
  readonly bare: false;
  readonly uncommitted: {
    readonly staged: FileList;
    readonly unstaged: FileList;
    readonly untracked: FileList;
  };
  readonly worktrees: readonly WorktreeDescription[];
  readonly gitVersion: string;
}
