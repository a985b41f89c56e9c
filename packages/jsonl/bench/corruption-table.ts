/** What each reader gets out of damaged input: one row a kind of damage, one column a reader. */
import { Readable } from 'node:stream';
import { createInterface } from 'node:readline';
import jsonlines from 'jsonlines';
import ndjson from 'ndjson';
import split2 from 'split2';

/** What a reader gave, and whether it said anything about the rest. */
interface Outcome {
  readonly records: readonly unknown[];
  /** `stopped`: it failed and gave nothing after; `reported`: it went on, and said so; else `silent`. */
  readonly said: 'stopped' | 'reported' | 'silent';
}

type Reader = (bytes: Buffer) => Promise<Outcome>;

/** How we read, so that the sources and the built package can both be asked. */
export type OurReader = (bytes: Buffer) => Promise<{
  readonly records: readonly unknown[];
  readonly faults: readonly { kind: string }[];
}>;

function gather(stream: NodeJS.ReadableStream, reports: string[] = []): Promise<Outcome> {
  return new Promise((resolve) => {
    const records: unknown[] = [];
    let reported = false;
    for (const event of reports) stream.on(event, () => (reported = true));
    stream
      .on('data', (value: unknown) => records.push(value))
      .on('error', () => resolve({ records, said: 'stopped' }))
      .on('end', () => resolve({ records, said: reported ? 'reported' : 'silent' }));
  });
}

/** The package calls this entry outdated in favour of another package of its author; it is what people install. */
interface StreamJson {
  readonly default: { asStream(): NodeJS.ReadWriteStream };
}
const streamJson = (await import('stream-json/jsonl/parser.js')) as unknown as StreamJson;

const parse = (line: string): unknown => JSON.parse(line) as unknown;
const from = (bytes: Buffer): Readable => Readable.from([bytes]);

const peers: Record<string, Reader> = {
  'readline + JSON.parse': async (bytes) => {
    const records: unknown[] = [];
    try {
      for await (const line of createInterface({ input: from(bytes) })) records.push(parse(line));
    } catch {
      return { records, said: 'stopped' };
    }
    return { records, said: 'silent' };
  },
  split2: (bytes) => gather(from(bytes).pipe(split2(parse))),
  ndjson: (bytes) => gather(from(bytes).pipe(ndjson.parse())),
  'ndjson, not strict': (bytes) => gather(from(bytes).pipe(ndjson.parse({ strict: false }))),
  jsonlines: (bytes) =>
    gather(from(bytes).pipe(jsonlines.parse({ emitInvalidLines: true })), ['invalid-line']),
  'stream-json': async (bytes) => {
    const stream = from(bytes).pipe(streamJson.default.asStream());
    const { records, said } = await gather(stream);
    return { records: records.map((item) => (item as { value: unknown }).value), said };
  },
};

const a = '{"n":1,"t":"a"}';
const b = '{"n":2,"t":"b"}';
const [first, second] = [parse(a), parse(b)];

interface Row {
  readonly name: string;
  readonly bytes: Buffer;
  /** Every record that was whole when it was written, as its writer meant it. */
  readonly whole: readonly unknown[];
}

const row = (name: string, text: string | Buffer, whole: readonly unknown[]): Row => ({
  name,
  bytes: Buffer.from(text as string),
  whole,
});

