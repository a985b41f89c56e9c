import { describe, expect, it } from 'vitest';
import { lastPart, oneLine, shorten } from '../src/excerpt.js';

describe('excerpts', () => {
  it('are never longer than their limit, and say that something is missing', () => {
    expect(shorten('abcdef', 6)).toBe('abcdef');
    expect(shorten('abcdefg', 6)).toBe('abcde…');
    expect(lastPart('abcdefg', 6)).toBe('…cdefg');
  });

  it('do not cut a character in two', () => {
    expect(shorten('ab😀cd', 4)).toBe('ab…');
    expect(lastPart('ab😀cd', 4)).toBe('…cd');
  });

  it('oneLine() makes one line of a text and of any other value', () => {
    expect(oneLine(' a\n\n  b\t', 10)).toBe('a b');
    expect(oneLine({ a: ['x\ny'] }, 100)).toBe('{"a":["x\\ny"]}');
  });
});
