/**
 * Why an operation of this package failed. That a *tool* failed is never thrown: its result says `isError`.
 *
 * - `ORCH_MCP_SPEC`: a server, a filter or an argument is not what it must be.
 * - `ORCH_MCP_START`: a server could not be started, or did not come through the handshake.
 * - `ORCH_MCP_CIRCUIT`: it failed so often in a row that it is not tried again before `details.retryAt`.
 * - `ORCH_MCP_CLOSED`: the server ended, or its connection broke, before it answered; or it was closed by you.
 * - `ORCH_MCP_SESSION`: an HTTP server no longer knows the session; the next call begins another.
 * - `ORCH_MCP_TIMEOUT`: no answer and no progress in time (`details.limit`: `silence` or `total`).
 * - `ORCH_MCP_CANCELLED`: the caller's signal was aborted.
 * - `ORCH_MCP_REMOTE`: the server answered with a JSON-RPC error; `details.rpcCode`, `details.data`.
 * - `ORCH_MCP_RESULT`: the server answered something that is not of the protocol.
 * - `ORCH_MCP_TOO_LARGE`: a message of the server is larger than `maxMessageBytes`.
 * - `ORCH_MCP_AUTH`: an HTTP server answered 401 or 403; `details.status`.
 * - `ORCH_MCP_HTTP`: an HTTP server answered another status that is no success; `details.status`.
 * - `ORCH_MCP_UNSUPPORTED`: the server does not declare this capability; nothing was sent.
 * - `ORCH_MCP_REFUSED`: a filter does not allow it, and nothing was sent; or the server asked, in answer to it, for
 *   something that its client does not give.
 * - `ORCH_MCP_OAUTH`: no token could be got for an HTTP server; `details.reason`.
 * - `ORCH_MCP_MEMORY`: the file of a memory could not be read or written.
 * - `ORCH_MCP_CONFIG`: a file of settings is not what it must be; `details.problems` has all that is wrong with it.
 * - `ORCH_MCP_UNAPPROVED`: a server of the project that nobody has approved as it is; nothing was started.
 * - `ORCH_MCP_CHANGED`: the tool, prompt or resource is not what was pinned (`details.change`); nothing was sent.
 * - `ORCH_MCP_POISONED`: what the server says of the tool is suspicious (`details.finding`); nothing was sent.
 * - `ORCH_MCP_STRUCTURED`: the tool has run, and what it gave does not fit its own output schema, or that schema is
 *   none; `details.result` is what it gave.
 * - `ORCH_MCP_HEADERS`: the program that prints a server's headers failed; nothing of what it printed is shown.
 * - `ORCH_MCP_STATE`: approvals or pins cannot be read or kept.
 * - `ORCH_MCP_RECORDING`: a recording cannot be written or read, or does not hold what is asked of its replay.
 * - `ORCH_MCP_REGISTRY`: a registry could not be asked, or what it lists cannot be started from here.
 *
 * Of a server that ended, `details` has `exitCode` or `signal`, and `stderr`, the end of what it said there.
 */
export type McpErrorCode =
  | 'ORCH_MCP_SPEC'
  | 'ORCH_MCP_START'
  | 'ORCH_MCP_CIRCUIT'
  | 'ORCH_MCP_CLOSED'
  | 'ORCH_MCP_SESSION'
  | 'ORCH_MCP_TIMEOUT'
  | 'ORCH_MCP_CANCELLED'
  | 'ORCH_MCP_REMOTE'
  | 'ORCH_MCP_RESULT'
  | 'ORCH_MCP_TOO_LARGE'
  | 'ORCH_MCP_AUTH'
  | 'ORCH_MCP_HTTP'
  | 'ORCH_MCP_UNSUPPORTED'
  | 'ORCH_MCP_REFUSED'
  | 'ORCH_MCP_OAUTH'
  | 'ORCH_MCP_MEMORY'
  | 'ORCH_MCP_CONFIG'
  | 'ORCH_MCP_UNAPPROVED'
  | 'ORCH_MCP_CHANGED'
  | 'ORCH_MCP_POISONED'
  | 'ORCH_MCP_STRUCTURED'
  | 'ORCH_MCP_HEADERS'
  | 'ORCH_MCP_STATE'
  | 'ORCH_MCP_RECORDING'
  | 'ORCH_MCP_REGISTRY';

const brand = Symbol.for('@orch/mcp.error');

/** The one error class of this package. */
export class McpError extends Error {
  override readonly name = 'McpError';
  readonly code: McpErrorCode;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(
    code: McpErrorCode,
    message: string,
    more: { readonly details?: Readonly<Record<string, unknown>>; readonly cause?: unknown } = {},
  ) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
    this.code = code;
    this.details = more.details ?? {};
    Object.defineProperty(this, brand, { value: true });
  }

  /** True for an `McpError` of any copy of this package. */
  static isInstance(value: unknown): value is McpError {
    return typeof value === 'object' && value !== null && brand in value;
  }
}
