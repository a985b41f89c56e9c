import { copyJson } from '../src/inspect.js';
import { expandText, type Lookup } from '../src/expand.js';
import type { Json } from '../src/json.js';
import { loadParsers, type DocumentParser } from '../src/parse/parse-document.js';
import type { Format } from '../src/source.js';
import { generator } from './claude/layers.js';

type Random = () => number;
const pick = <T>(random: Random, list: readonly T[]): T =>
  list[Math.floor(random() * list.length)] as T;
const times = (random: Random, most: number): number[] => [
  ...Array(Math.floor(random() * (most + 1))).keys(),
];

const keys = [
  'a',
  'b',
  'env',
  'allow',
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  '',
  'ключ',
  'a b',
  '3',
];
const texts = [
  '',
  'x',
  '${A}',
  '${A:-b}',
  'a"b\\c',
  '\n',
  '\t',
  'é',
  '\u2028',
  'true',
  '~',
  '- x',
  '[',
  '# c',
  '2020-01-01',
];
const numbers = [0, -1, 1.5, 1e21, 2 ** 53, -(2 ** 53) - 2, 1e-7];

/** A value, of keys and texts that parsers and objects stumble over. */
function drawValue(random: Random, depth: number): Json {
  const kind = random();
  if (depth <= 0 || kind < 0.5) {
    return pick<Json>(random, [null, true, false, pick(random, numbers), pick(random, texts)]);
  }
  if (kind < 0.7) return times(random, 3).map(() => drawValue(random, depth - 1));
  return Object.fromEntries(
    times(random, 4).map(() => [pick(random, keys), drawValue(random, depth - 1)]),
  );
}

/** Writes a value in a format, in one of the ways that the format has. */
const writers: Readonly<Record<Format, (value: Json, random: Random) => string>> = {
  json: (value, random) => JSON.stringify(value, undefined, random() < 0.5 ? 2 : 0),
  jsonc: (value, random) => {
    const text = JSON.stringify(value, undefined, random() < 0.5 ? 2 : 0);
    return random() < 0.5 ? `// c\n${text.replace(/([\]}])$/, ',$1')} /* d */` : text;
  },
  yaml: (value, random) => {
    if (random() < 0.3) return JSON.stringify(value);
    const anchor = random() < 0.1 ? '&x ' : random() < 0.1 ? '!!str ' : '';
    return writeYaml(value, '', random).replace(': ', `: ${anchor}`);
  },
  toml: (value, random) => writeToml(value, [], random),
};

function writeYaml(value: Json, indent: string, random: Random): string {
  if (typeof value !== 'object' || value === null) return `${scalar(value, random)}\n`;
  const lines = Array.isArray(value)
    ? value.map((item: Json) => `${indent}- ${nested(item, indent, random)}`)
    : Object.entries(value).map(([key, item]) => {
        const name = random() < 0.2 ? `? ${JSON.stringify(key)}\n${indent}` : JSON.stringify(key);
        return `${indent}${name}: ${nested(item, indent, random)}`;
      });
  return lines.length === 0 ? (Array.isArray(value) ? '[]\n' : '{}\n') : lines.join('');
}

function nested(item: Json, indent: string, random: Random): string {
  if (typeof item !== 'object' || item === null) return `${scalar(item, random)}\n`;
  const inner = writeYaml(item, `${indent}  `, random);
  return inner === '[]\n' || inner === '{}\n' ? inner : `\n${inner}`;
}

const scalar = (value: Json, random: Random): string =>
  pick(random, [
    JSON.stringify(value),
    JSON.stringify(value),
    '',
    'plain',
    '.nan',
    '*x',
    '|\n   x',
    "'q'",
    '0x1f',
  ]);

function writeToml(value: Json, path: readonly string[], random: Random): string {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return `v = ${inline(value, random)}\n`;
  }
  const entries = Object.entries(value);
  return entries
    .map(([key, item]) => {
      const name = random() < 0.2 && key !== '' ? `${JSON.stringify(key)}.x` : JSON.stringify(key);
      if (random() < 0.6 || typeof item !== 'object' || item === null) {
        return `${name} = ${inline(item, random)}\n`;
      }
      const inner = [...path, JSON.stringify(key)];
      const head = random() < 0.5 ? `[${inner.join('.')}]` : `[[${inner.join('.')}]]`;
      return `${head}\n${writeToml(item, inner, random)}`;
    })
    .join('');
}

function inline(value: Json, random: Random): string {
  if (value === null) return pick(random, ['nan', 'inf', '', 'null']);
  if (Array.isArray(value))
    return `[${value.map((item: Json) => inline(item, random)).join(', ')}]`;
  if (typeof value !== 'object') return pick(random, [JSON.stringify(value), '1979-05-27', '0xff']);
  const pairs = Object.entries(value).map(
    ([key, item]) => `${JSON.stringify(key)} = ${inline(item, random)}`,
  );
  return `{ ${pairs.join(', ')} }`;
}

const scraps = [
  '{',
  '}',
  '[',
  ']',
  '"',
  "'",
  ':',
  ',',
  '\n',
  '#',
  '//',
  '/*',
  '- ',
  '---\n',
  '&a ',
  '*a',
  '!t ',
  '=',
  '\u0000',
  '\\',
  '${',
  '__proto__',
  '\t',
  '%',
  '\uD800',
  '.',
  '? ',
];

