import fc from 'fast-check';
import { expect, it } from 'vitest';
import { describePosition, locateJsonError } from '../src/json-position.js';

function parses(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

const spoiled = fc
  .tuple(
    fc.json(),
    fc.nat(),
    fc.constantFrom('', ',', '}', ']', '"', '\\', '\n', '0', 'tru', '\\u12'),
  )
  .map(([text, at, insert]) => {
    const place = at % (text.length + 1);
    return text.slice(0, place) + insert + text.slice(place + (insert === '' ? 1 : 0));
  });

it('agrees with JSON.parse on what is JSON, for any text', () => {
  let refused = 0;
  fc.assert(
    fc.property(fc.oneof(fc.json(), fc.string(), spoiled), (text) => {
      if (!parses(text)) refused += 1;
      expect(locateJsonError(text) === undefined).toBe(parses(text));
    }),
    { numRuns: 3000 },
  );
  expect(refused).toBeGreaterThan(500);
});

it('finds the first place that no continuation could make valid', () => {
  const cases: readonly (readonly [string, number])[] = [
    ['', 0],
    ['{"a":1,}', 7],
    ['[1 2]', 3],
    ['{"a" 1}', 5],
    ['[1,2', 4],
    ['"abc', 4],
    ['"a\nb"', 2],
    ['"\\x"', 1],
    ['[01]', 2],
    ['1 x', 2],
    ["{'a':1}", 1],
  ];
  for (const [text, offset] of cases) expect([text, locateJsonError(text)]).toEqual([text, offset]);
});

it('describes a place for a person', () => {
  expect(describePosition('[\n  1,\n  x]', 9)).toBe(
    'line 3, column 3 (character 9): found x in ... [ 1,  >>> x] ...',
  );
  expect(describePosition('[1', 2)).toContain('found the end');
});
