import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import loadWabt from 'wabt';
import { describe, expect, it } from 'vitest';
import { assembled, createSearchedBuffer } from '../../src/read/scan-buffer.js';

/** Where `{"` begins in `[from, end)`, found without any search. */
function findByHand(bytes: Buffer, from: number, end: number): number {
  for (let at = from; at + 1 < end; at += 1) {
    if (bytes[at] === 0x7b && bytes[at + 1] === 0x22) return at;
  }
  return -1;
}

describe('a searched buffer', () => {
  const length = 64 * 1024;
  const { bytes, findObject } = createSearchedBuffer(length);
  const find = findObject ?? expect.fail('It cannot be searched');

  it('finds an object wherever it stands, also at the very end', () => {
    for (const at of [
      0,
      1,
      15,
      16,
      17,
      62,
      63,
      64,
      65,
      127,
      200,
      length - 66,
      length - 3,
      length - 2,
    ]) {
      bytes.fill('{ "x}');
      bytes.write('{"', at);
      expect(find(0, length)).toBe(at);
      expect(find(at, at + 2)).toBe(at);
      expect(find(at + 1, length)).toBe(-1);
      expect(find(0, at + 1)).toBe(-1);
    }
  });

  it('finds what a look at each byte finds', () => {
    const text = fc.array(fc.constantFrom('{', '"', '{"', '}', 'x', ' '.repeat(30), '{{{', '"""'), {
      maxLength: 60,
    });
    fc.assert(
      fc.property(text, fc.nat(300), fc.nat(300), (parts, one, other) => {
        bytes.fill(0);
        bytes.write(parts.join(''));
        const [from = 0, end = 0] = [one, other].sort((left, right) => left - right);
        expect(find(from, end)).toBe(findByHand(bytes, from, end));
      }),
      { numRuns: 1000 },
    );
  });
});

it('is searched by what find-object.wat says', async () => {
  const path = fileURLToPath(import.meta.resolve('../../src/read/find-object.wat'));
  const wabt = await loadWabt();
  const module = wabt.parseWat('find-object.wat', readFileSync(path, 'utf8'), { simd: true });
  const { buffer } = module.toBinary({});
  expect(Buffer.from(buffer).toString('base64')).toBe(assembled);
});
