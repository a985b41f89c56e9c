import { settlesWithin } from './alarm.js';
import { createSemaphore } from './semaphore.js';

/** What one needs while it ends is small, and what thousands need at once is not. */
const atOnce = 128;
/** One that takes longer waits beside the others: its grace is no reason to keep them from theirs. */
const turnMs = 50;

/**
 * Calls `end` for each, in order and as many at once as is good for the memory of this process; all have been
 * called after `turnMs` for every `atOnce` of them at the latest. Settles when all have ended, well or not.
 */
export async function endInTurns<T>(
  all: Iterable<T>,
  end: (one: T) => Promise<unknown>,
): Promise<void> {
  const turns = createSemaphore(atOnce);
  const endings: Promise<unknown>[] = [];
  for (const one of all) {
    await turns.acquire();
    const ended = end(one).catch(() => undefined); // whoever started it is told by it
    endings.push(ended);
    void settlesWithin(ended, turnMs).then(() => turns.release());
  }
  await Promise.all(endings);
}
