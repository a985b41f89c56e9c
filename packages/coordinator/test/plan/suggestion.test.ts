import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { editDistance, nearest } from '../../src/plan/suggestion.js';

describe('editDistance()', () => {
  it.each([
    ['', '', 0],
    ['needs', 'needs', 0],
    ['promt', 'prompt', 1],
    ['tyeps', 'types', 1],
    ['kitten', 'sitting', 3],
    ['abc', '', 3],
  ])('%s to %s is %d', (left, right, distance) => {
    expect(editDistance(left, right)).toBe(distance);
    expect(editDistance(right, left)).toBe(distance);
  });

  it('is zero for equal words only, and at most the longer length', () => {
    const word = fc.string({ maxLength: 12 });
    fc.assert(
      fc.property(word, word, (left, right) => {
        const distance = editDistance(left, right);
        expect(distance === 0).toBe(left === right);
        expect(distance).toBeLessThanOrEqual(Math.max(left.length, right.length));
      }),
    );
  });
});

describe('nearest()', () => {
  it('finds a slip of the hand, and keeps quiet about a different word', () => {
    const keys = ['needs', 'each', 'prompt', 'timeout'];
    expect(nearest('need', keys)).toBe('needs');
    expect(nearest('Promt', keys)).toBe('prompt');
    expect(nearest('workspace', keys)).toBeUndefined();
    expect(nearest('x', [])).toBeUndefined();
  });
});
