/**
 * Why an operation of this package failed. What a hook did, or failed to do, is never thrown: it is part of
 * the outcome. What of a table cannot be used is never thrown either: it is listed as refused.
 *
 * - `ORCH_HOOKS_EVENT`: no such event; `details.event`.
 * - `ORCH_HOOKS_PAYLOAD`: a payload is not a JSON object, or names another event.
 * - `ORCH_HOOKS_CLOSED`: the engine was closed; nothing was run.
 * - `ORCH_HOOKS_UNPINNABLE`: what a hook would run cannot be pinned; `details.argument` says which part.
 * - `ORCH_HOOKS_APPROVAL`: an approval, or the table made from approvals, cannot be read or written;
 *   `details.path` is the file.
 * - `ORCH_HOOKS_SETTINGS`: settings of Claude Code cannot be changed as asked; `details.path` is the file.
 */
export type HooksErrorCode =
  | 'ORCH_HOOKS_EVENT'
  | 'ORCH_HOOKS_PAYLOAD'
  | 'ORCH_HOOKS_CLOSED'
  | 'ORCH_HOOKS_UNPINNABLE'
  | 'ORCH_HOOKS_APPROVAL'
  | 'ORCH_HOOKS_SETTINGS';

const brand = Symbol.for('@orch/hooks.error');

/** The one error class of this package. */
export class HooksError extends Error {
  override readonly name = 'HooksError';
  readonly code: HooksErrorCode;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(
    code: HooksErrorCode,
    message: string,
    more: { readonly details?: Readonly<Record<string, unknown>>; readonly cause?: unknown } = {},
  ) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
    this.code = code;
    this.details = more.details ?? {};
    Object.defineProperty(this, brand, { value: true });
  }

  /** True for a `HooksError` of any copy of this package. */
  static isInstance(value: unknown): value is HooksError {
    return typeof value === 'object' && value !== null && brand in value;
  }
}
