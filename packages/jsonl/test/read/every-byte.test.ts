import { beforeAll, describe, expect, it } from 'vitest';
import {
  chainShows,
  checkCut,
  checkFlip,
  makeOriginal,
  readDamaged,
  sample,
  type Original,
} from './damage.js';

let original: Original;
beforeAll(async () => {
  original = await makeOriginal();
});

// All of it is in `pnpm prove`; here a sample that is the same every time.
describe('a file of 200 chained records', () => {
  it('cut at a byte gives every record before, and the torn one as a fault', async () => {
    for (let cut = 0; cut <= original.bytes.length; cut += 1) {
      if (sample(cut, 32)) expect(await checkCut(original, cut), `cut at ${cut}`).toBeUndefined();
    }
  }, 60_000);

  it('with one byte changed gives every other record; damage has its range; the chain shows it', async () => {
    for (let position = 0; position < original.bytes.length; position += 1) {
      if (!sample(position, 60)) continue;
      const byte = original.bytes[position] ?? 0;
      for (const value of [byte ^ (1 << (position % 8)), 0x0a, 0x22, 0x7d, 0x00, 0xff]) {
        if (value === byte) continue;
        const wrong = await checkFlip(original, position, value);
        expect(wrong, `byte ${position} becomes ${value}`).toBeUndefined();
      }
    }
  }, 120_000);

  it('with a changed newline still gives both records', async () => {
    for (const [index, { end }] of original.lines.slice(0, -1).entries()) {
      for (const value of [0x20, 0x58, 0x0b, 0x22, 0x7d, 0x7b]) {
        const bytes = Buffer.from(original.bytes);
        bytes[end] = value;
        const { records } = await readDamaged(bytes);
        expect(records, `newline ${index} becomes ${value}`).toContain(original.records[index + 1]);
      }
    }
  }, 60_000);

  it('unchanged shows nothing (negative control)', async () => {
    expect((await readDamaged(original.bytes)).faults).toEqual([]);
    expect(await chainShows(original.bytes, original)).toBe(false);
    expect(await checkFlip(original, 5, original.bytes[5] ?? 0)).toBe('the chain holds');
  });

  it('is framed alike wherever its reads are cut in two', async () => {
    const text = Buffer.from(
      '{"t":"käse😀"}\r\n\n{"n":1,"te{"n":2}\n\0\0{"n":3}{"n":4}\n"x\ny"\n{"n":',
    );
    const whole = await readDamaged(text);
    for (let split = 1; split < text.length; split += 1) {
      expect(await readDamaged(text, split), `reads of ${split} bytes`).toEqual(whole);
    }
  });
});
