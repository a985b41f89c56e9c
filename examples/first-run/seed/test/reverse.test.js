// reverses a text, keeping characters whole
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reverse } from '../src/reverse.js';

test('reverse: reverses a text, keeping characters whole', () => {
  assert.equal(reverse('añ🙂'), '🙂ña');
});
