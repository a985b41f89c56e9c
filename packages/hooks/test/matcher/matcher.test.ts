import { describe, expect, it } from 'vitest';
import { matches, readMatcher, subjectLimit } from '../../src/matcher/matcher.js';

function test(matcher: string | undefined, subject: string | undefined, isGuarded = true): boolean {
  const read = readMatcher(matcher);
  if ('fault' in read) throw new Error(read.fault);
  return matches(read, subject, isGuarded);
}

describe('a matcher', () => {
  it.each([
    [undefined, 'Bash', true],
    ['', 'Bash', true],
    ['*', 'Bash', true],
    ['Bash', 'Bash', true],
    ['bash', 'Bash', false],
    ['Bas', 'Bash', false],
    ['Edit|Bash', 'Bash', true],
    ['Edit, Bash', 'Bash', true],
    ['Edit|Write', 'Bash', false],
    ['mcp__memory', 'mcp__memory__read', false],
    ['mcp__memory__.*', 'mcp__memory__read', true],
    ['B.*', 'Bash', true],
    ['^Bash$', 'BashOutput', false],
    ['a.h', 'Bash', true],
    ['a.x', 'Bash', false],
    ['a?sh', 'Bash', true],
    ['^(?!Bash$)', 'Bash', false],
    ['^(?!Bash$)', 'Edit', true],
    ['Task', 'Agent', true],
    ['Agent', 'Task', true],
  ])('%j for %s: %s', (matcher, subject, expected) => {
    expect(test(matcher, subject)).toBe(expected);
  });

  it('that is no expression is an error with its place, and not one that matches nothing', () => {
    expect(readMatcher('Ba(sh')).toEqual({
      fault: 'it is no regular expression (Unterminated group)',
      position: 2,
    });
    expect(readMatcher('*a')).toMatchObject({ position: 0 });
    expect(readMatcher('|')).toEqual({ fault: 'it names nothing', position: 0 });
  });

  it('runs a guard for what cannot be judged: no subject, or one that is too long to look at', () => {
    expect(test('Bash', undefined)).toBe(true);
    expect(test('Bash', undefined, false)).toBe(false);
    expect(test('^x$', 'y'.repeat(subjectLimit))).toBe(false);
    expect(test('^x$', 'y'.repeat(subjectLimit + 1))).toBe(true);
  });
});