/** Too deep, too many of something, nothing at all. */
const extremes = [
  ...['[', '{"a":', '- ', '? ', 'a = ['].map((piece) => piece.repeat(100)),
  ...['x ', '= ', ': '].map((piece) => piece.repeat(150)),
  ...[`a${'.b'.repeat(1100)} = 1`, `a${'.b'.repeat(70)} = 1`, `[a${'.b'.repeat(70)}]`],
  ...['[[a]]\n'.repeat(5001), `a: ${'[1]'.repeat(3)}`, '', ' \n', '# [\n', 'a = 9007199254740993'],
];

/** Damages a text at some places. */
function damage(text: string, random: Random): string {
  let damaged = text;
  for (const _ of times(random, 3)) {
    const at = Math.floor(random() * (damaged.length + 1));
    const cut = random() < 0.5 ? Math.floor(random() * 5) : 0;
    damaged =
      damaged.slice(0, at) + (random() < 0.7 ? pick(random, scraps) : '') + damaged.slice(at + cut);
  }
  return random() < 0.02 ? pick(random, extremes) : damaged;
}

/** What the fuzz tries; a test hands in one with a fault, to see it found. */
export interface Subject {
  readonly parse: DocumentParser;
  readonly expand: typeof expandText;
  /** What a program does with a value that was let through. */
  readonly use: (value: Json) => void;
}

export async function realSubject(): Promise<Subject> {
  const parse = await loadParsers(['json', 'jsonc', 'yaml', 'toml']);
  return { parse, expand: expandText, use: (value) => void copyJson(value) };
}

const formats: readonly Format[] = ['json', 'jsonc', 'yaml', 'toml'];
const variables: Readonly<Record<string, string>> = { A: 'one', B: '${A}', EMPTY: '' };
const lookup: Lookup = (name) => {
  if (name === 'NO') return { refused: true };
  return { value: Object.hasOwn(variables, name) ? variables[name] : undefined };
};

/**
 * Tries `count` texts. Throws with the text of the first that breaks a promise: nothing is ever thrown, no
 * object of the language changes, a reserved key never gets through, whatever is wrong has a place, and an
 * undamaged text means what was written.
 */
export function fuzz(subject: Subject, seed: number, count: number): void {
  const random = generator(seed);
  for (let index = 0; index < count; index += 1) {
    const text = index % 5 === 4 ? drawTemplate(random) : '';
    if (text !== '') tryTemplate(subject, text, random);
    else tryDocument(subject, pick(random, formats), random);
  }
}

function tryDocument({ parse, use }: Subject, format: Format, random: Random): void {
  const value = drawValue(random, 4);
  const written = writers[format](value, random);
  const text = random() < 0.6 ? damage(written, random) : written;
  const duplicates = random() < 0.8 ? 'fault' : 'last';
  const fail = (why: string): never => {
    throw new Error(`${why}: ${format} ${JSON.stringify(text)}`);
  };
  try {
    const parsed = parse(text, format, duplicates);
    const lines = text.split('\n').length;
    for (const { position } of parsed.findings) {
      if (position && (position.line < 1 || position.line > lines || position.column < 1))
        fail('no such place');
    }
    if (parsed.findings.length === 0) {
      if (JSON.stringify(parsed.value).includes('"__proto__":')) fail('a reserved key got through');
      use(parsed.value);
      for (const key of Object.keys(parsed.value)) parsed.locate([key], 'key');
      parsed.locate(['a', 0, 'b'], 'value');
    }
    if (format === 'json' && text === written)
      sameMeaning(parsed.value, value, parsed.findings.length, fail);
  } catch (error) {
    if ((error as Error).message.includes(`: ${format} `)) throw error;
    fail(`thrown ${String(error)}`);
  }
  const polluted = [{}, [], () => 0].flatMap((one) => {
    const inherited: string[] = [];
    for (const key in one) inherited.push(key);
    return inherited;
  });
  if (polluted.length > 0) fail(`polluted with ${polluted.join()}`);
}

function sameMeaning(
  ours: Json,
  value: Json,
  findings: number,
  fail: (why: string) => never,
): void {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  const text = JSON.stringify(value);
  const hasFault = text.includes('"__proto__":') || /\d{16}/.test(text) || text.includes('1e+21');
  if (!isObject || hasFault) return;
  if (findings > 0) fail('refused');
  if (JSON.stringify(ours) !== text) fail('another meaning');
}

function drawTemplate(random: Random): string {
  const parts = [
    '${A}',
    '${',
    '}',
    '$',
    '$${',
    ':-',
    'x',
    '${NONE',
    '${B}',
    '${NO}',
    '${EMPTY:-',
    '${A:-',
    '${1}',
    '${NONE}',
    '${NONE:-',
  ];
  const text = times(random, 12)
    .map(() => pick(random, parts))
    .join('');
  return random() < 0.01 ? '${A:-'.repeat(20) : text || 'x';
}

function tryTemplate({ expand }: Subject, text: string, random: Random): void {
  const most = random() < 0.9 ? 200 : 10;
  const { text: result, faults } = expand(text, lookup, most);
  const fail = (why: string): never => {
    throw new Error(`${why}: template ${JSON.stringify(text)} became ${JSON.stringify(result)}`);
  };
  if (faults.length === 0) {
    if (result.length > most) fail('longer than allowed');
    if (!text.includes('$') && result !== text) fail('changed');
    // Only an escape or what a variable holds may leave such a beginning.
    if (result.includes('${') && !text.includes('$${') && !text.includes('${B}'))
      fail('not filled in');
  } else if (!text.includes('${') && faults[0]?.code !== 'ORCH_CONFIG_TOO_LARGE')
    fail('a fault of nothing');
}
