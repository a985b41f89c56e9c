import { expect, it } from 'vitest';
import { firstBytes, lastBytes } from '../../src/command/cut-text.js';

const text = 'aé€😀é€a';

it('cuts at any byte without tearing a character, as near to the limit as characters allow', () => {
  const length = Buffer.byteLength(text);
  for (let limit = -1; limit <= length + 1; limit += 1) {
    const first = firstBytes(text, limit);
    const last = lastBytes(text, limit);
    expect(text.startsWith(first), `first ${limit}: ${first}`).toBe(true);
    expect(text.endsWith(last), `last ${limit}: ${last}`).toBe(true);
    for (const part of [first, last]) {
      const bytes = Buffer.byteLength(part);
      expect(bytes).toBeLessThanOrEqual(Math.max(0, limit));
      expect(bytes).toBeGreaterThan(Math.min(limit, length) - 4);
    }
  }
});

it('a cut that does not look at characters tears them: the text above can tell', () => {
  const torn = Buffer.from(text).toString('utf8', 0, 2);
  expect(text.startsWith(torn)).toBe(false);
});
