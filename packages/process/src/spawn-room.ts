import { settlesWithin } from './alarm.js';
import { deferred } from './deferred.js';

/** What a system says that has no room now, and may have some when something else has ended. */
const passing = new Set(['EMFILE', 'ENFILE', 'EAGAIN', 'ENOMEM']);

export const isForWantOfRoom = (reason: string): boolean => passing.has(reason);

/** As long as nothing ends, a start waits for no longer than this. */
const patienceMs = 2000;
/** Others than what we started make room too (a socket that is closed), and say nothing. */
const periodMs = 50;

let made = deferred();
let madeMs = 0;

/** To be called when something that was started has ended and let go of its files. */
export function roomWasMade(): void {
  madeMs = performance.now();
  made.resolve();
  made = deferred();
}

/**
 * Tries again and again until it answers something, in turns in which there may be room: when what was
 * started before has ended, and now and then. Undefined once nothing has ended for 2 s.
 */
export async function tryForRoom<T>(attempt: () => Promise<T | undefined>): Promise<T | undefined> {
  const sinceMs = performance.now();
  while (performance.now() - Math.max(sinceMs, madeMs) < patienceMs) {
    await settlesWithin(made.promise, periodMs);
    const answer = await attempt();
    if (answer !== undefined) return answer;
  }
  return undefined;
}
