import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openWriter } from '../../src/index.js';
import { createEncoder } from '../../src/write/encode-record.js';
import { firstLine, type LineBytes } from '../../src/write/line-bytes.js';
import { makeWellFormed } from '../../src/write/well-formed.js';
import { useCompiledSource } from '../compile-source.js';
import { temporaryDirectory } from '../temporary-directory.js';

const encoder = createEncoder({ redact: undefined, chained: false });
const toText = ({ bytes, end }: LineBytes): string => bytes.toString('utf8', firstLine, end);
const encode = (value: unknown): string => toText(encoder.one(value));
/** Its halves of surrogate pairs are the only thing in which ours may differ. */
const byEngine = (value: unknown): string => `${JSON.stringify(value)}\n`;

const name = fc.oneof(
  fc.constantFrom('a', 'b', 'type', '__proto__', 'constructor', '0', '12', '-1', '4294967295', ''),
  fc.string({ unit: 'grapheme', maxLength: 60 }),
);
const leaf = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 90 }),
  fc.string({ unit: 'binary-ascii', maxLength: 90 }),
  fc.double(),
  fc.integer(),
  fc.maxSafeInteger(),
  fc.boolean(),
  fc.constantFrom(null, undefined, Symbol('s'), -0, 1e21, 5e-324, 2 ** 31, -(2 ** 31)),
  fc.date(),
  fc.uint8Array({ maxLength: 5 }),
);
/** Some of these JSON.stringify treats in ways of its own. */
const odd: fc.Arbitrary<unknown> = fc
  .constantFrom<() => unknown>(
    () => new Map([[1, 2]]),
    () => new String('boxed "text"'),
    () => new Number(5),
    () => Object(true),
    () =>
      new (class Point {
        x = 1;
        y = 'z';
        #hidden = 2;
        get z(): number {
          return this.#hidden;
        }
      })(),
    () => Object.assign(Object.create(null) as object, { b: 1, a: [undefined] }),
    () => Object.assign(() => 1, { toJSON: (key: string) => `function at ${key}` }),
    () => ({ toJSON: (key: string) => ({ key, twice: [key] }) }),
    () => ({ toJSON: () => undefined }),
    () => ({ toJSON: 'no function' }),
    () => Object.defineProperty({ seen: 1 }, 'unseen', { value: 2, enumerable: false }),
    () => Object.defineProperty({ a: 1 }, 'toJSON', { value: () => 'hidden', enumerable: false }),
    () => Object.create({ inherited: 1 }, { own: { value: 2, enumerable: true } }) as object,
    () => Object.assign([1, 2], { extra: 3 }),
    () => new (class extends Array<number> {})(3),
    () => new Proxy({ a: 1, b: [2] }, {}),
    () => new Proxy([1, { a: 2 }], {}),
    // eslint-disable-next-line no-sparse-arrays
    () => [1, , 3],
    () => [() => 1, Symbol('s'), undefined],
    () => new Error('no property of it'),
    () => ({
      get got() {
        return 'by a getter';
      },
    }),
    () => Object.freeze({ frozen: Object.freeze([1]) }),
    () => JSON.parse('{"__proto__":{"x":1},"2":"b","1":"a","z":0}') as unknown,
  )
  .map((make) => make());
const value = fc.letrec<{ any: unknown }>((tie) => ({
  any: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    leaf,
    odd,
    fc.array(tie('any'), { maxLength: 6 }),
    fc.dictionary(name, tie('any'), { maxKeys: 6 }),
  ),
})).any;

