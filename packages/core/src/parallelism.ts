import { availableParallelism, totalmem } from 'node:os';

/** How many attempts run at once, and why. */
export interface Parallelism {
  readonly parallel: number;
  readonly reason: string;
}

const perCore = 4;
const bytesPerAgent = 600 * 1024 * 1024;
const most = 16;

/**
 * `auto`: four attempts a core, because an agent mostly waits for its model, but no more than memory
 * holds at 600 MB each, and no more than 16.
 */
export function chooseParallelism(asked: number | 'auto'): Parallelism {
  if (asked !== 'auto')
    return { parallel: asked, reason: 'as the plan, the settings or the command line says' };
  const cores = availableParallelism();
  const memory = Math.max(1, Math.floor(totalmem() / bytesPerAgent));
  const parallel = Math.max(1, Math.min(cores * perCore, memory, most));
  const limit =
    parallel === most
      ? 'the most that auto chooses'
      : parallel === memory
        ? `as many as ${Math.round(totalmem() / 1024 ** 3)} GiB hold at 600 MB each`
        : `${perCore} for each of ${cores} ${cores === 1 ? 'core' : 'cores'}`;
  return { parallel, reason: limit };
}
