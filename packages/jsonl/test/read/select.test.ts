import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readAll, type ReadOptions } from '../../src/index.js';
import { bytesFileSystem } from '../bytes-file-system.js';
import { jsonText } from './arbitrary-lines.js';

const readText = async (text: string, options: ReadOptions = {}, chunk = Infinity) =>
  readAll('memory', { ...options, fileSystem: bytesFileSystem(Buffer.from(text), chunk) });

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** The rule, written a second time. */
function expected(records: readonly unknown[], { where = {}, fields }: ReadOptions): unknown[] {
  const isObject = (value: unknown): value is Record<string, unknown> =>
    typeof value === 'object' && value !== null && !Array.isArray(value);
  return records
    .filter((record) =>
      Object.entries(where).every(
        ([name, value]) =>
          isObject(record) && Object.hasOwn(record, name) && record[name] === value,
      ),
    )
    .map((record) => {
      if (fields === undefined) return record;
      const kept = Object.entries(isObject(record) ? record : {});
      return Object.fromEntries(kept.filter(([name]) => fields.includes(name)));
    });
}

/** As JSON with sorted names, so that an own `__proto__` counts and the order of fields does not. */
function comparable(values: readonly unknown[]): string[] {
  const sort = (_name: string, value: unknown): unknown =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value;
  return values.map((value) => JSON.stringify(value, sort));
}

/** How many names with a value a text has, at any depth. */
const countPairs = (text: string): number =>
  text.replace(/"(?:[^"\\]|\\.)*"/g, '').split(':').length - 1;

/** Of a name that stands twice either value may be given, so that these lines are compared apart. */
const uniqueNames = jsonText.filter(
  (line) => line.trim() === '' || countPairs(line) === countPairs(JSON.stringify(JSON.parse(line))),
);

const where = fc.dictionary(
  fc.constantFrom('type', 'kind', 'n', 'typ\u00e9'),
  fc.constantFrom('assistant', 'a/b', 'é', '"', '', 1, -1, 0, true, null),
  { minKeys: 1, maxKeys: 2, noNullPrototype: true },
);
const fields = fc.subarray(['type', 'n', 'a', '', '__proto__', 'typ\u00e9', 'deep']);

