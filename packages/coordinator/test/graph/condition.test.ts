import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { evaluateCondition } from '../../src/graph/condition.js';
import { parseCondition, type RawCondition } from '../../src/graph/parse-condition.js';
import { showCondition } from '../../src/graph/show-template.js';
import type { Condition, Scope } from '../../src/graph/reference.js';
import type { Json } from '../../src/json.js';

const at = { file: 'f', line: 1, column: 1 };

/** Without types: every first key is an input. */
function toCondition(raw: RawCondition): Condition {
  switch (raw.op) {
    case 'literal':
      return { op: 'literal', value: raw.value };
    case 'path':
      return {
        op: 'path',
        reference: { root: { kind: 'inputs' }, path: raw.path.keys, text: raw.text, at },
      };
    case '!':
    case 'size':
      return { op: raw.op, of: toCondition(raw.of) };
    default:
      return { op: raw.op, left: toCondition(raw.left), right: toCondition(raw.right) };
  }
}

function parse(text: string): Condition {
  const raw = parseCondition(text);
  if ('fault' in raw) throw new Error(`${raw.offset}: ${raw.fault}`);
  return toCondition(raw);
}

const scope = (inputs: { readonly [name: string]: Json }): Scope => ({
  inputs,
  run: { id: 'r', base: 'b' },
  env: {},
  task: () => undefined,
});

const holds = (text: string, inputs: { readonly [name: string]: Json } = {}): boolean =>
  evaluateCondition(parse(text), scope(inputs));

describe('evaluateCondition()', () => {
  it.each([
    ['true', true],
    ['false', false],
    ['yes', true],
    ['!yes', false],
    ['missing', false],
    ['!missing', true],
    ['missing == null', true],
    ['yes == true', true],
    ["text == 'abc'", true],
    ['text == "abc"', true],
    ["text != 'abc'", false],
    ['n == 3', true],
    ["n == '3'", false],
    ["n != '3'", true],
    ['n >= 3 && n < 4', true],
    ["n < 'x'", false],
    ["!(n < 'x') && !(n >= 'x')", true],
    ['missing < 1 || missing >= 1', false],
    ["text < 'abd'", true],
    ['-1 < n', true],
    ['list[1] == 2', true],
    ['list[9] == null', true],
    ['list == [1, 2]', true],
    ['list == [2, 1]', false],
    ['2 in list', true],
    ["'2' in list", false],
    ["'bc' in text", true],
    ["'a' in object", true],
    ["'toString' in object", false],
    ["text in ['abc', 'x']", true],
    ['text in []', false],
    ['1 in missing', false],
    ['size(list) == 2', true],
    ['size(text) > 2', true],
    ['size(object) == 1', true],
    ['size(missing) == 0', true],
    ['object.a.b == 1', true],
    ['object["a"].b == 1', true],
    ['text.length == null', true],
    // && binds tighter than ||, ! tighter than both.
    ['true || false && false', true],
    ['(true || false) && false', false],
    ['!false && true', true],
    ['text == "abc" && !missing || false', true],
    // Only true is true.
    ['text', false],
    ['n', false],
    ['list && true', false],
  ])('%s is %j', (text, expected) => {
    const inputs = { yes: true, text: 'abc', n: 3, list: [1, 2], object: { a: { b: 1 } } };
    expect(holds(text, inputs)).toBe(expected);
  });

  const json = fc.jsonValue({ maxDepth: 3 }) as fc.Arbitrary<Json>;
  const path = fc.constantFrom('a', 'a.b', 'a[0]', 'b', 'c["x y"]', 'missing');
  const literal = fc.oneof(
    fc.constantFrom('true', 'false', 'null', "'x'", '"y\\"z"', '0', '-1.5', "[1, 'x', null]", '[]'),
    fc.integer().map(String),
  );
  const { condition } = fc.letrec<{ condition: string }>((tie) => ({
    condition: fc.oneof(
      { maxDepth: 4, withCrossShrink: true },
      path,
      literal,
      tie('condition').map((one) => `!(${one})`),
      tie('condition').map((one) => `size(${one})`),
      fc
        .tuple(
          tie('condition'),
          fc.constantFrom('==', '!=', '<', '<=', '>', '>=', 'in', '&&', '||'),
          tie('condition'),
        )
        .map(([left, operator, right]) => `(${left}) ${operator} (${right})`),
    ),
  }));

  it('never throws, whatever the values', () => {
    fc.assert(
      fc.property(condition, json, json, json, (text, a, b, c) => {
        expect(typeof holds(text, { a, b, c })).toBe('boolean');
      }),
      { numRuns: 500 },
    );
  });

  it('means the same after it was shown and read again', () => {
    fc.assert(
      fc.property(condition, json, json, json, (text, a, b, c) => {
        const shown = showCondition(parse(text));
        expect(holds(shown, { a, b, c })).toBe(holds(text, { a, b, c }));
      }),
    );
  });

  it('follows De Morgan and keeps == and != opposite', () => {
    fc.assert(
      fc.property(condition, condition, json, json, (x, y, a, b) => {
        const values = { a, b, c: null };
        expect(holds(`!((${x}) && (${y}))`, values)).toBe(holds(`!(${x}) || !(${y})`, values));
        expect(holds(`(${x}) != (${y})`, values)).toBe(!holds(`(${x}) == (${y})`, values));
      }),
    );
  });
});

describe('parseCondition()', () => {
  it('never throws, and points into the text', () => {
    const piece = fc.oneof(
      fc.constantFrom(
        '(',
        ')',
        '&&',
        '||',
        '!',
        '==',
        '<',
        ' in ',
        'size(',
        '[',
        ']',
        ',',
        "'",
        '"',
        '\\',
        'a.b',
        '1',
      ),
      fc.string({ maxLength: 3 }),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        const text = pieces.join('');
        const result = parseCondition(text);
        if ('fault' in result) expect(result.offset).toBeLessThanOrEqual(text.length);
      }),
      { numRuns: 1000 },
    );
  });

  it.each([
    ['a = b', 2, 'expected =='],
    ['a & b', 2, '&&'],
    ['a and b', 2, '&&'],
    ['a == b == c', 7, 'do not chain'],
    ['a &&', 4, 'too early'],
    ['', 0, 'too early'],
    ['(a', 2, 'expected )'],
    ['len(a)', 0, 'size() is the only one'],
    ["'a", 0, 'not closed'],
    ['${{ a }}', 0, 'without ${{ }}'],
    ['a.', 2, 'after the dot'],
    ['[a]', 1, 'literal'],
    ['1e999 == 1', 0, 'finite'],
    [`${'('.repeat(60)}a`, 51, 'deeper than 50'],
    ['x'.repeat(2001), 2000, 'at most 2000'],
  ])('refuses %s', (text, offset, reason) => {
    const result = parseCondition(text);
    expect('fault' in result && result.fault).toContain(reason);
    expect(result).toMatchObject({ offset });
  });
});
