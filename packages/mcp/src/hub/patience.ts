import { timedOut, type Overdue } from '../protocol/timed-out.js';

/** How long one caller waits for what is done for others too. */
export interface Patience extends Pick<Overdue, 'method' | 'waitedFor'> {
  readonly server: string;
  /** When the time in all began, as of `performance.now()`. */
  readonly startedMs: number;
  readonly totalMs: number;
  /** Longest silence. Default: any. */
  readonly timeoutMs?: number;
  /** When the server was heard last; undefined while nothing is asked of it. */
  heardMs?(): number | undefined;
}

/** Node fires a timer above this at once. */
const longestTimerMs = 2 ** 31 - 1;

/** The end of a caller's time ends the waiting (`ORCH_MCP_TIMEOUT`), not the work. */
export function unlessLate<T>(work: Promise<T>, patience: Patience): Promise<T> {
  const { server, method, waitedFor, startedMs, totalMs, timeoutMs = Infinity } = patience;
  return new Promise((resolve, reject) => {
    let timer: NodeJS.Timeout | undefined;
    const late = (limit: Overdue['limit'], ms: number): void =>
      reject(timedOut(server, { method, limit, ms, ...(waitedFor && { waitedFor }) }));
    const look = (): void => {
      const now = performance.now();
      const overAtMs = startedMs + totalMs;
      const silentAtMs = (patience.heardMs?.() ?? now) + timeoutMs;
      const dueMs = Math.min(overAtMs, silentAtMs);
      if (now < dueMs) timer = setTimeout(look, Math.min(longestTimerMs, Math.ceil(dueMs - now)));
      else if (dueMs === overAtMs) late('total', totalMs);
      else late('silence', timeoutMs);
    };
    look();
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
