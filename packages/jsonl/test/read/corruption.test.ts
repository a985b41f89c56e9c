import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readAll, type FaultKind } from '../../src/index.js';
import { bytesFileSystem } from '../bytes-file-system.js';

/** Reads bytes in chunks of a few sizes, which must make no difference. */
async function recover(content: Buffer | string): Promise<{
  records: unknown[];
  faults: { kind: FaultKind; text: string }[];
}> {
  const bytes = Buffer.from(content);
  const [first, ...others] = await Promise.all(
    [Infinity, 1, 3, 8].map((chunk) =>
      readAll('memory', { fileSystem: bytesFileSystem(bytes, chunk) }),
    ),
  );
  for (const other of others) expect(other).toEqual(first);
  const { records, faults } = first ?? { records: [], faults: [] };
  return {
    records,
    faults: faults.map(({ kind, byteStart, byteEnd }) => ({
      kind,
      text: bytes.toString('latin1', byteStart, byteEnd),
    })),
  };
}

const a = { n: 1, text: 'käse' };
const b = { n: 2, deep: [{ text: '}{"n":1}' }] };
const [lineA, lineB] = [JSON.stringify(a), JSON.stringify(b)];

describe('every whole record around damage is read, and the damage is reported', () => {
  const rows: [string, string | Buffer, unknown[], { kind: FaultKind; text: string }[]][] = [
    [
      'a torn tail',
      `${lineA}\n${lineB}\n{"n":3,"te`,
      [a, b],
      [{ kind: 'torn_tail', text: '{"n":3,"te' }],
    ],
    ['a tail that only lacks its newline', `${lineA}\n${lineB}`, [a, b], []],
    [
      'a stub glued to a record',
      `${lineA}\n{"n":3,"te${lineB}\n${lineA}\n`,
      [a, b, a],
      [{ kind: 'glued', text: '{"n":3,"te' }],
    ],
    [
      'two stubs glued to a record',
      `{"n":3,"te{"n":{"x${lineB}\n`,
      [b],
      [{ kind: 'glued', text: '{"n":3,"te{"n":{"x' }],
    ],
    [
      'two records on a line',
      `{"n":1}{"n":2}\n${lineA}\n`,
      [{ n: 1 }, { n: 2 }, a],
      [{ kind: 'multi_record', text: '{"n":1}{"n":2}' }],
    ],
    [
      'a record glued to a stub',
      `{"n":1}{"n":2,"x":"y\n${lineA}\n`,
      [{ n: 1 }, a],
      [{ kind: 'glued', text: '{"n":2,"x":"y' }],
    ],
    [
      'a record glued to a torn tail',
      `{"n":1}{"n":2,"x":"y`,
      [{ n: 1 }],
      [{ kind: 'torn_tail', text: '{"n":2,"x":"y' }],
    ],
    [
      'zero bytes at the end',
      `${lineA}\n${lineB}\n\0\0\0\0`,
      [a, b],
      [{ kind: 'nul_run', text: '\0\0\0\0' }],
    ],
    [
      'zero bytes before a record',
      `${lineA}\n\0\0\0${lineB}\n`,
      [a, b],
      [{ kind: 'nul_run', text: '\0\0\0' }],
    ],
    [
      'zero bytes between records',
      `{"n":1}\0\0{"n":2}\n`,
      [{ n: 1 }, { n: 2 }],
      [{ kind: 'nul_run', text: '\0\0' }],
    ],
    [
      'zero bytes inside a record',
      `${lineA}\n{"n":1,"te\0\0xt"}\n${lineB}\n`,
      [a, b],
      [
        { kind: 'not_json', text: '{"n":1,"te' },
        { kind: 'nul_run', text: '\0\0' },
        { kind: 'not_json', text: 'xt"}' },
      ],
    ],
    [
      'a stub, zero bytes, and a stub glued to a record',
      `{"n":\0{"n":[${lineB}\n`,
      [b],
      [
        { kind: 'not_json', text: '{"n":' },
        { kind: 'nul_run', text: '\0' },
        { kind: 'glued', text: '{"n":[' },
      ],
    ],
    [
      'a byte order mark, also of a file that was appended to another',
      `\ufeff{"n":1}\n{"n":2}\n\ufeff{"n":3}\n`,
      [{ n: 1 }, { n: 2 }, { n: 3 }],
      [
        { kind: 'byte_order_mark', text: '\xef\xbb\xbf' },
        { kind: 'byte_order_mark', text: '\xef\xbb\xbf' },
      ],
    ],
    ['blank lines', `\n\n${lineA}\n  \t\n\n${lineB}\n\n`, [a, b], []],
    [
      'CRLF: one fault for each run of such lines',
      `{"n":1}\r\n{"n":2}\r\n{"n":3}\n{"n":4}\r\n`,
      [{ n: 1 }, { n: 2 }, { n: 3 }, { n: 4 }],
      [
        { kind: 'crlf', text: '{"n":1}\r\n{"n":2}\r' },
        { kind: 'crlf', text: '{"n":4}\r' },
      ],
    ],
    [
      'line separators in text',
      `{"t":"\u2028\u2029\u0085"}\n${lineA}\n`,
      [{ t: '\u2028\u2029\u0085' }, a],
      [],
    ],
    ['four-byte characters', `{"t":"😀🏳️‍🌈"}\n${lineA}\n`, [{ t: '😀🏳️‍🌈' }, a], []],
    ['a replacement character that is text', `{"t":"\ufffd"}\n`, [{ t: '\ufffd' }], []],
    [
      'an invalid byte in text',
      Buffer.concat([Buffer.from('{"t":"'), Buffer.of(0xff), Buffer.from(`"}\n${lineA}\n`)]),
      [a],
      [{ kind: 'bad_utf8', text: '{"t":"\xff"}' }],
    ],
    [
      'a character cut by a glued record',
      Buffer.concat([Buffer.from('{"t":"'), Buffer.of(0xf0, 0x9f), Buffer.from(`${lineA}\n`)]),
      [a],
      [{ kind: 'glued', text: '{"t":"\xf0\x9f' }],
    ],
    [
      'a raw newline in a string',
      `{"t":"one\ntwo"}\n${lineA}\n`,
      [{ t: 'one\ntwo' }, a],
      [{ kind: 'control_character', text: '{"t":"one\ntwo"}' }],
    ],
    [
      'raw newlines in a string, among them lines that are JSON by themselves',
      `${lineA}\n{"t":"one\n\n42\n\\"x\\"\ntwo","u":[\n1]}\n${lineB}\n`,
      [a, { t: 'one\n\n42\n"x"\ntwo', u: [1] }, b],
      [{ kind: 'control_character', text: '{"t":"one\n\n42\n\\"x\\"\ntwo","u":[\n1]}' }],
    ],
    [
      'other raw control characters in a string',
      `{"t":"one\ttwo\u0001\u001b"}\n${lineA}\n`,
      [{ t: 'one\ttwo\u0001\u001b' }, a],
      [{ kind: 'control_character', text: '{"t":"one\ttwo\u0001\u001b"}' }],
    ],
    [
      'a record over several lines',
      `${lineA}\n{\n  "n": 3,\n  "list": [\n    {}\n  ]\n}\n${lineB}\n`,
      [a, { n: 3, list: [{}] }, b],
      [{ kind: 'multi_line', text: '{\n  "n": 3,\n  "list": [\n    {}\n  ]\n}' }],
    ],
    [
      'a torn line that was ended, before whole lines',
      `{"n":3,"te\n${lineA}\n42\n${lineB}\n`,
      [a, 42, b],
      [{ kind: 'not_json', text: '{"n":3,"te' }],
    ],
    [
      'a torn line that was ended, before scalars and the end of the file',
      `{"n":3,"te\n42\n"x"\n`,
      [42, 'x'],
      [{ kind: 'not_json', text: '{"n":3,"te' }],
    ],
    [
      'one byte in place of a newline',
      `{"n":1}X{"n":2}\n{"n":3} {"n":4}\n`,
      [{ n: 1 }, { n: 2 }, { n: 3 }, { n: 4 }],
      [
        { kind: 'glued', text: 'X' },
        { kind: 'multi_record', text: '{"n":3} {"n":4}' },
      ],
    ],
    ['text that is no JSON', `oops\n${lineA}\n`, [a], [{ kind: 'not_json', text: 'oops' }]],
    ['NaN', `{"n":NaN}\n${lineA}\n`, [a], [{ kind: 'not_json', text: '{"n":NaN}' }]],
    [
      'a file of another encoding',
      Buffer.from(`${lineA.repeat(4)}\n`, 'utf16le'),
      [],
      [
        { kind: 'not_json', text: Buffer.from(lineA.repeat(4), 'utf16le').toString('latin1') },
        { kind: 'nul_run', text: '\0' },
      ],
    ],
    ['nothing', '', [], []],
  ];

  it.each(rows)('%s', async (_name, content, records, faults) => {
    const found = await recover(content);
    expect(found.faults).toEqual(faults);
    expect(found.records).toEqual(records);
  });

  it('deep nesting and strange keys', async () => {
    const deep = '['.repeat(200_000) + ']'.repeat(200_000);
    const { records, faults } = await readAll('memory', {
      fileSystem: bytesFileSystem(
        Buffer.from(`${deep}\n{"__proto__":{"x":1},"a":1,"a":2}\n${deep.slice(1)}\n1\n`),
      ),
    });
    expect(records).toHaveLength(3);
    expect(Object.keys(records[1] as object)).toEqual(['__proto__', 'a']);
    expect(({} as { x?: number }).x).toBeUndefined();
    expect(faults.map(({ kind }) => kind)).toEqual(['not_json']);
  });
});

