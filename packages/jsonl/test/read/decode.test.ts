import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { read, readAll, readSync, type Fault, type ReadOptions } from '../../src/index.js';
import { useCompiledSource } from '../compile-source.js';
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

/** Ends of a block that are met somewhere: it takes about 16 KiB. */
const repeated = fc.tuple(file, fc.constantFrom(1, 1, 40)).map(([bytes, times]) => {
  return Buffer.concat(Array.from({ length: times }, () => bytes));
});

const options = fc.record(
  {
    live: fc.boolean(),
    maxLineBytes: fc.constantFrom(10, 100, 20_000),
    from: fc.nat({ max: 300 }),
    to: fc.integer({ min: 300, max: 20_000 }),
  },
  { requiredKeys: [] },
);

interface Outcome {
  readonly values: unknown[];
  readonly faults: readonly Fault[];
}

/** Where records are wanted with their places, each line is decoded by itself. */
async function readEach(path: string, given: ReadOptions): Promise<Outcome> {
  const reader = read(path, given);
  const values: unknown[] = [];
  for await (const { value } of reader.entries()) values.push(value);
  return { values, faults: reader.faults };
}

describe('lines that are decoded together', () => {
  it('give the records and faults that each gives by itself', async () => {
    const at = temporaryDirectory();
    await fc.assert(
      fc.asyncProperty(repeated, options, async (bytes, given) => {
        writeFileSync(at('a.jsonl'), bytes);
        const expected = await readEach(at('a.jsonl'), given);
        const { records, faults } = await readAll(at('a.jsonl'), given);
        expect({ values: records, faults }).toEqual(expected);
        const inPlace = readSync(at('a.jsonl'), given);
        expect({ values: [...inPlace], faults: inPlace.faults }).toEqual(expected);
      }),
      { numRuns: 300 },
    );
  });

  it('give the same out of a stream, in pieces of any size', async () => {
    const at = temporaryDirectory();
    await fc.assert(
      fc.asyncProperty(file, fc.integer({ min: 1, max: 5000 }), async (bytes, piece) => {
        writeFileSync(at('a.jsonl'), bytes);
        const pieces: Buffer[] = [];
        for (let from = 0; from < bytes.length; from += piece) {
          pieces.push(bytes.subarray(from, from + piece));
        }
        const { records, faults } = await readAll(Readable.from(pieces));
        expect({ values: records, faults }).toEqual(await readEach(at('a.jsonl'), {}));
      }),
      { numRuns: 100 },
    );
  });

  it('are given up to the fault at which a function ends the pass', async () => {
    const at = temporaryDirectory();
    await fc.assert(
      fc.asyncProperty(file, fc.integer({ min: 1, max: 5 }), async (bytes, last) => {
        writeFileSync(at('a.jsonl'), bytes);
        const until = async (entries: boolean): Promise<unknown[]> => {
          let faults = 0;
          const onCorrupt = (): void => {
            faults += 1;
            if (faults === last) throw new Error('enough');
          };
          const reader = read(at('a.jsonl'), { onCorrupt });
          const values: unknown[] = [];
          try {
            if (entries) for await (const { value } of reader.entries()) values.push(value);
            else for await (const value of reader) values.push(value);
          } catch (error) {
            values.push(error);
          }
          return values;
        };
        expect(await until(false)).toEqual(await until(true));
      }),
      { numRuns: 100 },
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

  it('leave no memory outside the heap to the collector', () => {
    const at = temporaryDirectory();
    writeFileSync(at('a.jsonl'), `${JSON.stringify({ text: 'é→'.repeat(100) })}\n`.repeat(400));
    const sizes: number[] = [];
    for (const batch of readSync(at('a.jsonl')).batches()) {
      if (batch.length > 0) sizes.push(process.memoryUsage().external);
    }
    expect(sizes.length).toBeGreaterThan(5);
    expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThan(16 * 1024);
  });
});

describe('a process that reads lines beyond ASCII', () => {
  const compiled = useCompiledSource();

  it('keeps nothing of the context in which it read first, and ends', () => {
    const program = `
      import { AsyncLocalStorage } from 'node:async_hooks';
      import { writeFileSync } from 'node:fs';
      import { readSync } from ${JSON.stringify(compiled('index.js'))};
      const path = ${JSON.stringify(join(temporaryDirectory()('.'), 'a.jsonl'))};
      writeFileSync(path, '{"text":"→"}\\n'.repeat(100));
      const storage = new AsyncLocalStorage();
      let collected = false;
      const registry = new FinalizationRegistry(() => { collected = true; });
      (() => {
        const store = { secret: 'of this request' };
        registry.register(store);
        storage.run(store, () => { for (const record of readSync(path)) void record; });
      })();
      for (let turn = 0; turn < 50 && !collected; turn += 1) {
        gc();
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      console.log(collected);`;
    const output = execFileSync(
      process.execPath,
      ['--expose-gc', '--input-type=module', '-e', program],
      { encoding: 'utf8', timeout: 30_000 },
    );
    expect(output).toBe('true\n');
  });
});
