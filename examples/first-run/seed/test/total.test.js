// adds up the numbers in a text
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { total } from '../src/total.js';

test('total: adds up the numbers in a text', () => {
  assert.equal(total('3 apples and 4 pears'), 7);
  assert.equal(total('none'), 0);
});
