const systemCodes = new Set(['ENOSPC', 'EDQUOT', 'ORCH_JSONL_DISK_FULL']);
/** What programs (git, a gate's own setup) write when the system tells them the same. */
const words = /no space left on device|disk quota exceeded/i;

/**
 * Whether an error, or what caused it, says that a disk or a quota is full. That is no fault of a task:
 * it stops a run, which goes on when there is room again.
 */
export function isDiskFull(error: unknown): boolean {
  for (let at = error, depth = 0; typeof at === 'object' && at !== null && depth < 8; depth += 1) {
    const { code, message, cause } = at as { code?: unknown; message?: unknown; cause?: unknown };
    if (typeof code === 'string' && systemCodes.has(code)) return true;
    if (typeof message === 'string' && words.test(message)) return true;
    at = cause;
  }
  return false;
}
