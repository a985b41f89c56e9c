import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findJsonFault } from '../src/json-fault.js';

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

describe('findJsonFault()', () => {
  it.each([
    ['{"a": 1,\n "b": x}', 2, 7],
    ['[1, 2', 1, 6],
    ['{"a" 1}', 1, 6],
    ['{"a": 1,}', 1, 9],
    ['[1] 2', 1, 5],
    ['01', 1, 2],
    ['"a\tb"', 1, 3],
    ['{"a": "\\x"}', 1, 9],
    ['nope', 1, 1],
    ['', 1, 1],
  ])('%j: line %i, column %i', (text, line, column) => {
    expect(findJsonFault(text)).toMatchObject({ line, column });
  });

  it('shows what stands there', () => {
    expect(findJsonFault('{"name": "x", "n": wrong}')?.excerpt).toContain('wrong');
  });

  it('finds a fault in exactly the texts that are not JSON', () => {
    const whole = fc.json();
    const edited = fc
      .tuple(fc.json(), fc.nat(), fc.constantFrom('', ',', '"', '}', ']', 'x', '1', '\n', '\\'))
      .map(([text, at, piece]) => {
        const place = at % (text.length + 1);
        return text.slice(0, place) + piece + text.slice(place + 1);
      });
    fc.assert(
      fc.property(fc.oneof(whole, edited, fc.string()), (text) => {
        expect(findJsonFault(text) === undefined).toBe(isJson(text));
      }),
      { numRuns: 2000 },
    );
  });
});
