import { describe, expect, it } from 'vitest';
import { setScene } from '../scene.js';
import { raceSwaps } from './swap-races.js';

describe('a swap between check and execution', () => {
  it('changes nothing: the approved copy runs every time', async () => {
    expect(await raceSwaps(setScene(), 100)).toBe(0);
  });

  it('succeeds where there is no copy (negative control)', async () => {
    expect(await raceSwaps(setScene(), 100, true)).toBeGreaterThan(0);
  });
});
