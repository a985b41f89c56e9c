import { expect, it } from 'vitest';
import { duration } from '../../src/render/duration.js';

it.each([
  [-5, '0s'],
  [499, '0s'],
  [21_000, '21s'],
  [59_499, '59s'],
  [59_500, '1m00s'],
  [185_000, '3m05s'],
  [3_599_499, '59m59s'],
  [3_600_000, '1h00m'],
  [3_720_000, '1h02m'],
  [360_000_000, '100h00m'],
])('%i ms is %s', (milliseconds, text) => {
  expect(duration(milliseconds)).toBe(text);
});
