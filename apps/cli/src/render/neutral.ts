const escape = '\u001b';
const bell = '\u0007';

/** OSC, DCS, APC, PM, SOS: a terminal takes everything up to the end mark as theirs. */
const strings = new RegExp(
  `(?:${escape}[\\]PX^_]|[\u0090\u0098\u009d-\u009f])[^${bell}${escape}\u0080-\u009f]*(?:${bell}|${escape}\\\\|\u009c)`,
  'g',
);
/** Colours, cursor movement, modes, and the two-character sequences. */
const sequences = new RegExp(`(?:${escape}\\[|\u009b)[0-?]*[ -/]*[@-~]|${escape}[ -/]*[0-~]`, 'g');
const lineBreaks = /\r\n|[\r\v\f\u0085\u2028\u2029]/g;
const unseen = /[^\P{Cc}\n\t]|\p{Cf}|\p{Cs}/gu;
/** Marks that pile up on one character grow over the lines around it. */
const piledMarks = /(\p{M}{4})\p{M}+/gu;
/** Where CI services look for commands to themselves: anywhere in a line (`##[…]`, `##vso[…]`). */
const ciCommands = /##(?=\w*\[)/g;

/**
 * Text that somebody else wrote (an agent, a command, a repository), made safe for a terminal and for
 * a CI log. Lines and tabs stay; escape sequences, control and direction-changing characters go.
 */
export function neutral(text: string): string {
  return text
    .replace(lineBreaks, '\n')
    .replace(strings, '')
    .replace(sequences, '')
    .replace(unseen, '')
    .replace(piledMarks, '$1')
    .replace(ciCommands, '## ');
}

/** The same, on one line: no text of others can begin a line of the screen, and so look like ours. */
export const oneLine = (text: string): string => neutral(text).replace(/\s+/gu, ' ').trim();

/** The same, as lines behind a gutter, so that none of them can pass for one of ours. */
export const behindGutter = (text: string, gutter = '│ '): readonly string[] =>
  neutral(text)
    .trimEnd()
    .split('\n')
    .map((line) => `${gutter}${line}`.trimEnd());

/** Styles of our own; nothing else may begin with an escape when it reaches the screen. */
const foreign = new RegExp(`(${escape}\\[\\d{1,2}m)|[^\\P{Cc}\\n\\t]`, 'gu');

/** The last guard before the screen: only our own colours pass, even where a `neutral` was forgotten. */
export const onlyStyles = (text: string, styles: boolean): string =>
  text.replace(foreign, (_whole, style: string | undefined) => (styles ? (style ?? '') : ''));

/** JSON in which nothing acts on a terminal, with the same value when it is read. */
export const inertJson = (value: unknown): string =>
  JSON.stringify(value).replace(/[\u007f-\u009f\u2028\u2029]|\p{Cf}/gu, (character) =>
    [...Array(character.length).keys()]
      .map((at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`)
      .join(''),
  );
