/** An escaped pair, which is fine; a lone surrogate; or any other escape, so that `\\ud800` is not taken for one. */
const escapes = /\\ud[89ab][0-9a-f]{2}\\ud[c-f][0-9a-f]{2}|(\\ud[89a-f][0-9a-f]{2})|\\[^]/gi;

/** JSON.stringify writes half a surrogate pair as `\ud83d`, which many programs refuse to read. Takes lines of JSON. */
export function makeWellFormed(lines: string): string {
  // In upper case where JSON.rawJSON has them.
  if (!lines.includes('\\ud') && !lines.includes('\\uD')) return lines;
  return lines.replace(escapes, (found: string, lone: string | undefined) =>
    lone === undefined ? found : '\ufffd',
  );
}
