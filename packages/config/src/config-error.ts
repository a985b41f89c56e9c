/**
 * Why a call could not be answered. What is wrong with somebody's settings is never thrown: it is a
 * {@link Problem} of the load, so that one bad file hides nothing of the others.
 *
 * - `ORCH_CONFIG_SPEC`: tiers, sources or guards that were given contradict each other; `details.field`.
 * - `ORCH_CONFIG_PATH`: a text that is no path to a setting.
 * - `ORCH_CONFIG_INVALID`: `require()` of settings that have problems; `details.problems` has them all.
 * - `ORCH_CONFIG_HELPER`: a key helper failed, hung, or printed no key; never with anything it printed.
 * - `ORCH_CONFIG_HELPER_UNTRUSTED`: a key helper that a tier set which may not run commands.
 */
export type ConfigErrorCode =
  | 'ORCH_CONFIG_SPEC'
  | 'ORCH_CONFIG_PATH'
  | 'ORCH_CONFIG_INVALID'
  | 'ORCH_CONFIG_HELPER'
  | 'ORCH_CONFIG_HELPER_UNTRUSTED';

const brand = Symbol.for('@orch/config.error');

/** The one error class of this package. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly code: ConfigErrorCode;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(
    code: ConfigErrorCode,
    message: string,
    more: { readonly details?: Readonly<Record<string, unknown>>; readonly cause?: unknown } = {},
  ) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
    this.code = code;
    this.details = more.details ?? {};
    Object.defineProperty(this, brand, { value: true });
  }

  /** True for a `ConfigError` of any copy of this package. */
  static isInstance(value: unknown): value is ConfigError {
    return typeof value === 'object' && value !== null && brand in value;
  }
}