describe('where and fields', () => {
  it('give exactly what parsing everything and choosing then gives', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(uniqueNames, { maxLength: 12 }),
        fc.option(where, { nil: undefined }),
        fc.option(fields, { nil: undefined }),
        fc.integer({ min: 1, max: 100 }),
        async (lines, wanted, names, chunk) => {
          const options: ReadOptions = {
            ...(wanted === undefined ? {} : { where: wanted }),
            ...(names === undefined ? {} : { fields: names }),
          };
          const text = lines.map((line) => `${line}\n`).join('');
          const all = await readText(text);
          expect(all.faults).toEqual([]);
          const chosen = await readText(text, options, chunk);
          expect(chosen.faults).toEqual([]);
          expect(comparable(chosen.records)).toEqual(comparable(expected(all.records, options)));
        },
      ),
      { numRuns: 600 },
    );
  });

  it('find a value however it is written', async () => {
    const text = [
      '{"type":"a/b"}',
      '{"type" : "a\\/b"}',
      '{"t\\u0079pe":"\\u0061/b"}',
      '{"type":"x","type":"a/b"}',
      '{"type":"a/b","type":"x"}',
      '{"deep":{"type":"a/b"}}',
      '["a/b"]',
      '"a/b"',
    ].join('\n');
    const { records } = await readText(text, { where: { type: 'a/b' } });
    expect(records).toEqual([{ type: 'a/b' }, { type: 'a/b' }, { type: 'a/b' }, { type: 'a/b' }]);
    const numbers = '{"n":1}\n{"n":1.0}\n{"n":10e-1}\n{"n":"1"}\n{"n":true}\n{}\n';
    expect((await readText(numbers, { where: { n: 1 } })).records).toHaveLength(3);
    expect((await readText('{"n":null}\n{}\n', { where: { n: null } })).records).toHaveLength(1);
  });

  it('find a value in a text that is full of nearly the same', async () => {
    // The last makes every pair of its bytes common, so that it is looked for whole.
    const nearly = fc.oneof(
      fc.string({ unit: fc.constantFrom('s', 'u', 'm', 'a', 'r', 'y', '"'), maxLength: 200 }),
      fc.nat({ max: 3000 }).map((count) => '"summar'.repeat(count)),
    );
    const type = fc.constantFrom('summary', 'summar', 'ummary', 'summary"');
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ a: nearly, type, b: nearly }), { minLength: 1, maxLength: 30 }),
        fc.integer({ min: 100, max: 5000 }),
        async (records, chunk) => {
          const text = records.map((record) => `${JSON.stringify(record)}\n`).join('');
          const found = await readText(text, { where: { type: 'summary' } }, chunk);
          expect(found.records).toEqual(records.filter((record) => record.type === 'summary'));
        },
      ),
    );
  });

  it('find a value between texts that are full of escapes', async () => {
    const escaped = fc.array(fc.constantFrom('\n', '"', '\\', '{"', 'x', '}{', '\u0001', 'a/b'), {
      minLength: 20,
      maxLength: 60,
    });
    const text = escaped.map((parts) => parts.join(''));
    const value = fc.constantFrom(
      '"a/b"',
      '"a\\/b"',
      '"\\u0061/b"',
      '"a/c"',
      '1',
      '1.0',
      'true',
      '{}',
    );
    const line = fc
      .record({ before: text, value, after: fc.oneof(text, fc.array(fc.record({ type: text }))) })
      .chain(({ before, value, after }) => {
        const pairs = [
          `"before":${JSON.stringify(before)}`,
          `"type":${value}`,
          `"after":${JSON.stringify(after)}`,
        ];
        return fc.shuffledSubarray(pairs, { minLength: 1 }).map((some) => `{${some.join(', ')}}`);
      });
    await fc.assert(
      fc.asyncProperty(
        fc.array(line, { minLength: 1, maxLength: 20 }),
        fc.constantFrom('a/b', 1, true, ''),
        fc.integer({ min: 50, max: 3000 }),
        async (lines, type, chunk) => {
          const text = lines.join('\n');
          const found = await readText(text, { where: { type } }, chunk);
          const all = lines.map((text) => JSON.parse(text) as unknown);
          expect(found.records).toEqual(expected(all, { where: { type } }));
        },
      ),
      { numRuns: 300 },
    );
  });

  it('do not parse a line that cannot match, so that damage in it is not reported', async () => {
    const text = '{"type":"x","tex\n{"type":"y"}{"type":"z"}\n{"type":"y","te{"type":"y"}\n';
    const { records, faults } = await readText(text, { where: { type: 'y' } });
    expect(records).toEqual([{ type: 'y' }, { type: 'y' }]);
    expect(faults.map(({ kind }) => kind)).toEqual(['multi_record', 'glued']);
  });

  it('find records over several lines, as others print them', async () => {
    const all = [
      { type: 'x', deep: { type: 'y' } },
      { type: 'y', list: [1] },
      { n: 1, type: 'y' },
      [1],
    ];
    for (const space of [2, '\t']) {
      const text = all.map((one) => `${JSON.stringify(one, undefined, space)}\n`).join('');
      for (const chosen of [{ type: 'y' }, { type: 'x' }, { n: 1 }]) {
        const options = { where: chosen };
        const { records } = await readText(text, options, 7);
        expect(records).toEqual(expected(all, options));
      }
    }
  });

  it('recover the records of damaged lines', async () => {
    const text = '{"a":1,"b":{"x{"a":2,"b":3}\n\0\0{"a":3,"c":"}{"}\n{"a":4}{"a":5}\n{"a":6,"b":';
    const { records, faults } = await readText(text, { fields: ['a'] });
    expect(records).toEqual([{ a: 2 }, { a: 3 }, { a: 4 }, { a: 5 }]);
    expect(faults.map(({ kind }) => kind)).toEqual([
      'glued',
      'nul_run',
      'multi_record',
      'torn_tail',
    ]);
  });

  it('lose no record beside a line torn at any byte, and give none that is not whole', async () => {
    const nexts = [
      '{"type":"b","text":"{","n":[{"x":1}],"last":2}',
      '{"}\\"]" : "{","type":"b","n":{"":1},"text":"]}"}',
    ];
    const records = [
      { type: 'a', text: 'words, {"q": [1]} and {', n: [{ x: { y: 'é' } }, 2], last: { type: 1 } },
      { type: 'a', more: [[], {}, [{ type: 'c' }]], text: ': {', last: null },
    ];
    for (const record of records) {
      const line = Buffer.from(JSON.stringify(record));
      for (let cut = 0; cut <= line.length; cut += 1) {
        for (const rest of ['', ...nexts.flatMap((next) => [`${next}\n`, `\n${next}`])]) {
          const stub = line.subarray(0, cut);
          // What is behind the wanted fields is not parsed: such a line looks whole, and is documented.
          if (rest.startsWith('\n') && cut < line.length && stub.at(-1) === 0x7d) continue;
          // So does one cut where a value may begin, even in a text, unless the next record begins as it does.
          const isValueNext = /[:,[] *$/.test(stub.toString('latin1'));
          if (isValueNext && rest.startsWith('{"}')) continue;
          // Where a field stood in the line before, it is looked for first.
          const before = cut % 2 === 0 ? '' : `${JSON.stringify(record)}\n`;
          const bytes = Buffer.concat([Buffer.from(before), stub, Buffer.from(rest)]);
          const give = (options: ReadOptions) =>
            readAll('memory', { ...options, fileSystem: bytesFileSystem(bytes) });
          const all = await give({});
          for (const fields of [['type'], ['text'], ['n'], ['type', 'last'], ['text', 'n']]) {
            const chosen = await give({ fields });
            expect(chosen.records, bytes.toString()).toEqual(expected(all.records, { fields }));
            expect(chosen.faults).toEqual(all.faults);
          }
        }
      }
    }
  });

  it('are not misled by lines that differ where the one before had the field', async () => {
    /** All of the same length before the name, most with something else than the field at its place. */
    const heads = [
      '{"a":"xxxxxx"',
      '{"a":{"b":1}}',
      '{"a":{"b":123',
      '{"a":[{"b":12',
      '{"a":"{","c":2',
      '{"a":"x,\\"\\""',
      '{"a":"\\",xxx"',
      '{"a":[1,2,34]',
      '{"a":",","c":1',
      '{"a":1,"b":[]',
    ];
    const tails = [',"n":"v","z":1}', ',"n":[{"n":2}]}', ',"n":1}}', ',"n":3,"z":{"n":4}}'];
    const lines = heads.flatMap((head) => tails.map((tail) => head + tail)).filter(isJson);
    expect(lines.length).toBeGreaterThan(20);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom(...lines), { minLength: 2, maxLength: 8 }),
        async (chosenLines) => {
          const text = chosenLines.map((line) => `${line}\n`).join('');
          const all = await readText(text);
          const chosen = await readText(text, { fields: ['n'] });
          expect(chosen.faults).toEqual([]);
          expect(comparable(chosen.records)).toEqual(
            comparable(expected(all.records, { fields: ['n'] })),
          );
        },
      ),
      { numRuns: 600 },
    );
  });

  it.each(['', '\r', ' '])(
    'are not misled by lines that end differently where the one before, with %j, had the fields',
    async (space) => {
      const line = `{"text":"some {\\"words\\"}, more","list":[{"a":1}],"uuid":"0123-4567","at":"2026"}${space}`;
      const fields = ['uuid', 'at'];
      const others = ['"', '\\', '{', '}', ',', ':', 'x', '1', ' ', '\r', '\t', '\u00e9', '\0'];
      for (let at = line.indexOf(',"uuid"'); at < line.length; at += 1) {
        for (const other of others) {
          const changed = line.slice(0, at) + other + line.slice(at + 1);
          const text = `${line}\n${line}\n${changed}\n${line}\n`;
          const all = await readText(text);
          const chosen = await readText(text, { fields });
          const wanted = expected(all.records, { fields });
          expect(comparable(chosen.records), changed).toEqual(comparable(wanted));
          expect(chosen.faults, changed).toEqual(all.faults);
        }
      }
    },
  );

  it('give one of the values of a name that stands twice', async () => {
    const { records } = await readText('{"a":1,"b":2,"a":3}\n', { fields: ['a'] });
    expect([[{ a: 1 }], [{ a: 3 }]]).toContainEqual(records);
  });

  it('take time linear in the length also where a space stands behind each brace', async () => {
    const line = `{ "type": "a", "n": 1, "text": "${'x'.repeat(60)}" }\n`;
    const text = line.repeat(100_000);
    const started = performance.now();
    const { records } = await readText(text, { fields: ['type'] });
    expect(records).toHaveLength(100_000);
    expect(records.at(-1)).toEqual({ type: 'a' });
    expect(performance.now() - started).toBeLessThan(2000);
  }, 60_000);

  it('refuse values that text cannot be compared with', async () => {
    for (const value of [Number.NaN, Infinity, {}, undefined, 1n]) {
      const options = { where: { a: value } } as unknown as ReadOptions;
      await expect(readText('', options)).rejects.toBeInstanceOf(TypeError);
    }
    const options = { fields: [1] } as unknown as ReadOptions;
    await expect(readText('', options)).rejects.toBeInstanceOf(TypeError);
  });
});

describe('__proto__', () => {
  const text = '{"__proto__":{"x":1},"a":[{"__proto__":2,"b":1}]}\n';

  it('is an own property and reaches no prototype', async () => {
    for (const options of [{}, { fields: ['__proto__', 'a'] }]) {
      const { records } = await readText(text, options);
      expect(Object.keys(records[0] as object)).toEqual(['__proto__', 'a']);
      expect(Object.getPrototypeOf(records[0])).toBe(Object.prototype);
      expect((records[0] as { x?: number }).x).toBeUndefined();
    }
  });

  it("is left out at any depth with proto: 'remove', however it is written", async () => {
    const deep = `${'['.repeat(50_000)}{"__proto__":1}${']'.repeat(50_000)}`;
    const { records } = await readText(`${text}{"__pr\\u006fto__":1}\n${deep}\n`, {
      proto: 'remove',
    });
    expect(records.slice(0, 2).map((record) => JSON.stringify(record))).toEqual([
      '{"a":[{"b":1}]}',
      '{}',
    ]);
    let inner: unknown = records[2];
    while (Array.isArray(inner)) inner = inner[0] as unknown;
    expect(Object.keys(inner as object)).toEqual([]);
  });
});
