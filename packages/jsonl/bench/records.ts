/**
 * Records as coding agents leave them, made from a seed: text with quotes, newlines and code; one text
 * in fifty has characters beyond ASCII.
 */

/** The sizes that every figure is given for: what a record and its newline have on average. */
export const sizes = { '170 B': 170, '1 KB': 1024, '19 KB': 19 * 1024 } as const;
export type Size = keyof typeof sizes;

export interface Message {
  readonly v: 1;
  readonly seq: number;
  readonly at: string;
  readonly kind: string;
  readonly data: { readonly role: string; readonly content: unknown };
}

const words = [
  'the of and error file return const value undefined function import test module result async',
  'session record tool call path/to/file.ts {brace} (paren) => 42 0x1f null true while string',
]
  .join(' ')
  .split(' ')
  .concat(['"quoted"', '\n  ', '\t', "it's", 'C:\\temp']);

const wideShare = 0.02;
/** Length of the last text of a record, which brings it to its size. */
const makeUp = { '1 KB': 2, '19 KB': 5990 } as const;

function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state * 1664525 + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

function makeText(random: () => number, length: number): string {
  const parts: string[] = [];
  for (let made = 0; made < length;) {
    const word = words[Math.floor(random() * words.length)] ?? '';
    parts.push(word);
    made += word.length + 1;
  }
  const text = parts.join(' ').slice(0, length);
  return random() < wideShare ? `${text.slice(0, -4)}é → 😀` : text;
}

function makeContent(random: () => number, size: Size): unknown {
  if (size === '170 B') return makeText(random, 59);
  const bytes = sizes[size];
  const share = Math.floor(bytes / 4.6);
  return [
    { type: 'text', text: makeText(random, share) },
    {
      type: 'tool_use',
      id: `toolu_${Math.floor(random() * 2 ** 32).toString(16)}`,
      name: 'Edit',
      input: {
        file_path: '/repository/packages/jsonl/src/write/writer.ts',
        old_string: makeText(random, share),
        new_string: makeText(random, share),
        replace_all: false,
      },
    },
    { type: 'text', text: makeText(random, makeUp[size]) },
  ];
}

/** `count` different records of one size. */
export function makeRecords(size: Size, count: number, seed = 1): Message[] {
  const random = createRandom(seed);
  return Array.from({ length: count }, (_, index) => ({
    v: 1,
    seq: index + 1,
    at: new Date(1_780_000_000_000 + index * 1234).toISOString(),
    kind: random() < 0.5 ? 'message' : 'tool_call',
    data: { role: 'assistant', content: makeContent(random, size) },
  }));
}
