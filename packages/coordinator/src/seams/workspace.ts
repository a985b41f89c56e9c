/** A change in the user's repository that nobody in this run may have made. */
export interface ForeignChange {
  readonly what: 'config' | 'hooks' | 'refs';
  readonly detail: string;
  /** `tampered` when it fails the attempt, `noted` when it may be the user's own work (a branch that moved forward). */
  readonly weight: 'tampered' | 'noted';
}

/** A snapshot of what must not change while an attempt runs. Opaque to the coordinator. */
export type Fingerprint = { readonly [key: string]: unknown };

export interface Prepared {
  /** Absolute path; stable for (run, task), because agents continue a session only from the same directory. */
  readonly path: string;
  /** Where the state of an earlier attempt was saved before it was touched. */
  readonly rescued?: string;
}

export interface ChangedFile {
  readonly path: string;
  readonly status: 'added' | 'modified' | 'deleted' | 'renamed' | 'type_changed';
  readonly addedLines: number | null;
  readonly deletedLines: number | null;
}

export interface Captured {
  readonly commit: string;
  readonly tree: string;
  /** `refs/orch/runs/<run>/<task>/<attempt>`: create-only, in the user's repository. */
  readonly ref: string;
  readonly files: readonly ChangedFile[];
  /** Paths of `files` that lie outside `writes`. Empty when no `writes` was given. */
  readonly outside: readonly string[];
  /** What a person may want to know about how the result was made. */
  readonly notes?: readonly string[];
}

export type Merged =
  | { readonly kind: 'merged'; readonly commit: string }
  /** The commit is already contained in the tip. */
  | { readonly kind: 'contained'; readonly commit: string }
  | { readonly kind: 'conflicted'; readonly files: readonly string[] };

export type Delivery =
  | { readonly to: 'branch'; readonly branch?: string }
  | { readonly to: 'merge'; readonly branch: string };

/** What was decided about the target before it is touched; journalled as `delivery.intended`. */
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

/** Where tasks work and results meet. Implemented by `@orch/workspace`, adapted by core. */
export interface Workspace {
  /** Makes (or, with `keep`, reuses) the private clone of a task at `base`. What stood there is saved to a rescue ref first. */
  prepare(request: {
    readonly run: string;
    readonly task: string;
    readonly attempt: number;
    readonly base: string;
    readonly mode: 'fresh' | 'keep';
    /** Whether the repository's agent settings are hidden from the agent (`project: memory`). */
    readonly hideAgentSettings: boolean;
  }): Promise<Prepared>;
  /** Files and environment of the user's repository, taken before an attempt. */
  fingerprint(): Promise<Fingerprint>;
  /** What changed since, other than by this run. */
  compare(before: Fingerprint): Promise<readonly ForeignChange[]>;
  /**
   * Commits what the workspace holds and fetches it, checked, into the result ref. Idempotent: an existing
   * ref answers. Throws an error with the code `ORCH_WORKSPACE_ABSENT` when the workspace is gone.
   */
  capture(request: {
    readonly run: string;
    readonly task: string;
    /** Name of the workspace: another task's, where its conversation is continued. */
    readonly place: string;
    readonly attempt: number;
    readonly base: string;
    readonly message: string;
    readonly writes: readonly string[] | undefined;
  }): Promise<Captured>;
  /** A private checkout of `commit` for gates, with `protect`ed files as they are in `base`. */
  checkout(request: {
    readonly run: string;
    /** A stable name for the checkout directory, for instance `fix.gate`. */
    readonly name: string;
    readonly commit: string;
    readonly protect?: { readonly base: string; readonly globs: readonly string[] };
  }): Promise<{ readonly path: string; readonly restored: readonly string[] }>;
  /** Merges `commit` onto `tip` without touching any worktree. Deterministic: the same inputs give the same commit id. */
  merge(request: {
    readonly tip: string;
    readonly commit: string;
    readonly message: string;
    /** Date of the merge commit, so that a repeated merge gives the same id. */
    readonly at: string;
  }): Promise<Merged>;
  /** Moves `refs/orch/integration/<run>` by compare-and-swap. `from: null` creates it. Same value already there: fine. */
  integrate(request: {
    readonly run: string;
    readonly from: string | null;
    readonly to: string;
  }): Promise<void>;
  /**
   * Looks at the target and says what delivering would do, without doing it. With `to: 'branch'`, a branch
   * of `delivered` that stands where this run left it is replaced; where somebody else moved it, the
   * intent names the next free `<branch>-2`, `-3`, ... and its note says so.
   */
  planDelivery(request: {
    readonly run: string;
    readonly base: string;
    readonly to: string;
    readonly delivery: Delivery;
    /** Full names of refs that this run delivered to before, and the commits it may have left there. */
    readonly delivered: { readonly [target: string]: readonly string[] };
  }): Promise<DeliveryIntent | { readonly refused: string; readonly next: string }>;
  /** Moves the target by compare-and-swap. Target already at `to`: done. */
  deliver(intent: DeliveryIntent): Promise<Delivered>;
  /** Tree of a commit. */
  tree(commit: string): Promise<string>;
}
