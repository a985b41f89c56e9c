import { writeFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { read, readAll, readSync } from '../../src/index.js';
import { temporaryDirectory } from '../temporary-directory.js';

const narrow = fc
  .string({ unit: 'grapheme-ascii', maxLength: 60 })
  .map((text) => JSON.stringify({ text }));
const wide = fc
  .tuple(fc.string({ unit: 'grapheme', maxLength: 40 }), fc.nat({ max: 40 }))
  .map(([text, times]) => JSON.stringify({ text: `→ ${text.repeat(times)}`, at: 'é' }));
/** Whatever is not one plain record on its line. */
const odd = fc.constantFrom<readonly (string | Buffer)[]>(
  [''],
  ['  '],
  ['{"a":'],
  ['{"a":{"a":1}'],
  ['{"n":1}{"n":"→"}'],
  ['{"n":"→"}\r'],
  ['\ufeff{"n":1}'],
  ['{"real":"\ufffd"}'],
  ['{"lines":"\u2028\u2029"}'],
  ['{"text":"raw ', ' newline"}'],
  ['"', Buffer.from([0xff]), '"'],
  ['{"n":"→', Buffer.from([0xe2, 0x86]), '"}'],
  [Buffer.alloc(5), '{"n":1}'],
);

const toBytes = (parts: readonly (string | Buffer)[]): Buffer =>
  Buffer.concat(parts.map((part) => Buffer.from(part)));

/** Lines, most of which are alike: which they are decides how they are decoded. */
const file = fc
  .constantFrom(narrow, wide)
  .chain((usual) =>
    fc
      .array(
        fc.oneof(
          { weight: 30, arbitrary: usual.map((line) => Buffer.from(line)) },
          { weight: 3, arbitrary: fc.oneof(narrow, wide).map((line) => Buffer.from(line)) },
          { weight: 1, arbitrary: odd.map(toBytes) },
        ),
        { minLength: 1, maxLength: 80, size: 'max' },
      )
      .map((lines) => Buffer.concat(lines.map((line) => Buffer.concat([line, Buffer.from('\n')])))),
  );

describe('lines that are decoded together', () => {
  it('give the records and faults that each gives by itself', async () => {
    const at = temporaryDirectory();
    await fc.assert(
      fc.asyncProperty(file, async (bytes) => {
        writeFileSync(at('a.jsonl'), bytes);
        // Where records are wanted with their places, each line is decoded by itself.
        const each = read(at('a.jsonl'));
        const expected: unknown[] = [];
        for await (const { value } of each.entries()) expected.push(value);
        const together = await readAll(at('a.jsonl'));
        expect(together.records).toEqual(expected);
        expect(together.faults).toEqual(each.faults);
        const inPlace = readSync(at('a.jsonl'));
        expect([...inPlace]).toEqual(expected);
        expect(inPlace.faults).toEqual(each.faults);
      }),
      { numRuns: 300 },
    );
  });

  it('give the place of damage after any number of characters', async () => {
    const at = temporaryDirectory();
    for (const character of ['a', 'é', '→', '😀']) {
      for (let count = 0; count < 40; count += 1) {
        const whole = `${JSON.stringify({ text: character.repeat(count + 1) })}\n`.repeat(5);
        writeFileSync(at('a.jsonl'), `${whole}{"torn\n${whole}`);
        const { records, faults } = await readAll(at('a.jsonl'));
        const byteStart = Buffer.byteLength(whole);
        expect(records).toHaveLength(10);
        expect(faults).toEqual([
          { kind: 'not_json', byteStart, byteEnd: byteStart + '{"torn'.length, line: 6 },
        ]);
      }
    }
  });
});
