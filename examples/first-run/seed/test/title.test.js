// a capital at the start of each word
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { title } from '../src/title.js';

test('title: a capital at the start of each word', () => {
  assert.equal(title('the quick fox'), 'The Quick Fox');
});
