import { closeSync, openSync } from 'node:fs';
import { settlesWithin } from './alarm.js';
import { deferred } from './deferred.js';

/** What a system says that has no room now, and may have some when something else has ended. */
const passing = new Set(['EMFILE', 'ENFILE', 'EAGAIN', 'ENOMEM']);

export const isForWantOfRoom = (reason: string): boolean => passing.has(reason);

/** As long as nothing ends, starts wait for no longer than this. */
const patienceMs = 2000;
/** Others than what we started make room too (a socket that is closed), and say nothing. */
const periodMs = 50;
/**
 * More than a start needs at once: both ends of three pipes and of the one that tells of its success, two for a record,
 * and what Node's four threads may open meanwhile.
 */
const filesOfStart = 16;

let made = deferred();
let stuckSinceMs = -Infinity;
let lastRefusalMs = -Infinity;
let wasFull = false;

/** To be called when something that was started has ended and let go of its files. */
export function roomWasMade(): void {
  stuckSinceMs = performance.now();
  made.resolve();
  made = deferred();
}

/**
 * What stands in the way of a start, as the system would say it. Where a limit was once met it is tried out
 * before each start, because Node loses two files for ever in a start that meets it.
 */
export function wantOfRoom(): string | undefined {
  if (!wasFull) return undefined;
  const files: number[] = [];
  try {
    for (let count = 0; count < filesOfStart; count += 1) files.push(openSync('/dev/null', 'r'));
    return undefined;
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : undefined;
  } finally {
    for (const file of files) closeSync(file);
  }
}

/**
 * After a refusal for want of room: tries again when something that was started has ended, and now and then,
 * until an attempt answers something. Undefined once nothing has ended for 2 s.
 */
export async function tryForRoom<T>(attempt: () => Promise<T | undefined>): Promise<T | undefined> {
  wasFull = true;
  // Those behind one that waited in vain have waited with it.
  if (performance.now() - lastRefusalMs > patienceMs / 2) stuckSinceMs = performance.now();
  lastRefusalMs = performance.now();
  while (performance.now() - stuckSinceMs < patienceMs) {
    await settlesWithin(made.promise, periodMs);
    const answer = await attempt();
    if (answer !== undefined) return answer;
    lastRefusalMs = performance.now();
  }
  return undefined;
}

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : '';

/** True for an error with which a system says that it has no room now. */
export const tellsWantOfRoom = (error: unknown): boolean => isForWantOfRoom(codeOf(error));

/**
 * Does what takes a file or two, at once; where there is no room for it, waits for some as a start does, and does it
 * anew. Rejects with the system's error.
 */
export async function withRoom<T>(work: () => T | Promise<T>): Promise<T> {
  type Tried = { readonly value: T } | { readonly error: unknown };
  async function tryOnce(): Promise<Tried> {
    try {
      return { value: await work() };
    } catch (error) {
      return { error };
    }
  }
  const first = await tryOnce();
  let tried = first;
  if ('error' in first && tellsWantOfRoom(first.error)) {
    await tryForRoom(async () => {
      tried = await tryOnce();
      return 'error' in tried && tellsWantOfRoom(tried.error) ? undefined : tried;
    });
  }
  if ('error' in tried) throw tried.error;
  return tried.value;
}
