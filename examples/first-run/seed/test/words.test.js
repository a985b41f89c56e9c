// counts the words
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { words } from '../src/words.js';

test('words: counts the words', () => {
  assert.equal(words('one two  three'), 3);
  assert.equal(words(''), 0);
});
