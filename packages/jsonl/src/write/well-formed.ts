/** An escaped pair, which is fine; a lone surrogate; or any other escape, so that `\\ud800` is not taken for one. */
const escapes = /\\ud[89ab][0-9a-f]{2}\\ud[c-f][0-9a-f]{2}|(\\ud[89a-f][0-9a-f]{2})|\\[^]/gi;

/** JSON.stringify writes half a surrogate pair as `\ud83d`, which many programs refuse to read. Takes lines of JSON. */
export function makeWellFormed(lines: string): string {
  if (!lines.includes('\\ud')) return lines;
  return lines.replace(escapes, (found: string, lone: string | undefined) =>
    lone === undefined ? found : '\ufffd',
  );
}

/** Looking at a value costs about as much as looking through so many characters of its line. */
const charactersPerValue = 64;

interface Budget {
  left: number;
}

function isFine(part: unknown, budget: Budget): boolean {
  budget.left -= 1;
  if (budget.left < 0) return false;
  if (typeof part === 'string') return part.isWellFormed();
  // A bigint or a function may have toJSON.
  if (typeof part !== 'object') return typeof part !== 'bigint' && typeof part !== 'function';
  if (part === null) return true;
  // What toJSON gives is not known; what JSON.rawJSON gives has no prototype, and its text is JSON.
  if ('toJSON' in part || Object.getPrototypeOf(part) === null) return false;
  if (Array.isArray(part)) {
    for (const item of part as unknown[]) if (!isFine(item, budget)) return false;
    return true;
  }
  for (const name in part) {
    if (!name.isWellFormed()) return false;
    if (!isFine((part as Record<string, unknown>)[name], budget)) return false;
  }
  return true;
}

/**
 * Whether no text in a value has half a surrogate pair. False also when that is not certain, or takes
 * longer than `makeWellFormed` takes with its line. Of most strings an engine knows it at once, as only
 * one with characters beyond U+00FF can have half a pair.
 */
export function isWellFormed(value: unknown, line: string): boolean {
  return isFine(value, { left: line.length / charactersPerValue });
}
