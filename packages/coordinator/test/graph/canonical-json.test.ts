import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson } from '../../src/graph/canonical-json.js';
import type { Json } from '../../src/json.js';

/** The same value with every mapping's keys turned around. */
function turned(value: Json): Json {
  if (Array.isArray(value)) return value.map((one) => turned(one as Json));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).reverse();
  return Object.fromEntries(entries.map(([key, one]) => [key, turned(one)]));
}

describe('canonicalJson()', () => {
  it.each<[Json, string]>([
    [{ b: 1, a: [true, null] }, '{"a":[true,null],"b":1}'],
    [{ '\u20ac': 1, '\r': 2, '1': 3, '\ud83d\ude00': 4 }, '{"\\r":2,"1":3,"€":1,"😀":4}'],
    ['é"\u0007', '"é\\"\\u0007"'],
    [[1e21, 1e-7, -0, 100], '[1e+21,1e-7,0,100]'],
  ])('writes %j in the one way', (value, text) => {
    expect(canonicalJson(value)).toBe(text);
  });

  it('gives one text for equal values, and the value back', () => {
    const json = fc.jsonValue() as fc.Arbitrary<Json>;
    fc.assert(
      fc.property(json, (value) => {
        const text = canonicalJson(value);
        expect(canonicalJson(turned(value))).toBe(text);
        expect(canonicalJson(JSON.parse(text) as Json)).toBe(text);
      }),
    );
  });

  it('leaves out undefined members and throws for what has no text', () => {
    expect(canonicalJson({ a: undefined, b: 1 } as unknown as Json)).toBe('{"b":1}');
    for (const bad of [NaN, Infinity, undefined, [undefined], () => 1, 1n]) {
      expect(() => canonicalJson(bad as unknown as Json)).toThrow(TypeError);
    }
  });
});
