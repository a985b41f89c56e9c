import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Json } from '../src/json.js';
import { createRedaction } from '../src/redaction.js';

describe('createRedaction()', () => {
  it('replaces a secret in every string and key, and nothing else', () => {
    const redaction = createRedaction(['hunter2-hunter2']);
    const event = { a: ['x hunter2-hunter2 y'], 'hunter2-hunter2': 1, b: null, c: 20, d: true };
    expect(redaction.value(event)).toEqual({
      a: ['x [redacted] y'],
      '[redacted]': 1,
      b: null,
      c: 20,
      d: true,
    });
  });

  it('finds a secret inside JSON text, also where that is itself a string', () => {
    const secret = 'line "one"\\two';
    const redaction = createRedaction([secret]);
    const once = JSON.stringify({ key: secret });
    expect(redaction.text(once)).toBe('{"key":"[redacted]"}');
    expect(redaction.text(JSON.stringify(once))).not.toContain('one');
    expect(createRedaction([]).text(once)).toBe(once);
  });

  it('replaces each line of a secret that has several', () => {
    const redaction = createRedaction(['-----BEGIN KEY-----\nabcdefghij\nklmnopqrst\n']);
    expect(redaction.text('> klmnopqrst\n> abcdefghij')).toBe('> [redacted]\n> [redacted]');
  });

  it('replaces the longer of two secrets that begin alike as a whole', () => {
    expect(createRedaction(['secret-1', 'secret-1-long']).text('secret-1-long')).toBe('[redacted]');
  });

  it('leaves short values alone: they would tear ordinary text apart', () => {
    expect(createRedaction(['yes', '', ' ']).text('yes, it is')).toBe('yes, it is');
  });

  it('leaves no secret in any value', () => {
    const secret = fc
      .string({ minLength: 6, maxLength: 20 })
      .filter((text) => text.trim().length >= 6);
    fc.assert(
      fc.property(secret, fc.jsonValue(), (text, value) => {
        const holding = { before: value as Json, text: `a${text}b`, list: [text] };
        const redacted = createRedaction([text]).value(holding);
        const { list, text: said } = redacted as { list: string[]; text: string };
        expect([...list, said].join(' ')).not.toContain(text.trim());
      }),
    );
  });
});
