/**
 * Which subjects a hook is for: Claude Code's rules.
 *
 * Nothing, an empty text or `*` means all. Only letters, digits, `_`, `|`, `,`, blanks and `-` is a list of
 * exact names, case included. Everything else is an unanchored regular expression.
 *
 * Ours on top: an expression that is not valid is an error, and not one that matches nothing; and what is
 * longer than `subjectLimit` is not given to an expression, but counts as matched, so that a guard runs.
 */
export type Matcher =
  | { readonly kind: 'all' }
  | { readonly kind: 'names'; readonly names: readonly string[] }
  | { readonly kind: 'pattern'; readonly pattern: RegExp };

/** No longer text is given to an expression. Names of tools have at most 128 characters, of files 255. */
export const subjectLimit = 256;
/** No longer expression is taken. */
export const patternLimit = 500;

const all: Matcher = { kind: 'all' };
/** Two names of one tool. */
const aliases: readonly (readonly [string, string])[] = [
  ['Task', 'Agent'],
  ['Agent', 'Task'],
];

export interface MatcherFault {
  readonly fault: string;
  /** Counted from 0, in the text of the matcher. */
  readonly position: number;
}

/** Reads a matcher. Whether an expression is quick enough is another question: see `findSlowPart`. */
export function readMatcher(text: string | undefined): Matcher | MatcherFault {
  if (text === undefined || text === '' || text === '*') return all;
  if (/^[A-Za-z0-9_|, -]+$/.test(text)) {
    const names = text
      .split(/[|,]/)
      .map((name) => name.trim())
      .filter((name) => name !== '');
    if (names.length === 0) return { fault: 'it names nothing', position: 0 };
    return { kind: 'names', names: names.flatMap(withAlias) };
  }
  if (text.length > patternLimit)
    return { fault: `it has more than ${patternLimit} characters`, position: patternLimit };
  try {
    return { kind: 'pattern', pattern: new RegExp(text) };
  } catch (error) {
    const why = (error as Error).message.replace(/^.*\/: /, '');
    return { fault: `it is no regular expression (${why})`, position: faultAt(text) };
  }
}

function withAlias(name: string): readonly string[] {
  const alias = aliases.find(([one]) => one === name);
  return alias === undefined ? [name] : [name, alias[1]];
}

/** Where an expression stops being one: the first character after which no continuation helps. */
function faultAt(text: string): number {
  for (let length = text.length - 1; length > 0; length -= 1) {
    try {
      new RegExp(text.slice(0, length));
      return length;
    } catch {
      // It is shorter still.
    }
  }
  return 0;
}

/** True if a hook with this matcher runs for a subject. */
export function matches(
  matcher: Matcher,
  subject: string | undefined,
  isGuarded: boolean,
): boolean {
  if (matcher.kind === 'all') return true;
  // What cannot be judged must not slip past a guard.
  if (subject === undefined) return isGuarded;
  if (matcher.kind === 'names') return matcher.names.includes(subject);
  return subject.length > subjectLimit || matcher.pattern.test(subject);
}

/**
 * Whether a hook that does not run would have been for a subject. Nobody looked at its expression, which may
 * be made to take for ever: it is not tried, and counts for all.
 */
export function mayConcern(
  matcher: string | undefined,
  isFor: (matcher: Matcher) => boolean,
): boolean {
  if (matcher === undefined) return true;
  const reads = readMatcher(matcher);
  return 'fault' in reads || reads.kind === 'pattern' || isFor(reads);
}
