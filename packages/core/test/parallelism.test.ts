import { expect, it } from 'vitest';
import { chooseParallelism } from '../src/parallelism.js';

it('takes what was asked, and says why it chose where nothing was asked', () => {
  expect(chooseParallelism(3)).toEqual({
    parallel: 3,
    reason: 'as the plan, the settings or the command line says',
  });
  const chosen = chooseParallelism('auto');
  expect(chosen.parallel).toBeGreaterThanOrEqual(1);
  expect(chosen.parallel).toBeLessThanOrEqual(16);
  expect(chosen.reason).toMatch(
    /for each of \d+ core|GiB hold at 600 MB each|the most that auto chooses/,
  );
});
