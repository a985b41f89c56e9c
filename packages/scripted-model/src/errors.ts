/**
 * Why an operation of this package failed.
 *
 * - `ORCH_SCRIPTED_MODEL_SCRIPT_INVALID`: scenarios, a marker or a fallback's turn are not a script.
 * - `ORCH_SCRIPTED_MODEL_LISTEN_FAILED`: the loopback port could not be opened, or was already open.
 * - `ORCH_SCRIPTED_MODEL_LOG_FAILED`: the request log could not be opened or appended to.
 * - `ORCH_SCRIPTED_MODEL_CLOSED`: the model was closed while something still waited for it.
 */
export type ScriptedModelErrorCode =
  | 'ORCH_SCRIPTED_MODEL_SCRIPT_INVALID'
  | 'ORCH_SCRIPTED_MODEL_LISTEN_FAILED'
  | 'ORCH_SCRIPTED_MODEL_LOG_FAILED'
  | 'ORCH_SCRIPTED_MODEL_CLOSED';

const brand = Symbol.for('@orch/scripted-model.error');

/** The one error of this package. `message` says what failed, on what, and what to do next. */
export class ScriptedModelError extends Error {
  readonly code: ScriptedModelErrorCode;
  readonly details: Readonly<Record<string, unknown>>;
  readonly [brand] = true;

  constructor(
    code: ScriptedModelErrorCode,
    message: string,
    details: Readonly<Record<string, unknown>> = {},
    options: { cause?: unknown } = {},
  ) {
    super(message, options);
    this.name = 'ScriptedModelError';
    this.code = code;
    this.details = details;
  }

  /** Recognises the error across copies of this package. */
  static isInstance(value: unknown): value is ScriptedModelError {
    return typeof value === 'object' && value !== null && brand in value;
  }
}

/** The message of anything that was thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
