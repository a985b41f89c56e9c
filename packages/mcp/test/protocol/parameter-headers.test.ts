import { expect, test } from 'vitest';
import { headerValue } from '../../src/protocol/envelope.js';
import { markedParameters, parameterHeaders } from '../../src/protocol/parameter-headers.js';
import type { JsonObject } from '../../src/index.js';

const marked = (name: unknown, type = 'string'): JsonObject => ({
  type,
  'x-mcp-header': name as string,
});
const object = (properties: JsonObject): JsonObject => ({ type: 'object', properties });

test('marks are found where the arguments have a fixed place', () => {
  const schema = object({ a: marked('A'), b: object({ c: marked('Deep', 'integer') }) });
  expect(markedParameters(schema)).toEqual([
    { path: ['a'], header: 'A' },
    { path: ['b', 'c'], header: 'Deep' },
  ]);
  expect(markedParameters({ type: 'object' })).toEqual([]);
});

test('a parameter may have the name of a keyword', () => {
  const schema = object({ items: marked('Items'), properties: object({ not: marked('Not') }) });
  expect(markedParameters(schema)).toHaveLength(2);
});

test.for<JsonObject>([
  object({ a: marked('') }),
  object({ a: marked('A B') }),
  object({ a: marked('A:B') }),
  object({ a: marked('Ä') }),
  object({ a: marked('A\r\nB') }),
  object({ a: marked(5) }),
  object({ a: marked('A', 'object') }),
  object({ a: marked('A', 'array') }),
  object({ a: marked('A', 'number') }),
  object({ a: marked('A'), b: marked('a') }),
  { ...marked('Root'), type: 'string' },
  object({ a: { type: 'array', items: marked('A') } }),
  object({ a: { type: 'array', items: object({ b: marked('B') }) } }),
  { ...object({}), anyOf: [object({ a: marked('A') })] },
  { ...object({}), $defs: { one: object({ a: marked('A') }) } },
  { ...object({}), additionalProperties: marked('A') },
])('%j is not valid', (schema) => {
  expect(markedParameters(schema)).toBeUndefined();
});

test('what is there goes into headers', () => {
  const schema = object({
    text: marked('Text'),
    whole: marked('Whole', 'integer'),
    truth: marked('Truth', 'boolean'),
    nothing: marked('Nothing'),
    large: marked('Large', 'integer'),
    inner: object({ text: marked('Inner') }),
  });
  const args = { text: 'a', whole: 42, truth: false, nothing: null, large: 2 ** 60, inner: 'no' };
  expect(parameterHeaders(markedParameters(schema) ?? [], args)).toEqual({
    'mcp-param-text': 'a',
    'mcp-param-whole': '42',
    'mcp-param-truth': 'false',
  });
});

test.for([
  ['us west 1', 'us west 1'],
  ['', '=?base64??='],
  [' padded', '=?base64?IHBhZGRlZA==?='],
  ['a\r\nb', '=?base64?YQ0KYg==?='],
  ['世界', '=?base64?5LiW55WM?='],
  ['=?base64?YQ==?=', '=?base64?PT9iYXNlNjQ/WVE9PT89?='],
] as const)('%j is written as %s', ([text, value]) => {
  expect(headerValue(text)).toBe(value);
});