describe('a stub glued to a record', () => {
  const nested = {
    type: 'event',
    data: { type: 'delta', list: [1, { a: '"}' }], more: {} },
    end: null,
  };
  const stub = Buffer.from(JSON.stringify(nested));

  it('loses the record wherever the stub was cut, if the line is only parsed (negative control)', () => {
    for (let cut = 1; cut < stub.length; cut += 1) {
      const line = stub.toString('utf8', 0, cut) + JSON.stringify({ type: 'x', n: 1 });
      // Only a cut right before a value leaves a line that could go on; none parses.
      expect(() => JSON.parse(line) as unknown).toThrow();
    }
  });

  it('gives the record wherever the stub was cut', async () => {
    const record = { type: 'other', data: { x: [1, 2, { y: '\\"' }] }, end: 1 };
    for (let cut = 1; cut <= stub.length; cut += 1) {
      const content = Buffer.concat([
        stub.subarray(0, cut),
        Buffer.from(JSON.stringify(record) + '\n'),
      ]);
      const { records, faults } = await readAll('memory', { fileSystem: bytesFileSystem(content) });
      const expected = cut === stub.length ? [nested, record] : [record];
      expect(records).toEqual(expected);
      expect(faults).toEqual([
        {
          kind: cut === stub.length ? 'multi_record' : 'glued',
          byteStart: 0,
          byteEnd: cut === stub.length ? content.length - 1 : cut,
          line: 1,
        },
      ]);
    }
  });

  it('never makes a record out of an object nested in a torn line, wherever it was cut', async () => {
    for (const [before, newline] of [
      ['', ''],
      ['', '\n'],
      ['{"type":"first"}', '\n'],
    ] as const) {
      for (let cut = 1; cut < stub.length; cut += 1) {
        const content = Buffer.concat([
          Buffer.from(before),
          stub.subarray(0, cut),
          Buffer.from(newline),
        ]);
        const { records, faults } = await readAll('memory', {
          fileSystem: bytesFileSystem(content),
        });
        expect(records).toHaveLength(before === '' ? 0 : 1);
        const kind = newline === '' ? 'torn_tail' : before === '' ? 'not_json' : 'glued';
        const byteStart = before.length;
        expect(faults).toEqual([{ kind, byteStart, byteEnd: byteStart + cut, line: 1 }]);
      }
    }
  });

  it('is found for any records of one writer', async () => {
    const record = fc.record(
      { id: fc.nat(), text: fc.string({ unit: 'binary' }), data: fc.jsonValue({ maxDepth: 2 }) },
      { noNullPrototype: true },
    );
    await fc.assert(
      fc.asyncProperty(
        record,
        record,
        fc.double({ min: 0, max: 1, noNaN: true }),
        async (torn, next, where) => {
          const first = Buffer.from(JSON.stringify(torn));
          const cut = 1 + Math.floor(where * (first.length - 2));
          const line = JSON.stringify(next);
          const content = Buffer.concat([
            first.subarray(0, cut),
            Buffer.from(`${line}\n${line}\n`),
          ]);
          const { records, faults } = await readAll('memory', {
            fileSystem: bytesFileSystem(content),
          });
          const expected: unknown = JSON.parse(line);
          expect(records).toEqual([expected, expected]);
          expect(faults).toEqual([{ kind: 'glued', byteStart: 0, byteEnd: cut, line: 1 }]);
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('a damaged line of megabytes', () => {
  it('is taken apart in time linear in its length', async () => {
    // Each of these was made to be slow for a search that tries every brace.
    const size = 2_000_000;
    const lines = [
      '{"'.repeat(size / 2),
      '{}'.repeat(size / 2) + '!',
      'x' + '{}'.repeat(size / 2),
      '{"a":'.repeat(size / 5),
      '"\\'.repeat(size / 2) + '}',
      '\0{'.repeat(size / 2),
    ];
    const content = Buffer.from(lines.join('\n') + '\n{"n":1}\n');
    const { records, faults } = await readAll('memory', { fileSystem: bytesFileSystem(content) });
    expect(records.at(-1)).toEqual({ n: 1 });
    expect(new Set(faults.map(({ line }) => line))).toEqual(new Set([1, 2, 3, 4, 5, 6]));
  }, 60_000);
});
