import { phases } from './crash.js';
import type { Moment } from './crash-run.js';

/** Numbers from 0 to 1 that a seed repeats (mulberry32). */
export function numbersOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * Moments to kill a run at: phases in the order in which a run comes to them, each none to three times, each a
 * few milliseconds into it. At least one.
 */
export function momentsOf(seed: number): readonly Moment[] {
  const next = numbersOf(seed);
  const moments = phases.flatMap((phase) =>
    Array.from({ length: Math.floor(next() * 4) }, () => ({
      phase,
      afterMs: Math.floor(next() ** 2 * 60),
    })),
  );
  return moments.length > 0 ? moments : [{ phase: 'gate', afterMs: 0 }];
}
