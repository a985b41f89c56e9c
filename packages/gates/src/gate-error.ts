/**
 * Why a gate was not even tried.
 *
 * - `ORCH_GATES_REQUEST`: the request is not what it must be (no program, a shell line in several parts).
 */
export type GateErrorCode = 'ORCH_GATES_REQUEST';

const brand = Symbol.for('@orch/gates.error');

/** The one error class of this package. */
export class GateError extends Error {
  override readonly name = 'GateError';
  readonly code: GateErrorCode;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(
    code: GateErrorCode,
    message: string,
    details: Readonly<Record<string, unknown>> = {},
  ) {
    super(message);
    this.code = code;
    this.details = details;
    Object.defineProperty(this, brand, { value: true });
  }

  /** True for a `GateError` of any copy of this package. */
  static isInstance(value: unknown): value is GateError {
    return typeof value === 'object' && value !== null && brand in value;
  }
}
