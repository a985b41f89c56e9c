import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import loadWabt from 'wabt';
import {
  assembled,
  createVectorEscaper,
  createWordEscaper,
  textBytes,
  type Escaper,
} from '../../src/write/escape-text.js';

/** Where a text is copied to, and how often the page was filled before: what was there must not matter. */
function escapeText({ utf8, page, escape }: Escaper, text: string, at: number): string {
  page.fill(0xff);
  const end = escape(utf8.write(text), at);
  expect(page.subarray(0, at).every((byte) => byte === 0xff)).toBe(true);
  return page.toString('utf8', at, end);
}

const byEngine = (text: string): string => JSON.stringify(text).slice(1, -1);

const special = fc.constantFrom('"', '\\', '\n', '\t', '\b', '\f', '\r', '\0', '\u001f', '\u007f');
const usual = fc.string({ unit: 'grapheme', maxLength: 20 });
const text = fc.array(fc.oneof(special, usual), { maxLength: 40 }).map((parts) => parts.join(''));

describe.each([
  ['sixteen bytes at a time', createVectorEscaper],
  ['four bytes at a time', createWordEscaper],
])('escapes %s', (_, create) => {
  const escaper = create();

  it('every character as JSON.stringify does, wherever it stands in a word', () => {
    for (let code = 0; code < 0x800; code += 1) {
      for (let before = 0; before < 17; before += 1) {
        const around = `${'x'.repeat(before)}${String.fromCharCode(code)}${'y'.repeat(19)}`;
        expect(escapeText(escaper, around, 3)).toBe(byEngine(around));
      }
    }
  });

  it('any text as JSON.stringify does', () => {
    fc.assert(
      fc.property(text, fc.nat({ max: 40 }), (some, at) => {
        expect(escapeText(escaper, some, at)).toBe(byEngine(some));
      }),
    );
  });

  it.each(['x', '"', '\0', '\u20ac'])(
    'the longest text that it has room for, of %j',
    (character) => {
      const longest = character.repeat(textBytes / 3);
      expect(escapeText(escaper, longest, 1)).toBe(byEngine(longest));
    },
  );
});

it('is assembled from escape-text.wat', async () => {
  const path = fileURLToPath(import.meta.resolve('../../src/write/escape-text.wat'));
  const wabt = await loadWabt();
  const module = wabt.parseWat('escape-text.wat', readFileSync(path, 'utf8'), { simd: true });
  const { buffer } = module.toBinary({});
  expect(Buffer.from(buffer).toString('base64')).toBe(assembled);
});
