import { expect, it } from 'vitest';
import { ids } from '../../src/parts/ids.js';

it('run ids are 10 characters of lower-case base32 and sort by time, to the millisecond', () => {
  const times = [0, 1, 1000, 86_400_000, 1e12].map((offset) => Date.UTC(2026, 0, 1) + offset);
  const made = times.map((time) => ids.run(time));
  for (const id of made) expect(id).toMatch(/^[0-9a-hjkmnp-tv-z]{10}$/);
  const parts = made.map((id) => id.slice(0, 8));
  expect(parts).toEqual([...parts].sort());
  expect(new Set(parts).size).toBe(parts.length);
});
