/** A command in one text as a program and its arguments, or what is wrong with it. */
export type SplitCommand =
  { readonly argv: readonly [string, ...string[]] } | { readonly fault: string };

/** What a shell would act on. Nothing here does, so that whoever wrote it would be deceived. */
const forShells = /[|&;<>()$`*?[\]{}!#\n~]/;

/**
 * Splits at blanks. `'…'` is as it stands; in `"…"` a backslash makes `"` and `\` themselves; outside of quotes it
 * makes the next character itself. What only a shell could do (`|`, `>`, `$NAME`, `*`, `~`) is refused outside of
 * quotes, and `$` and `` ` `` in `"…"` too: put it into a script, and name that.
 */
export function splitCommand(text: string): SplitCommand {
  const words: string[] = [];
  let word: string | undefined;
  let quote = '';
  for (let at = 0; at < text.length; at += 1) {
    const one = text.charAt(at);
    if (quote === "'") {
      if (one === "'") quote = '';
      else word = (word ?? '') + one;
    } else if (one === '\\' && (quote === '' || /["\\]/.test(text.charAt(at + 1)))) {
      at += 1;
      if (at === text.length) return { fault: 'it ends with a backslash' };
      word = (word ?? '') + text.charAt(at);
    } else if (quote === '"') {
      if (one === '"') quote = '';
      else if (one === '$' || one === '`') return { fault: `${one} would need a shell` };
      else word = (word ?? '') + one;
    } else if (one === "'" || one === '"') {
      quote = one;
      word ??= '';
    } else if (one === ' ' || one === '\t') {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (forShells.test(one)) {
      return { fault: `${JSON.stringify(one)} would need a shell` };
    } else word = (word ?? '') + one;
  }
  if (quote !== '') return { fault: `a ${quote} has no end` };
  if (word !== undefined) words.push(word);
  const [program, ...args] = words;
  return program === undefined || program === ''
    ? { fault: 'it names no program' }
    : { argv: [program, ...args] };
}