describe('encodes as JSON.stringify does', () => {
  it('whatever JSON can hold', () => {
    fc.assert(
      fc.property(value, (some) => {
        const text = JSON.stringify(some) as string | undefined;
        if (text === undefined) expect(() => encode(some)).toThrow(TypeError);
        else expect(encode(some)).toBe(`${text}\n`);
      }),
      { numRuns: 2000 },
    );
  });

  it('many records in one call, however they meet the end of the page', () => {
    const record = fc.record({ text: fc.nat({ max: 9000 }), some: value });
    fc.assert(
      fc.property(fc.array(record, { maxLength: 60 }), (records) => {
        const values = records.map(({ text, some }) => ['"x'.repeat(text), { [`k${text}`]: some }]);
        expect(toText(encoder.all(values))).toBe(values.map(byEngine).join(''));
      }),
      { numRuns: 60 },
    );
  });

  it.each([126_000, 128 * 1024, 131_000])('each length of a record near %i bytes', (length) => {
    for (let more = -70; more < 70; more += 1) {
      const some = [['x'.repeat(length + more)], { 'näme\n': [[[[]]]] }, 'é"', 12345, [true, null]];
      expect(encode(some)).toBe(byEngine(some));
    }
  });

  it('names that were never seen, more than are kept', () => {
    for (let n = 0; n < 30_000; n += 1) {
      const some = { [`${n}"ü`]: n, [`name-${n}`]: [n], same: { [`${n}`]: 'x' } };
      expect(encode(some)).toBe(byEngine(some));
    }
  });

  it('objects of more names than the page has room for', () => {
    const names = Array.from(
      { length: 4000 },
      (_, n) => [`n${n}`, `${n}`.padEnd(39, '.')] as const,
    );
    const wide = { names: Object.fromEntries(names), after: 1 };
    // The second time, every name is known.
    for (const _ of [1, 2]) expect(encode(wide)).toBe(byEngine(wide));
  });

  it('texts that become six times as long, wherever the page ends', () => {
    for (let length = 100_000; length < 131_500; length += 211) {
      const some = ['x'.repeat(length), '\0'.repeat(4096), '"'.repeat(4096), 'y'];
      expect(encode(some)).toBe(byEngine(some));
    }
  });

  it('new names beyond ASCII, wherever the page ends', () => {
    for (let length = 129_000; length < 130_200; length += 3) {
      const short = Array.from({ length: length / 42 }, () => 'x'.repeat(39));
      const some = [short, 'y'.repeat(length % 42), { [`${length}${'\n\u20ac'.repeat(16)}`]: 1 }];
      expect(encode(some)).toBe(byEngine(some));
      expect(encode(some)).toBe(byEngine(some));
    }
  });

  it('what is nested deeper than it looks itself', () => {
    let nested: unknown = 'core';
    for (let depth = 0; depth < 1000; depth += 1) {
      nested = depth % 2 === 0 ? { depth, nested } : [depth, nested];
      if (depth < 80 || depth % 100 === 0) expect(encode(nested)).toBe(byEngine(nested));
    }
  });

  it('texts cut between the halves of a surrogate pair, which stay whole', () => {
    for (const length of [4094, 4095, 4096, 8191, 8192]) {
      const some = `${'x'.repeat(length)}😀${'y'.repeat(5000)}`;
      expect(encode(some)).toBe(byEngine(some));
    }
  });

  it('records of more than two megabytes, and small ones afterwards', () => {
    const large = {
      list: Array.from({ length: 40_000 }, (_, n) => ({ n, text: 'some "text"\n'.repeat(5) })),
    };
    expect(encode(large)).toBe(byEngine(large));
    expect(encode({ n: 1 })).toBe('{"n":1}\n');
    const texts = ['a'.repeat(3_000_000), '\u20ac'.repeat(1_500_000)];
    expect(toText(encoder.all([texts, 1]))).toBe(`${byEngine(texts)}1\n`);
    expect(encode({ n: 2 })).toBe('{"n":2}\n');
  });

  it('getters and toJSON, each called once', () => {
    let calls = 0;
    const count = (): number => (calls += 1);
    const some = {
      get a() {
        return count();
      },
      b: { toJSON: count },
      c: [
        {
          toJSON: () => ({
            get d() {
              return count();
            },
          }),
        },
      ],
    };
    expect(encode(some)).toBe('{"a":1,"b":2,"c":[{"d":3}]}\n');
  });

  it('a toJSON that is a getter, which is asked once', () => {
    const first = (...values: readonly unknown[]): object => {
      let calls = 0;
      const get = (): unknown => {
        calls += 1;
        return calls <= values.length ? values[calls - 1] : () => `call ${calls}`;
      };
      return Object.defineProperty({ a: 1 }, 'toJSON', { enumerable: true, get });
    };
    class Point {
      calls = 0;
      get toJSON(): () => number {
        this.calls += 1;
        return () => this.calls;
      }
    }
    const makes = [
      () => first(),
      () => [first(undefined), { x: first(5), y: first(5, 6), z: first('', undefined) }],
      () => ({ point: new Point(), list: [new Point()] }),
      () => Object.assign(() => 1, { toJSON: () => first(() => 'not again') }),
      () => ({ toJSON: () => () => 'nothing' }),
      () => [{ toJSON: () => Symbol('nothing') }, { toJSON: () => new String('boxed') }],
    ];
    for (const make of makes) {
      const text = JSON.stringify(make()) as string | undefined;
      if (text === undefined) expect(() => encode(make())).toThrow(TypeError);
      else expect(encode(make())).toBe(`${text}\n`);
    }
  });

  let asked = 0;
  it.each<[string, () => unknown]>([
    ['no whole number', () => 2.5],
    ['negative', () => -1],
    ['no number', () => NaN],
    ['a text', () => '2'],
    ['another one each time', () => ({ valueOf: () => (asked += 3) })],
  ])('a list by a proxy whose length is %s', (_, makeLength) => {
    const get = (list: readonly unknown[], key: string | symbol): unknown =>
      key === 'length' ? makeLength() : Reflect.get(list, key);
    const some = [new Proxy([1, 2, 3], { get }), 'after'];
    asked = 0;
    const text = byEngine(some);
    asked = 0;
    expect(encode(some)).toBe(text);
  });

  it('a proxy that does not tell its prototype', () => {
    const getPrototypeOf = (): never => {
      throw new Error('not told');
    };
    const some = [new Proxy({ a: [1] }, { getPrototypeOf }), new Proxy([2], { getPrototypeOf })];
    expect(encode(some)).toBe(byEngine(some));
  });

  it('what a getter deletes, adds and changes meanwhile', () => {
    const make = (): object => {
      const some: Record<string, unknown> = {
        get first() {
          delete some['gone'];
          some['new'] = 1;
          some['changed'] = ['after'];
          return 1;
        },
        gone: 1,
        changed: 'before',
      };
      return some;
    };
    expect(encode(make())).toBe(byEngine(make()));
  });

  describe('where prototypes were changed', () => {
    const some = { a: [1, { b: 'c' }], d: {} };

    it('without what all objects inherit', () => {
      Object.assign(Object.prototype, { everywhere: 1 });
      const both = [encode(some), byEngine(some)];
      Reflect.deleteProperty(Object.prototype, 'everywhere');
      expect(both[0]).toBe(both[1]);
    });

    it.each([Object.prototype, Array.prototype])('with their toJSON', (prototype) => {
      Object.assign(prototype, { toJSON: () => 'by the prototype' });
      const both = [encode(some), byEngine(some)];
      Reflect.deleteProperty(prototype, 'toJSON');
      expect(both[0]).toBe(both[1]);
    });
  });
});

