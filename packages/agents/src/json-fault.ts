/** Where a text stops being JSON. */
export interface JsonFault {
  /** Index into the text; its length when the text ends too early. */
  readonly at: number;
  readonly line: number;
  readonly column: number;
  /** One line of what stands there. */
  readonly excerpt: string;
}

const number = /-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/y;
const escaped = /["\\/bfnrt]|u[0-9a-fA-F]{4}/y;
const word = /true|false|null/y;
const space = /[ \t\r\n]*/y;

/**
 * Finds the first character that cannot belong to JSON, or undefined when there is none.
 * The engine's own message names no position in some versions, and prose in all.
 */
export function findJsonFault(text: string): JsonFault | undefined {
  const at = faultIndex(text);
  if (at === undefined) return undefined;
  const before = text.slice(0, at).split('\n');
  const from = Math.max(0, at - 20);
  const excerpt = JSON.stringify(text.slice(from, at + 40)).slice(1, -1);
  return { at, line: before.length, column: (before.at(-1)?.length ?? 0) + 1, excerpt };
}

function faultIndex(text: string): number | undefined {
  /** What closes each open list and object. */
  const open: string[] = [];
  let at = 0;

  function skip(pattern: RegExp): boolean {
    pattern.lastIndex = at;
    const found = pattern.exec(text);
    if (found !== null) at = pattern.lastIndex;
    return found !== null;
  }
  function take(character: string): boolean {
    if (text[at] !== character) return false;
    at += 1;
    return true;
  }
  /** A text in quotes; stops at the character that cannot be in it. */
  function skipString(): boolean {
    if (!take('"')) return false;
    for (;;) {
      if (take('"')) return true;
      if (take('\\')) {
        if (!skip(escaped)) return false;
      } else if ((text[at] ?? '') >= ' ') at += 1;
      else return false;
    }
  }
  /** A key with its colon. */
  function key(): boolean {
    skip(space);
    if (!skipString()) return false;
    skip(space);
    return take(':');
  }
  /** Something that stands for itself, or the beginning of a list or object that is not empty. */
  function value(): 'whole' | 'begun' | 'fault' {
    skip(space);
    if (take('[')) {
      skip(space);
      if (take(']')) return 'whole';
      open.push(']');
      return 'begun';
    }
    if (take('{')) {
      skip(space);
      if (take('}')) return 'whole';
      open.push('}');
      return key() ? 'begun' : 'fault';
    }
    const whole = text[at] === '"' ? skipString() : skip(number) || skip(word);
    return whole ? 'whole' : 'fault';
  }

  for (;;) {
    const found = value();
    if (found === 'fault') return at;
    if (found === 'begun') continue;
    skip(space);
    while (open.length > 0 && take(open.at(-1) ?? '')) {
      open.pop();
      skip(space);
    }
    const closing = open.at(-1);
    if (closing === undefined) return at === text.length ? undefined : at;
    if (!take(',')) return at;
    if (closing === '}' && !key()) return at;
  }
}
