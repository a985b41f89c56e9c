import { describe, expect, it } from 'vitest';
import { setScene } from '../test/scene.js';
import { raceSwaps } from '../test/trust/swap-races.js';

describe('a swap between check and execution', () => {
  it('in 1,000 races the approved copy runs every time', async () => {
    expect(await raceSwaps(setScene(), 1000)).toBe(0);
  });

  it('without a copy some are lost (negative control)', async () => {
    expect(await raceSwaps(setScene(), 200, true)).toBeGreaterThan(0);
  });
});