/** Not in each Node that this runs on, and unknown to its types. */
const { rawJSON } = JSON as { rawJSON?: (json: string) => unknown };

describe('half a surrogate pair that is escaped in upper case, as JSON.rawJSON may have it', () => {
  it('is replaced in text that is JSON already', () => {
    expect(makeWellFormed('["\\uD83D","\\uD83D\\uDE00","\\\\uD83D"]')).toBe(
      '["\ufffd","\\uD83D\\uDE00","\\\\uD83D"]',
    );
  });

  it.runIf(rawJSON !== undefined)('is replaced in a record', () => {
    const some = { half: rawJSON?.('"\\uD83D"'), number: [rawJSON?.('1e1000')] };
    expect(encode(some)).toBe('{"half":"\ufffd","number":[1e1000]}\n');
  });
});

it('leaves a cycle to the engine, which names it', () => {
  const some: Record<string, unknown> = { list: [] };
  (some['list'] as unknown[]).push({ some });
  expect(() => encode(some)).toThrow(/circular structure/);
});

describe('goes on', () => {
  it.each<[string, unknown]>([
    ['a BigInt', [1, { big: 1n }]],
    [
      'a cycle',
      Object.assign([1], {
        0: {
          get self() {
            return this;
          },
        },
      }),
    ],
    [
      'a getter that throws',
      {
        a: 'x'.repeat(200_000),
        get b() {
          throw new Error('on purpose');
        },
      },
    ],
  ])('after %s, which is refused', (_, bad) => {
    expect(() => encode(bad)).toThrow(TypeError);
    expect(() => encode(bad)).toThrow(/must be a value that JSON can hold/);
    expect(() => encoder.all(['x'.repeat(200_000), 1, bad])).toThrow(TypeError);
    expect(encode({ n: 1 })).toBe('{"n":1}\n');
    expect(toText(encoder.all([1, 2]))).toBe('1\n2\n');
  });

  it('with a record whose getter appends to the same writer', async () => {
    const path = temporaryDirectory()('a.jsonl');
    const writer = await openWriter(path, { durability: 'kernel' });
    const inner: Promise<unknown>[] = [];
    const outer = {
      a: 'x'.repeat(200_000),
      get b() {
        inner.push(writer.append({ inner: 1 }), writer.appendMany([{ inner: 2 }, { inner: 3 }]));
        return 'whole';
      },
      c: 'y'.repeat(200_000),
    };
    const { b: _b, ...plain } = outer;
    inner.length = 0;
    await writer.append(outer);
    await Promise.all(inner);
    await writer.close();
    const lines = readFileSync(path, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as object);
    expect(lines.filter((line) => 'inner' in line).slice(-3)).toEqual([
      { inner: 1 },
      { inner: 2 },
      { inner: 3 },
    ]);
    expect(lines.filter((line) => 'a' in line)).toEqual([{ ...plain, b: 'whole' }]);
  });
});

