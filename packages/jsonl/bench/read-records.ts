/** Records of four sizes (what one and its newline have on average), the same on every machine: made by a seed, shaped like what agents write. */
import { writeFileSync } from 'node:fs';

/** mulberry32: small, well mixed, and the same everywhere. */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const words =
  'the file was read and the tests pass but one of them is slow because it waits for a timer – so the change moves it behind an interface; naïve retries are gone ✔ done'.split(
    ' ',
  );
const code = [
  '  const found = await reader.next();\n',
  '  if (found.done === true) return "nothing";\n',
  '\treturn { "path": join(root, `src/${name}.ts`) };\n',
  '// The name is checked once, where it enters.\n',
  'export function openWriter(path: string, options = {}) {\n',
  '}\n\n',
];

type Random = () => number;
const pick = <T>(list: readonly T[], random: Random): T =>
  list[Math.floor(random() * list.length)] as T;

function prose(length: number, random: Random): string {
  let text = '';
  while (text.length < length) text += `${pick(words, random)} `;
  return text.slice(0, length);
}

function source(length: number, random: Random): string {
  let text = '';
  for (let line = 1; text.length < length; line += 1) {
    text += `${String(line).padStart(6)}→${pick(code, random)}`;
  }
  return text.slice(0, length);
}

const uuid = (n: number): string => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;
const at = (n: number): string => new Date(1.79e12 + n * 137).toISOString();

/** One record in 50 is of type `summary`, for searches that want few. */
const typeOf = (n: number): string =>
  n % 50 === 0 ? 'summary' : n % 2 === 0 ? 'user' : 'assistant';

/** A message of a conversation, with its fields where Claude Code puts them: the short ones last. */
function message(n: number, content: unknown): object {
  return {
    parentUuid: uuid(n - 1),
    isSidechain: false,
    type: typeOf(n),
    message: { role: n % 2 === 0 ? 'user' : 'assistant', content },
    uuid: uuid(n),
    timestamp: at(n),
  };
}

const makers = {
  /** The original system's record. */
  '32 B': () => ({ role: 'user', content: 'msg' }),
  '170 B': (n: number, random: Random) => ({
    v: 1,
    seq: n,
    at: at(n),
    type: typeOf(n),
    task: `build-${n % 40}`,
    attempt: 1,
    data: { pid: 4000 + (n % 900), title: prose(41, random) },
  }),
  '1 KB': (n: number, random: Random) =>
    message(n, [{ type: 'text', text: prose(720 + Math.floor(random() * 80), random) }]),
  '19 KB': (n: number, random: Random) =>
    message(n, [
      { type: 'text', text: prose(3000, random) },
      { type: 'tool_result', tool_use_id: `toolu_${n}`, content: source(14_775, random) },
    ]),
} as const;

export type Size = keyof typeof makers;

/** The lines of `count` records. */
export function makeLines(size: Size, count: number): string {
  const random = createRandom(1);
  const lines: string[] = [];
  for (let n = 0; n < count; n += 1) lines.push(`${JSON.stringify(makers[size](n, random))}\n`);
  return lines.join('');
}

/** Writes a file of about `bytes`; gives how many records it has. */
export function writeRecords(path: string, size: Size, bytes: number): number {
  const sample = Buffer.byteLength(makeLines(size, 50)) / 50;
  const count = Math.round(bytes / sample);
  writeFileSync(path, makeLines(size, count));
  return count;
}
