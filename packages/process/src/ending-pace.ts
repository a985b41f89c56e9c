import { settlesWithin } from './alarm.js';
import { deferred } from './deferred.js';

/** So many may be ending at once; what one needs meanwhile is small, and what thousands need is not. */
const atOnce = 128;
/** One that takes longer waits beside the others: its grace is no reason to keep them from theirs. */
const turnMs = 50;

/**
 * Calls `end` for each, in order and as many at once as is good for the memory of this process; all have been
 * called after `turnMs` for every `atOnce` of them at the latest. Settles when all have ended, well or not.
 */
export async function endInTurns<T>(all: Iterable<T>, end: (one: T) => Promise<unknown>) {
  let free = atOnce;
  let freed = deferred();
  const endings: Promise<unknown>[] = [];

  async function take(one: T): Promise<void> {
    free -= 1;
    const ended = end(one).catch(() => undefined); // whoever started it is told by it
    endings.push(ended);
    await settlesWithin(ended, turnMs);
    free += 1;
    freed.resolve();
  }

  for (const one of all) {
    if (free === 0) {
      freed = deferred();
      await freed.promise;
    }
    void take(one);
  }
  await Promise.all(endings);
}
