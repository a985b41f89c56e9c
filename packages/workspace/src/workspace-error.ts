/**
 * Why an operation of this package failed.
 *
 * - `ORCH_GIT_MISSING`: no `git` on the PATH.
 * - `ORCH_GIT_TOO_OLD`: git is older than 2.38, which first merges without a worktree.
 * - `ORCH_GIT_NOT_A_REPOSITORY`: the start directory lies in no git repository.
 * - `ORCH_GIT_NO_COMMITS`: the repository has no commit to start from.
 * - `ORCH_GIT_BARE`: the start directory belongs to a bare repository, which has no files to work on.
 * - `ORCH_GIT_FAILED`: git ended with a code that is no answer; `details` has command, code and its words.
 * - `ORCH_GIT_UNKNOWN_REVISION`: a revision names no commit of this repository.
 * - `ORCH_GIT_REF_MOVED`: a compare-and-swap of a ref lost; `details` has `expected` and `actual`.
 * - `ORCH_GIT_REF_BUSY`: another git process kept a ref locked for longer than we wait.
 * - `ORCH_WORKSPACE_NAME`: a run, task or checkout name is not usable as a path and ref component.
 * - `ORCH_WORKSPACE_GLOB`: a glob uses pathspec magic, is empty, absolute, or leaves the repository.
 * - `ORCH_WORKSPACE_STATE_DIRECTORY`: the state directory is relative, lies inside the repository, or
 *   cannot be made.
 * - `ORCH_WORKSPACE_ABSENT`: nothing was prepared for this run and task.
 * - `ORCH_WORKSPACE_REPLACED`: the directory of a workspace is no longer a directory of its own.
 * - `ORCH_WORKSPACE_COPY`: a file named in `copy:` may not be copied; `details` says which and why.
 * - `ORCH_WORKSPACE_RESULT`: a result ref holds a commit that does not descend from the base.
 */
export type WorkspaceErrorCode =
  | 'ORCH_GIT_MISSING'
  | 'ORCH_GIT_TOO_OLD'
  | 'ORCH_GIT_NOT_A_REPOSITORY'
  | 'ORCH_GIT_NO_COMMITS'
  | 'ORCH_GIT_BARE'
  | 'ORCH_GIT_FAILED'
  | 'ORCH_GIT_UNKNOWN_REVISION'
  | 'ORCH_GIT_REF_MOVED'
  | 'ORCH_GIT_REF_BUSY'
  | 'ORCH_WORKSPACE_NAME'
  | 'ORCH_WORKSPACE_GLOB'
  | 'ORCH_WORKSPACE_STATE_DIRECTORY'
  | 'ORCH_WORKSPACE_ABSENT'
  | 'ORCH_WORKSPACE_REPLACED'
  | 'ORCH_WORKSPACE_COPY'
  | 'ORCH_WORKSPACE_RESULT';

const brand = Symbol.for('@orch/workspace.error');

/** The one error class of this package. */
export class WorkspaceError extends Error {
  override readonly name = 'WorkspaceError';
  readonly code: WorkspaceErrorCode;
  readonly details: Readonly<Record<string, unknown>>;
  /** The one command that a person runs next, where there is one. */
  readonly next: string | undefined;

  constructor(
    code: WorkspaceErrorCode,
    message: string,
    more: {
      readonly details?: Readonly<Record<string, unknown>>;
      readonly next?: string;
      readonly cause?: unknown;
    } = {},
  ) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
    this.code = code;
    this.details = more.details ?? {};
    this.next = more.next;
    Object.defineProperty(this, brand, { value: true });
  }

  /** True for a `WorkspaceError` of any copy of this package. */
  static isInstance(value: unknown): value is WorkspaceError {
    return typeof value === 'object' && value !== null && brand in value;
  }
}