/** The damage that was seen in files of real programs. */
export const rows: readonly Row[] = [
  row('torn tail', `${a}\n${b}\n{"n":3,"te`, [first, second]),
  row('rest of a torn line before a record', `${a}\n{"n":3,"te${b}\n${a}\n`, [
    first,
    second,
    first,
  ]),
  row('zero bytes at the end', `${a}\n${b}\n\0\0\0\0`, [first, second]),
  row('zero bytes before a record', `${a}\n\0\0\0\0${b}\n${a}\n`, [first, second, first]),
  row('byte order mark', `\ufeff${a}\n${b}\n`, [first, second]),
  row('blank lines', `${a}\n\n\n${b}\n`, [first, second]),
  row('raw newline inside a string', `{"n":3,"t":"x\ny"}\n${a}\n`, [{ n: 3, t: 'x\ny' }, first]),
  row('raw tab inside a string', `{"n":3,"t":"x\ty"}\n${a}\n`, [{ n: 3, t: 'x\ty' }, first]),
  row('two records on a line', `${a}${b}\n${a}\n`, [first, second, first]),
  row('a record over several lines', `{\n "n": 3\n}\n${a}\n`, [{ n: 3 }, first]),
  row('CR LF', `${a}\r\n${b}\r\n`, [first, second]),
  row(
    'invalid UTF-8 in a record',
    Buffer.concat([Buffer.from('{"t":"'), Buffer.of(0xff), Buffer.from(`"}\n${a}\n`)]),
    [first],
  ),
  row('U+2028 inside a string', `{"t":"\u2028"}\n${a}\n`, [{ t: '\u2028' }, first]),
  row('half a surrogate pair, escaped', `{"t":"\\ud83d"}\n${a}\n`, [{ t: '\ud83d' }, first]),
  row('a name twice', `{"n":1,"n":2}\n${a}\n`, [{ n: 2 }, first]),
  row('`__proto__` as a name', `{"__proto__":1}\n${a}\n`, [parse('{"__proto__":1}'), first]),
  row('nested 200,000 deep', `${'['.repeat(2e5)}${']'.repeat(2e5)}\n${a}\n`, [
    parse(`${'['.repeat(2e5)}${']'.repeat(2e5)}`),
    first,
  ]),
  row('an integer beyond 2^53', `{"n":9007199254740993}\n${a}\n`, [{ n: 9007199254740992 }, first]),
];

/** Compared by depth without recursion, which deep nesting would exhaust. */
function same(left: unknown, right: unknown): boolean {
  const open: [unknown, unknown][] = [[left, right]];
  for (let pair = open.pop(); pair !== undefined; pair = open.pop()) {
    const [one, other] = pair;
    if (typeof one !== 'object' || one === null || typeof other !== 'object' || other === null) {
      if (one !== other) return false;
      continue;
    }
    const names = Object.keys(one);
    if (names.join('\0') !== Object.keys(other).join('\0')) return false;
    for (const name of names) {
      open.push([(one as Record<string, unknown>)[name], (other as Record<string, unknown>)[name]]);
    }
  }
  return true;
}

function describe({ records, said }: Outcome, { whole }: Row): string {
  let found = 0;
  const left = [...whole];
  for (const record of records) {
    const at = left.findIndex((wanted) => same(wanted, record));
    if (at === -1) continue;
    left.splice(at, 1);
    found += 1;
  }
  const altered = records.length - found;
  const more = altered === 0 ? '' : `, ${altered} altered`;
  return `${found}/${whole.length}${more}${said === 'silent' ? '' : ` ${said}`}`;
}

/** Reads every row with every reader; Markdown. */
export async function corruptionTable(ours: OurReader): Promise<string> {
  const names = Object.keys(peers);
  const lines = [
    `| damage | @orch/jsonl | ${names.join(' | ')} |`,
    `| --- | --- | ${names.map(() => '---').join(' | ')} |`,
  ];
  for (const one of rows) {
    const { records, faults } = await ours(one.bytes);
    const kinds = [...new Set(faults.map(({ kind }) => `\`${kind}\``))].join(', ');
    const cells = [`${describe({ records, said: 'silent' }, one)} ${kinds}`.trim()];
    for (const name of names) {
      const outcome = await peers[name]?.(one.bytes);
      if (outcome !== undefined) cells.push(describe(outcome, one));
    }
    lines.push(`| ${one.name} | ${cells.join(' | ')} |`);
  }
  return `${lines.join('\n')}\n`;
}
