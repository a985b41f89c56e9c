import fc from 'fast-check';

const name = fc.constantFrom('type', 'kind', 'n', 'a', '', '__proto__', 'typ\u00e9', 'deep');
const scalar = fc.oneof(
  fc.constantFrom('assistant', 'user', 'a/b', 'é', '"', 'type'),
  fc.integer({ min: -2, max: 2 }),
  fc.boolean(),
  fc.constant(null),
  fc.string({ unit: 'binary', maxLength: 60 }),
);

/** JSON text of one value, with every freedom that the grammar leaves: white space, escapes, names twice. */
export const jsonText: fc.Arbitrary<string> = fc.letrec((tie) => ({
  space: fc.constantFrom('', '', '', ' ', '\t', '  '),
  string: fc
    .tuple(
      fc.oneof(
        name,
        scalar.filter((value) => typeof value === 'string'),
      ),
      fc.boolean(),
    )
    .map(([value, escaped]) =>
      escaped
        ? `"${[...Array(value.length).keys()].map((index) => `\\u${value.charCodeAt(index).toString(16).padStart(4, '0')}`).join('')}"`
        : JSON.stringify(value).replaceAll('/', value.length % 2 === 0 ? '\\/' : '/'),
    ),
  scalar: fc.oneof(
    scalar.map((value) => JSON.stringify(value)),
    fc.constantFrom('1.0', '1e0', '-0', '100E-2', '12345678901234567890'),
    tie('string') as fc.Arbitrary<string>,
  ),
  pair: fc
    .tuple(
      tie('space') as fc.Arbitrary<string>,
      tie('string') as fc.Arbitrary<string>,
      tie('space') as fc.Arbitrary<string>,
      tie('value') as fc.Arbitrary<string>,
    )
    .map(([before, key, space, value]) => `${before}${key}${space}:${space}${value}${before}`),
  object: fc
    .array(tie('pair') as fc.Arbitrary<string>, { maxLength: 6 })
    .map((pairs) => `{${pairs.join(',')}}`),
  array: fc
    .array(tie('value') as fc.Arbitrary<string>, { maxLength: 4 })
    .map((values) => `[${values.join(', ')}]`),
  value: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    tie('scalar') as fc.Arbitrary<string>,
    tie('array') as fc.Arbitrary<string>,
    tie('object') as fc.Arbitrary<string>,
  ),
  line: fc.oneof(
    { weight: 8, arbitrary: tie('object') as fc.Arbitrary<string> },
    { weight: 1, arbitrary: tie('value') as fc.Arbitrary<string> },
    { weight: 1, arbitrary: tie('space') as fc.Arbitrary<string> },
  ),
})).line;
