// puts spaces in front of each line
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { indent } from '../src/indent.js';

test('indent: puts spaces in front of each line', () => {
  assert.equal(indent('a\nb', 2), '  a\n  b');
});
