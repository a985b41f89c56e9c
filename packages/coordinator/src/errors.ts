const brand = Symbol.for('@orch/coordinator.error');

/**
 * - `ORCH_RUN_NOT_FOUND`: no run directory of that id.
 * - `ORCH_RUN_EXISTS`: a run of that id is there already.
 * - `ORCH_RUN_OWNED`: another live process leads this run (exit 8).
 * - `ORCH_RUN_TAKEN_OVER`: a newer leader opened the journal; nothing more may be written here (exit 8).
 * - `ORCH_RUN_FOREIGN_VERSION`: the journal was written by a newer major version.
 * - `ORCH_RUN_PLAN_BROKEN`: the recorded plan of a run is missing or damaged (exit 7).
 * - `ORCH_JOURNAL_BROKEN`: it holds no event, or its hash chain does not hold (exit 7).
 * - `ORCH_RUN_INVARIANT`: the journal says something that cannot be, or was to say what cannot be written; a defect of orch.
 */
export type CoordinatorErrorCode =
  | 'ORCH_RUN_NOT_FOUND'
  | 'ORCH_RUN_EXISTS'
  | 'ORCH_RUN_OWNED'
  | 'ORCH_RUN_TAKEN_OVER'
  | 'ORCH_RUN_FOREIGN_VERSION'
  | 'ORCH_RUN_PLAN_BROKEN'
  | 'ORCH_JOURNAL_BROKEN'
  | 'ORCH_RUN_INVARIANT';

/** Thrown for what a caller may want to catch; expected ends of tasks are values, not errors. */
export class CoordinatorError extends Error {
  readonly code: CoordinatorErrorCode;
  readonly details: { readonly [key: string]: unknown };
  readonly [brand] = true;

  constructor(
    code: CoordinatorErrorCode,
    message: string,
    details: { readonly [key: string]: unknown } = {},
    cause?: unknown,
  ) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'CoordinatorError';
    this.code = code;
    this.details = details;
  }

  /** Holds across two copies of this package. */
  static isInstance(value: unknown): value is CoordinatorError {
    return typeof value === 'object' && value !== null && brand in value;
  }
}
