import { expect, test } from 'vitest';
import { parseChallenges, splitScope } from '../../src/auth/challenge.js';

test.for<[string, readonly [string, Record<string, string>][]]>([
  ['', []],
  ['Bearer', [['bearer', {}]]],
  ['Bearer realm="a, b=c", scope="x y"', [['bearer', { realm: 'a, b=c', scope: 'x y' }]]],
  ['bearer Error=invalid_token', [['bearer', { error: 'invalid_token' }]]],
  [
    'Basic realm="say \\"hi\\"", DPoP algs="ES256", Bearer scope=""',
    [
      ['basic', { realm: 'say "hi"' }],
      ['dpop', { algs: 'ES256' }],
      ['bearer', { scope: '' }],
    ],
  ],
  [
    'Negotiate dG9rZW4=, Bearer resource_metadata="https://a.example/x"',
    [
      ['negotiate', {}],
      ['bearer', { resource_metadata: 'https://a.example/x' }],
    ],
  ],
  [
    'Bearer resource_metadata=https://a.example/x?y',
    [['bearer', { resource_metadata: 'https://a.example/x?y' }]],
  ],
  ['Bearer scope="a", scope="b"', [['bearer', { scope: 'a' }]]],
  ['Bearer scope="never closed', [['bearer', {}]]],
])('%s', ([header, expected]) => {
  const read = parseChallenges(header).map(({ scheme, parameters }) => [scheme, parameters]);
  expect(read).toEqual(expected);
});

test('a header as large as Node takes is read at once', () => {
  const hostile = `Bearer ${'a '.repeat(8000)}${'x="'.repeat(1000)}`;
  expect(parseChallenges(hostile).length).toBeLessThan(10_000);
});

test('scopes are those that can be scopes', () => {
  expect(splitScope('a  b a "c" d\\e')).toEqual(['a', 'b']);
  expect(splitScope(undefined)).toEqual([]);
});
