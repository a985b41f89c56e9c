/** `triage.output.files[0]` as keys, with the offset of each in the text it was found in. */
export interface RawPath {
  readonly keys: readonly (string | number)[];
  readonly offsets: readonly number[];
  /** Offset after the last character. */
  readonly end: number;
}

export interface ParseFault {
  readonly fault: string;
  readonly offset: number;
}

const KEY = /[A-Za-z0-9_][A-Za-z0-9_-]*/y;
const INDEX = /\[\s*(\d{1,9})\s*\]/y;
const QUOTED = /\[\s*(?:"([^"\\]*)"|'([^'\\]*)')\s*\]/y;

/** Reads a path that begins at `start`: a name, then `.name`, `[0]` or `["any key"]`. */
export function parsePath(text: string, start: number): RawPath | ParseFault {
  const keys: (string | number)[] = [];
  const offsets: number[] = [];
  const first = matchAt(KEY, text, start);
  if (first === null) return { fault: 'expected a path such as task.output.field', offset: start };
  keys.push(first[0]);
  offsets.push(start);
  let at = start + first[0].length;
  for (;;) {
    const mark = text[at];
    if (mark === '.') {
      const key = matchAt(KEY, text, at + 1);
      if (key === null) return { fault: 'expected a name after the dot', offset: at + 1 };
      keys.push(key[0]);
      offsets.push(at + 1);
      at += 1 + key[0].length;
    } else if (mark === '[') {
      const index = matchAt(INDEX, text, at);
      const quoted = index ?? matchAt(QUOTED, text, at);
      if (quoted === null) return { fault: 'expected [0] or ["key"]', offset: at };
      keys.push(index ? Number(index[1]) : (quoted[1] ?? quoted[2] ?? ''));
      offsets.push(at + 1);
      at += quoted[0].length;
    } else {
      return { keys, offsets, end: at };
    }
  }
}

/** Matches a sticky pattern at one place. */
export function matchAt(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(text);
}
