const lineBreaks = /\r\n|[\r\v\f\u0085\u2028\u2029]/g;
/** Control, direction-changing and other unseen characters; without its beginning no escape sequence acts. */
const unseen = /[^\P{Cc}\n\t]|\p{Cf}|\p{Cs}/gu;
/** Marks that pile up on one character grow over the lines around it. */
const piledMarks = /(\p{M}{4})\p{M}+/gu;
/** Where CI services look for commands to themselves. */
const ciCommands = /##(?=\w*\[)|^::(?=[a-z-]+(?: [^:]*)?::)/gm;

/** What a server wrote, made safe for a terminal and a CI log: lines and tabs stay, what acts goes. */
export const neutral = (text: string): string =>
  text
    .replace(lineBreaks, '\n')
    .replace(unseen, '')
    .replace(piledMarks, '$1')
    .replace(ciCommands, (found) => `${found} `);

/** The same on one line, no longer than `limit`. */
export function oneLine(text: string, limit = Infinity): string {
  const line = neutral(text).replace(/\s+/gu, ' ').trim();
  return line.length <= limit ? line : `${line.slice(0, limit - 1)}…`;
}

/** The same as lines behind a gutter, so that none of them passes for one of ours. */
export const behindGutter = (text: string): readonly string[] =>
  neutral(text)
    .trimEnd()
    .split('\n')
    .map((line) => `  │ ${line}`.trimEnd());

/** JSON in which nothing acts on a terminal, with the same value when it is read. */
export const inertJson = (value: unknown): string =>
  JSON.stringify(value).replace(/[\u007f-\u009f\u2028\u2029]|\p{Cf}/gu, (character) =>
    Array.from(
      { length: character.length },
      (_, at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`,
    ).join(''),
  );
