// the first letters of the words, in capitals
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { initials } from '../src/initials.js';

test('initials: the first letters of the words, in capitals', () => {
  assert.equal(initials('ada king lovelace'), 'AKL');
});
