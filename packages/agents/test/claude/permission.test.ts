import { describe, expect, it } from 'vitest';
import { refusalOf, scopeAllowRules, scopeDenyRules } from '../../src/claude/permission.js';
import type { Json } from '../../src/json.js';

describe('refusalOf()', () => {
  const rule = (tool: string, input: Json): string =>
    /add (".*") to allow/.exec(refusalOf({ tool_name: tool, input }, '/repo/app'))?.[1] ?? 'none';

  it('names the narrowest rule that would allow the call', () => {
    expect(rule('Bash', { command: 'npm test' })).toBe('"Bash(npm test)"');
    expect(rule('Bash', { command: 'touch "$HOME"' })).toBe('"Bash"');
    expect(rule('Bash', { command: 'cat <<X\na\nX' })).toBe('"Bash"');
    expect(rule('Bash', { command: 'touch a > b' })).toBe('"Bash"');
    expect(rule('Bash', { command: 'touch a\ntouch b' })).toBe('"Bash(touch a\\ntouch b)"');
    expect(rule('Bash', { command: `touch ${'x'.repeat(900)}` })).toContain(`${'x'.repeat(900)})"`);
    expect(rule('Bash', { command: `touch ${'x'.repeat(1000)}` })).toBe('"Bash"');
    expect(rule('Write', { file_path: '/repo/app/src/a.ts' })).toBe('"Edit(./src/a.ts)"');
    expect(rule('Edit', { file_path: '/etc/hosts' })).toBe('"Edit(//etc/hosts)"');
    expect(rule('Read', { file_path: '/repo/secrets' })).toBe('"Read(//repo/secrets)"');
    expect(rule('WebFetch', { url: 'https://example.org/x?y' })).toBe(
      '"WebFetch(domain:example.org)"',
    );
    expect(rule('Skill', { skill: 'release' })).toBe('"Skill(release)"');
    expect(rule('mcp__db__query', { sql: 'select 1' })).toBe('"mcp__db__query"');
  });

  it('tells an agent that asks a person to decide by itself', () => {
    expect(refusalOf({ tool_name: 'AskUserQuestion', input: {} }, '/repo')).toContain('no person');
  });
});

describe('rules', () => {
  it('a bare tool that changes files may do so in the working directories only', () => {
    expect(scopeAllowRules(['Edit', 'Write', 'Read'], [])).toEqual(['Edit(./**)', 'Read']);
    expect(scopeAllowRules(['Write'], ['/data'])).toEqual(['Edit(./**)', 'Edit(//data/**)']);
  });

  it('a path rule of such a tool becomes the one that Claude Code looks at', () => {
    expect(scopeAllowRules(['Write(docs/**)', 'Edit(docs/**)'], [])).toEqual(['Edit(docs/**)']);
    expect(scopeDenyRules(['Write(docs/**)', 'Write'])).toEqual(['Edit(docs/**)', 'Write']);
  });

  it('all other rules stay as they are', () => {
    const rules = ['Bash(git commit -m "a, b (c)")', 'mcp__db__*', 'WebFetch(domain:example.org)'];
    expect(scopeAllowRules(rules, [])).toEqual(rules);
    expect(scopeDenyRules(rules)).toEqual(rules);
  });
});
