import { expect, test } from 'vitest';
import { faultOf, withDefaults } from '../../src/answers/form.js';
import type { Json } from '../../src/index.js';

const schema = {
  type: 'object',
  properties: {
    name: { type: 'string', minLength: 2, maxLength: 3 },
    age: { type: 'integer', minimum: 1, maximum: 9, default: 5 },
    share: { type: 'number' },
    agreed: { type: 'boolean', default: false },
    color: { type: 'string', enum: ['red', 'blue'] },
    size: { type: 'string', oneOf: [{ const: 's', title: 'small' }] },
    tags: { type: 'array', maxItems: 2, items: { type: 'string', enum: ['a', 'b'] } },
    parts: { type: 'array', items: { anyOf: [{ const: 'x', title: 'X' }] } },
  },
  required: ['name'],
};

test('fills in what was left out, and nothing else', () => {
  expect(withDefaults(schema, { name: 'Ada', age: 7 })).toEqual({
    name: 'Ada',
    age: 7,
    agreed: false,
  });
});

test('a field of any name is only a field', () => {
  const hostile = JSON.parse(
    '{"properties":{"__proto__":{"type":"string","default":"x"}}}',
  ) as typeof schema;
  const filled = withDefaults(hostile, {});
  expect(Object.getPrototypeOf(filled)).toBe(Object.prototype);
  expect(Object.hasOwn(filled, '__proto__')).toBe(true);
});

test.for<Record<string, Json>>([
  { name: 'Ada' },
  { name: '😀😀' },
  { name: 'Ada', age: 9, share: 0.5, agreed: true, color: 'red', size: 's' },
  { name: 'Ada', tags: ['a', 'b'], parts: ['x'] },
])('%j fits', (content) => {
  expect(faultOf(schema, content)).toBeUndefined();
});

test.for<Record<string, Json>>([
  {},
  { name: 'A' },
  { name: 'Anna' },
  { name: 5 },
  { name: 'Ada', age: 1.5 },
  { name: 'Ada', age: 10 },
  { name: 'Ada', share: 'half' },
  { name: 'Ada', agreed: 'yes' },
  { name: 'Ada', color: 'green' },
  { name: 'Ada', size: 'l' },
  { name: 'Ada', tags: ['a', 'b', 'a'] },
  { name: 'Ada', tags: ['c'] },
  { name: 'Ada', parts: ['y'] },
  { name: 'Ada', other: 1 },
])('%j does not fit', (content) => {
  expect(faultOf(schema, content)).toMatch(/"/);
});
