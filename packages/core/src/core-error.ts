const brand = Symbol.for('@orch/core.error');

/**
 * - `ORCH_REPOSITORY_NOT_FOUND`: no git repository around the directory (exit 7).
 * - `ORCH_REPOSITORY_BARE`: the repository around the directory is bare, and runs are kept in worktrees (exit 7).
 * - `ORCH_REHEARSAL_SCRIPT`: the rehearsal script cannot be used (exit 2).
 * - `ORCH_AGENT_MISSING`: an agent that the plan needs is not installed (exit 7).
 * - `ORCH_DISK_FULL`: a directory of a run takes no more; what ran was stopped (exit 7).
 * - `ORCH_CREDENTIALS_MISSING`: an agent that the plan needs has no credential (exit 7).
 * - `ORCH_SERVER_CONFIG`: an MCP server that the plan names is not configured, or with mistakes (exit 7).
 * - `ORCH_SERVER_UNAPPROVED`: no person has approved an MCP server of the project as it is now (exit 3).
 * - `ORCH_SERVER_CHANGED`: an MCP server says of itself what is not pinned (exit 3).
 * - `ORCH_SERVER_LOGIN`: an MCP server wants a login, which only a person can give (exit 3).
 * - `ORCH_SERVER_FAILED`: an MCP server cannot be started, or gives no list of its tools (exit 7).
 * - `ORCH_SESSION_NOT_FOUND`: no session, or several, have the name that was given (exit 2).
 * - `ORCH_TRANSCRIPTS_NOT_FOUND`: there is nothing to import at a path (exit 2).
 * - `ORCH_HOOK_NOT_FOUND`: no hook, or several, have the name that was given (exit 2).
 * - `ORCH_APPROVAL_PERSON`: a plan is approved by a person, and this is none (exit 3).
 * - `ORCH_APPROVAL_MISSING`: no person has approved this plan as it is now (exit 3).
 * - `ORCH_APPROVAL_NOT_FOUND`: no approval, or several, have the name that was given (exit 2).
 */
export type CoreErrorCode =
  | 'ORCH_REPOSITORY_NOT_FOUND'
  | 'ORCH_REPOSITORY_BARE'
  | 'ORCH_REHEARSAL_SCRIPT'
  | 'ORCH_AGENT_MISSING'
  | 'ORCH_DISK_FULL'
  | 'ORCH_CREDENTIALS_MISSING'
  | 'ORCH_SERVER_CONFIG'
  | 'ORCH_SERVER_UNAPPROVED'
  | 'ORCH_SERVER_CHANGED'
  | 'ORCH_SERVER_LOGIN'
  | 'ORCH_SERVER_FAILED'
  | 'ORCH_SESSION_NOT_FOUND'
  | 'ORCH_TRANSCRIPTS_NOT_FOUND'
  | 'ORCH_HOOK_NOT_FOUND'
  | 'ORCH_APPROVAL_PERSON'
  | 'ORCH_APPROVAL_MISSING'
  | 'ORCH_APPROVAL_NOT_FOUND';

/** What went wrong before or around a run, with the next step in its message. */
export class CoreError extends Error {
  readonly code: CoreErrorCode;
  readonly details: { readonly [key: string]: unknown };
  /** The one command that a person runs next, where there is one. */
  readonly next: string | undefined;
  readonly [brand] = true;

  constructor(
    code: CoreErrorCode,
    message: string,
    details: { readonly [key: string]: unknown } = {},
    more: { readonly cause?: unknown; readonly next?: string } = {},
  ) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
    this.name = 'CoreError';
    this.code = code;
    this.details = details;
    this.next = more.next;
  }

  /** Holds across two copies of this package. */
  static isInstance(value: unknown): value is CoreError {
    return typeof value === 'object' && value !== null && brand in value;
  }
}
