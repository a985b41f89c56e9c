import { JsonlError, systemCode, type JsonlErrorCode } from '../errors.js';

/**
 * Why one session of many cannot be read, so that the others still are. Nothing when the failure is not
 * of that session: a process without a free descriptor can read none, and a store must not look empty
 * for that.
 */
export function unreadableCode(error: unknown): JsonlErrorCode | undefined {
  if (!JsonlError.isInstance(error)) return undefined;
  return ['EMFILE', 'ENFILE'].includes(systemCode(error.cause)) ? undefined : error.code;
}
