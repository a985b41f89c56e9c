// turns a title into a part of an address: lower case, words joined by a dash
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { slug } from '../src/slug.js';

test('slug: turns a title into a part of an address: lower case, words joined by a dash', () => {
  assert.equal(slug('Hello, World!'), 'hello-world');
  assert.equal(slug('  Two   spaces '), 'two-spaces');
});
