import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cells, fit, wrapped } from '../../src/render/cells.js';

describe('cells', () => {
  it.each([
    ['abc', 3],
    ['', 0],
    ['漢字', 4],
    ['é', 1],
    ['e\u0301', 1],
    ['🙂', 2],
    ['\u001b[32mok\u001b[39m', 2],
    ['✔ ● │ …', 7],
  ])('%j takes %i columns', (text, columns) => {
    expect(cells(text)).toBe(columns);
  });
});

describe('fit', () => {
  it('leaves alone what fits', () => {
    expect(fit('abc', 3)).toBe('abc');
    expect(fit('abc', Infinity)).toBe('abc');
  });
  it('cuts by what is seen, and ends the colours it cut into', () => {
    expect(fit('abcdef', 4)).toBe('abc…');
    expect(fit('\u001b[32mabcdef\u001b[39m', 4)).toBe('\u001b[32mabc…\u001b[0m');
    expect(fit('漢字漢字', 6)).toBe('漢字…');
    expect(fit('漢字漢字', 5)).toBe('漢字…');
    expect(fit('漢字漢字', 4)).toBe('漢…');
  });
  it('never takes more columns than there are', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('a', '漢', '🙂', '\u0301', '\u001b[31m', ' ') }),
        fc.integer({ min: 1, max: 30 }),
        (text, columns) => cells(fit(text, columns)) <= columns,
      ),
    );
  });
});

describe('wrapped', () => {
  it('breaks between words, indents what follows, and keeps what fits and what cannot be broken', () => {
    expect(wrapped('one two three', 20)).toEqual(['one two three']);
    expect(wrapped('one two three', 8)).toEqual(['one two', '  three']);
    expect(wrapped('    one two', 8)).toEqual(['    one', '  two']);
    expect(wrapped('a unbreakable b', 5)).toEqual(['a', '  unbreakable', '  b']);
    expect(wrapped('one two three', Infinity)).toEqual(['one two three']);
  });
  it('loses no word', () => {
    fc.assert(
      fc.property(
        fc.array(fc.stringMatching(/^[a-z漢]{1,9}$/u), { minLength: 1 }),
        fc.integer({ min: 1, max: 30 }),
        (words, columns) => {
          const lines = wrapped(words.join(' '), columns);
          expect(lines.map((line) => line.trim()).join(' ')).toBe(words.join(' '));
        },
      ),
    );
  });
});