const source = useCompiledSource();

it('keeps no memory for huge records that were refused', () => {
  const program = `import { openWriter } from ${JSON.stringify(source('index.js'))};
    const writer = await openWriter(process.argv[1], { durability: 'kernel' });
    const huge = 'x'.repeat(64e6);
    await writer.append('x'.repeat(200_000));
    const left = [];
    for (const more of [1n, () => 1]) {
      const refused = typeof more === 'bigint' ? writer.append([huge, more]) : writer.appendMany([huge, more]);
      const reason = await refused.catch((error) => error);
      if (!(reason instanceof TypeError)) throw new Error('not refused', { cause: reason });
      for (let turn = 0; turn < 5; turn += 1) {
        gc();
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      left.push(process.memoryUsage().arrayBuffers);
    }
    await writer.close();
    process.stdout.write(String(Math.max(...left)));`;
  const path = temporaryDirectory()('a.jsonl');
  const given = ['--expose-gc', '--input-type=module', '-e', program, path];
  expect(Number(execFileSync(process.execPath, given))).toBeLessThan(8e6);
});

describe('without WebAssembly', () => {
  it('writes the same', () => {
    const path = temporaryDirectory()('a.jsonl');
    const some = {
      text: 'a "quoted" text\n of some length, with ä, 😀 and \u0001',
      n: [1.5, null, true],
    };
    const program = `import { openWriter } from ${JSON.stringify(source('index.js'))};
      const writer = await openWriter(process.argv[1]);
      await writer.append(${JSON.stringify(some)});
      await writer.close();
      process.stdout.write(typeof WebAssembly);`;
    const said = execFileSync(process.execPath, [
      '--jitless',
      '--input-type=module',
      '-e',
      program,
      path,
    ]);
    expect(said.toString()).toBe('undefined');
    expect(readFileSync(path, 'utf8')).toBe(byEngine(some));
  });
});
