import { patternLimit, type MatcherFault } from './matcher.js';

/** More ways through one text than this, and an expression counts as slow. */
const mostWays = 20;
const mostSteps = 5000;
const anchor = '^(?:';

/**
 * Finds the part of an expression that lets it go back over what it has read in more than a constant number
 * of ways, so that its time at one place grows faster than the text. Null if there is none.
 *
 * The search for a place to begin at costs a factor of at most `subjectLimit` more and is not counted:
 * `mcp__.*__write` is fine, `(a+)+$` and `.*.*=` are not. What the detector cannot read (named groups,
 * flags inside) is refused as well: it could not be shown to be quick.
 */
export async function findSlowPart(source: string): Promise<MatcherFault | null> {
  if (source.length > patternLimit)
    return { fault: `it has more than ${patternLimit} characters`, position: patternLimit };
  const { isSafePattern } = await import('redos-detector');
  let result: ReturnType<typeof isSafePattern>;
  try {
    result = isSafePattern(`${anchor}${source})`, { maxScore: mostWays, maxSteps: mostSteps });
  } catch (error) {
    const [first = ''] = (error as Error).message.split('\n');
    const at = Number(/position (\d+)/.exec(first)?.[1] ?? anchor.length) - anchor.length;
    return {
      fault: 'it could not be shown to be quick (write it without named groups and inline flags)',
      position: Math.max(0, Math.min(at, source.length)),
    };
  }
  if (result.safe) return null;
  const part = result.trails.at(-1)?.trail.at(-1)?.a.node;
  // A rewritten expression has other positions than the one that was given.
  const position =
    part === undefined || result.patternDowngraded ? 0 : part.start.offset - anchor.length;
  const shown =
    part === undefined ? '' : ` (${JSON.stringify(part.source)} can be matched in ever more ways)`;
  return {
    fault: `its time can grow faster than the text${shown}`,
    position: Math.max(0, Math.min(position, source.length)),
  };
}
