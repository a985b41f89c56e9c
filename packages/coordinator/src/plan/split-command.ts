/**
 * What a command string comes apart into, or why it does not. `offset` is where in the string.
 */
export type SplitCommand =
  { readonly argv: readonly string[] } | { readonly problem: string; readonly offset: number };

const OPERATORS = new Set(['|', '&', ';', '<', '>', '$', '`']);

/**
 * Splits a command that was written as one line. The whole rule:
 *
 * - Words are separated by spaces and tabs.
 * - `'…'` keeps everything up to the next `'`.
 * - `"…"` keeps everything up to the next `"`; inside it `\"` is `"` and `\\` is `\`.
 * - Outside quotes `\` keeps the next character.
 * - Nothing else has a meaning: no variables, no globs, no operators, no comments. An unquoted
 *   `| & ; < > $` or backquote is refused, and so are a line break and a leading `NAME=value`,
 *   because a shell would give them one.
 *
 * `splitCommand(joinCommand(argv))` gives `argv` back.
 */
export function splitCommand(text: string): SplitCommand {
  const argv: string[] = [];
  let word: string | undefined;
  let at = 0;
  const end = text.trimEnd().length;
  while (at < end) {
    const character = text[at] ?? '';
    if (character === ' ' || character === '\t') {
      if (word !== undefined) argv.push(word);
      word = undefined;
      at++;
    } else if (character === "'" || character === '"') {
      const quoted = readQuoted(text, at, character);
      if (quoted === undefined)
        return { problem: `the quote mark ${character} is not closed`, offset: at };
      word = (word ?? '') + quoted.text;
      at = quoted.end;
    } else if (character === '\\') {
      if (at + 1 >= end) return { problem: 'a backslash stands at the end', offset: at };
      word = (word ?? '') + (text[at + 1] ?? '');
      at += 2;
    } else if (character === '\n' || character === '\r') {
      return { problem: 'a command is one line', offset: at };
    } else if (OPERATORS.has(character)) {
      return { problem: `an unquoted ${character} has no meaning without a shell`, offset: at };
    } else {
      word = (word ?? '') + character;
      at++;
    }
  }
  if (word !== undefined) argv.push(word);
  if (argv.length === 0) return { problem: 'the command is empty', offset: 0 };
  if (/^[A-Za-z_]\w*=/.test(text.trimStart())) {
    return { problem: 'a command does not begin with a variable; use env:', offset: 0 };
  }
  return { argv };
}

/** The line that {@link splitCommand} splits into `argv`. */
export function joinCommand(argv: readonly string[]): string {
  return argv
    .map((word) => (/^[\w@%+:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`))
    .join(' ');
}

function readQuoted(
  text: string,
  start: number,
  quote: string,
): { readonly text: string; readonly end: number } | undefined {
  let value = '';
  for (let at = start + 1; at < text.length; at++) {
    const character = text[at] ?? '';
    if (character === quote) return { text: value, end: at + 1 };
    const next = text[at + 1] ?? '';
    if (quote === '"' && character === '\\' && (next === '"' || next === '\\')) {
      value += next;
      at++;
    } else {
      value += character;
    }
  }
  return undefined;
}
