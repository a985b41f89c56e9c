/**
 * Why an operation of this package failed.
 *
 * - `ORCH_PROCESS_SPEC`: an argument is not what it must be (empty program, relative directory, ...).
 * - `ORCH_PROCESS_PLATFORM`: this system cannot be served (native Windows, Linux without `/proc`).
 * - `ORCH_PROCESS_START`: the program could not be started; `details.reason` has the system's code.
 * - `ORCH_PROCESS_CANCELLED`: the signal was aborted before the program started; nothing ran.
 * - `ORCH_PROCESS_CLOSED`: the owner was closed; it starts nothing any more.
 * - `ORCH_PROCESS_STDIN`: something was written to a process whose stdin is closed by its spec.
 * - `ORCH_PROCESS_HANDLER`: a line handler threw; the process was ended, `details.ended` tells how.
 * - `ORCH_PROCESS_LIMIT`: a limit was asked for that cannot be had here; nothing was started.
 * - `ORCH_PROCESS_RECORD`: the record of a process could not be made, completed or read.
 * - `ORCH_PROCESS_LEDGER`: the ledger could not record a process; no process is left because of it.
 */
export type ProcessErrorCode =
  | 'ORCH_PROCESS_SPEC'
  | 'ORCH_PROCESS_PLATFORM'
  | 'ORCH_PROCESS_START'
  | 'ORCH_PROCESS_CANCELLED'
  | 'ORCH_PROCESS_CLOSED'
  | 'ORCH_PROCESS_STDIN'
  | 'ORCH_PROCESS_HANDLER'
  | 'ORCH_PROCESS_LIMIT'
  | 'ORCH_PROCESS_RECORD'
  | 'ORCH_PROCESS_LEDGER';

const brand = Symbol.for('@orch/process.error');

/** The one error class of this package. */
export class ProcessError extends Error {
  override readonly name = 'ProcessError';
  readonly code: ProcessErrorCode;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(
    code: ProcessErrorCode,
    message: string,
    more: { readonly details?: Readonly<Record<string, unknown>>; readonly cause?: unknown } = {},
  ) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
    this.code = code;
    this.details = more.details ?? {};
    Object.defineProperty(this, brand, { value: true });
  }

  /** True for a `ProcessError` of any copy of this package. */
  static isInstance(value: unknown): value is ProcessError {
    return typeof value === 'object' && value !== null && brand in value;
  }
}
