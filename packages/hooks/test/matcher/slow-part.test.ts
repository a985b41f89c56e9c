import { describe, expect, it } from 'vitest';
import { matches, readMatcher, subjectLimit } from '../../src/matcher/matcher.js';
import { findSlowPart } from '../../src/matcher/slow-part.js';
import { catastrophic } from './catastrophic.js';

describe('a slow expression', () => {
  it.each(catastrophic)('%s is found at character %i', async (pattern, position) => {
    const found = await findSlowPart(pattern);
    expect(found?.fault).toContain('can grow faster');
    expect(found?.position).toBe(position);
  });

  it.each([
    'mcp__.*__write.*',
    '^(?!Bash$)',
    'Notebook.*',
    '.+\\.(ts|tsx|js)$',
    'mcp__(a|b)__(get|list)_.*',
  ])('%s is none', async (pattern) => {
    expect(await findSlowPart(pattern)).toBeNull();
  });

  it('is what cannot be read, or is too long', async () => {
    expect((await findSlowPart('(?<name>a+)b'))?.fault).toContain('could not be shown to be quick');
    expect((await findSlowPart('a'.repeat(501)))?.fault).toContain('more than 500');
  });

  // The cap alone, without the refusal: what would take years on 50 kB is never begun.
  it('of a cubic kind stops on 50 kB even if nobody had refused it', () => {
    const read = readMatcher('.*.*=.*');
    if ('fault' in read) throw new Error(read.fault);
    expect(matches(read, 'a'.repeat(50_000), false)).toBe(true);
    expect(subjectLimit).toBeLessThan(50_000);
  });
});
