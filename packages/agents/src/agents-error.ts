/**
 * Why an operation of this package could not begin. What happens in a turn is never thrown:
 * it is the `end` event of that turn.
 *
 * - `ORCH_AGENTS_REQUEST`: a field of a request is not what it must be; `details.field` names it.
 * - `ORCH_AGENTS_SETTINGS_VISIBLE`: the repository's settings would be obeyed, although the request says
 *   that they must not be; `details.path` is the file.
 * - `ORCH_AGENTS_CONFIG_DIRECTORY`: the agent's configuration directory, or a file of the turn, could not
 *   be prepared; `cause` has the system's error.
 * - `ORCH_AGENTS_EVENTS_TAKEN`: the events of a turn were asked for a second time.
 */
export type AgentsErrorCode =
  | 'ORCH_AGENTS_REQUEST'
  | 'ORCH_AGENTS_SETTINGS_VISIBLE'
  | 'ORCH_AGENTS_CONFIG_DIRECTORY'
  | 'ORCH_AGENTS_EVENTS_TAKEN';

const brand = Symbol.for('@orch/agents.error');

/** The one error class of this package. */
export class AgentsError extends Error {
  override readonly name = 'AgentsError';
  readonly code: AgentsErrorCode;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(
    code: AgentsErrorCode,
    message: string,
    more: { readonly details?: Readonly<Record<string, unknown>>; readonly cause?: unknown } = {},
  ) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
    this.code = code;
    this.details = more.details ?? {};
    Object.defineProperty(this, brand, { value: true });
  }

  /** True for an `AgentsError` of any copy of this package. */
  static isInstance(value: unknown): value is AgentsError {
    return typeof value === 'object' && value !== null && brand in value;
  }
}

/** Refuses a request. Never shows more than the start of the value, and no value of an environment. */
export function refuseRequest(field: string, expected: string, received: unknown): never {
  const shown = typeof received === 'string' ? JSON.stringify(received) : String(received);
  throw new AgentsError(
    'ORCH_AGENTS_REQUEST',
    `The turn request is not valid: ${field} must be ${expected}, received ${shown.slice(0, 120)}.`,
    { details: { field, expected } },
  );
}
