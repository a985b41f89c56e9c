// removes repeated lines, keeping the first of each
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { unique } from '../src/unique.js';

test('unique: removes repeated lines, keeping the first of each', () => {
  assert.equal(unique('a\nb\na'), 'a\nb');
});
