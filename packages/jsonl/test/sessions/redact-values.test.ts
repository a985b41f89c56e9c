import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { redactValues } from '../../src/sessions/index.js';

const secret = 's3cret-token';

/** Every string in a value: keys, texts, and numbers as text. */
function texts(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value === 'number') return [String(value)];
  if (Array.isArray(value)) return value.flatMap(texts);
  if (typeof value === 'object' && value !== null) {
    return Object.entries(value).flatMap(([key, item]) => [key, ...texts(item)]);
  }
  return [];
}

describe('redactValues()', () => {
  const redact = redactValues([secret, 'other-secret', 'abc', '12345678', '']);

  it.each([
    ['a string', { a: `x ${secret} y` }, { a: 'x [redacted] y' }],
    [
      'several values',
      [`${secret}${secret}`, 'other-secret'],
      ['[redacted][redacted]', '[redacted]'],
    ],
    ['a key', { [secret]: 1, b: 2 }, { '[redacted]': 1, b: 2 }],
    ['a number', { pin: 12345678, more: 9123456789 }, { pin: '[redacted]', more: '9[redacted]9' }],
    ['nothing', { a: 'nothing to see', n: 1.5 }, { a: 'nothing to see', n: 1.5 }],
    ['JSON text in a string', { a: JSON.stringify({ b: secret }) }, { a: '{"b":"[redacted]"}' }],
  ])('replaces a value in %s', (_name, value, expected) => {
    expect(JSON.parse(redact(JSON.stringify(value)))).toEqual(expected);
  });

  it('leaves short values alone and says how many', () => {
    expect(redact.skipped).toBe(2);
    expect(redact('{"a":"abc"}')).toBe('{"a":"abc"}');
    expect(redactValues(['short']).skipped).toBe(1);
    expect(redactValues([])('x')).toBe('x');
  });

  it('replaces the longer of two values that begin alike', () => {
    const both = redactValues(['password', 'password-and-more']);
    expect(both('["password-and-more"]')).toBe('["[redacted]"]');
  });

  it('loses no key when two differ only in their secrets', () => {
    const both = redactValues(['first-secret', 'second-secret']);
    const result = JSON.parse(both('{"first-secret":1,"second-secret":2}')) as object;
    expect(Object.values(result)).toEqual([1, 2]);
    expect(JSON.stringify(result)).not.toMatch(/first|second/);
  });

  it('keeps a key "__proto__" a key', () => {
    const line = `{"__proto__":{"a":"${secret}"},"${secret}":1}`;
    expect(redact(line)).toBe('{"__proto__":{"a":"[redacted]"},"[redacted]":1}');
  });

  it('does not cut an escape in two', () => {
    // The text is a newline and then a secret that begins with n: in the line it reads \nnine-lives.
    const nine = redactValues(['nine-lives', 'u0041bcdef']);
    expect(nine(JSON.stringify({ a: '\nnine-lives' }))).toBe('{"a":"\\n[redacted]"}');
    expect(nine(JSON.stringify({ a: '\nine-lives' }))).toBe('{"a":"\\nine-lives"}');
    expect(nine('{"a":"\\u0041bcdef"}')).toBe('{"a":"Abcdef"}');
  });

  it('works on text that is no JSON', () => {
    expect(redact(`export TOKEN=${secret}`)).toBe('export TOKEN=[redacted]');
  });

  it('leaves no value behind, and JSON whole, for any secrets in any record', () => {
    const secrets = fc.array(fc.string({ unit: 'binary', minLength: 8, maxLength: 20 }), {
      minLength: 1,
      maxLength: 3,
    });
    fc.assert(
      fc.property(secrets, fc.jsonValue({ maxDepth: 2 }), fc.nat(2), (values, other, nesting) => {
        const inner: unknown = { text: `a${values.join('\\')}z`, [values[0] ?? '']: [other] };
        let value = inner;
        for (let level = 0; level < nesting; level += 1) value = { nested: JSON.stringify(value) };
        const line = JSON.stringify(value);
        const all = texts(JSON.parse(redactValues(values)(line)));
        for (const text of all) {
          for (const hidden of values) {
            // What is left must not be found in its plain form, or escaped, in any text.
            if ('[redacted]'.includes(hidden)) continue;
            expect(text).not.toContain(hidden);
          }
        }
      }),
      { numRuns: 300 },
    );
  });

  it('refuses what is no string', () => {
    expect(() => redactValues([1 as unknown as string])).toThrow(TypeError);
  });
});
