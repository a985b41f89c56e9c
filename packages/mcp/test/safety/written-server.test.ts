import { describe, expect, test } from 'vitest';
import { describeForLog, describeForPerson } from '../../src/safety/written-server.js';

describe('what a person is asked about', () => {
  test('is shown with what its variables and headers hold, as it is written', () => {
    const shown = describeForPerson;
    expect(
      shown({
        ...{ command: 'node', args: ['server.mjs'] },
        env: { NODE_OPTIONS: '--require ./evil.cjs', MODE: 'strict', KEY: '${A:-b} c' },
      }),
    ).toBe(
      "node server.mjs with the variables KEY='${A:-b} c', MODE=strict, NODE_OPTIONS='--require ./evil.cjs'",
    );
    expect(
      shown({
        ...{ type: 'http', url: 'https://a.test/' },
        headers: { 'X-Trace': '${GITHUB_TOKEN}', Authorization: 'Bearer ${TOKEN}' },
      }),
    ).toBe(
      "https://a.test/ with the headers Authorization: 'Bearer ${TOKEN}', X-Trace: ${GITHUB_TOKEN}",
    );
  });

  test('is shown whole, and nothing in it acts on a terminal or passes for something else', () => {
    const shown = (env: Record<string, string>): string =>
      describeForPerson({ command: 'true', args: ['x'.repeat(5000)], env });
    const text = shown({ A: '1, B=2', C: 'a\n\u001b[2J\u202eb', 'D E': "it's" });
    expect(text).toMatch(
      / with the variables A='1, B=2', C='a\\u\{a\}\\u\{1b\}\[2J\\u\{202e\}b', /,
    );
    expect(text.endsWith(String.raw`'D E'='it'\''s'`)).toBe(true);
    expect(shown({ LAST: './evil.cjs' })).toMatch(/LAST=\.\/evil\.cjs$/);
  });

  test('shows the beginning of a secret that somebody wrote down, and no option or file for one', () => {
    const shown = (env: Record<string, string>): string =>
      describeForPerson({ command: 'true', env });
    const long = 'fake0secret0value0of0tests';
    expect(shown({ API_KEY: long })).toBe("true with the variables API_KEY='fake[22 more]'");
    expect(shown({ X: `Bearer ${long}` })).toContain("X='Bearer fake[22 more]'");
    expect(shown({ X: `ghp_${long}` })).toContain("X='ghp_[26 more]'");
    for (const value of [
      long,
      `${long}.cjs`,
      `./${long}`,
      `--${long}`,
      `a/${long}`,
      '${A_TOKEN_OF_THE_USER}',
    ])
      expect(shown({ NODE_OPTIONS: value })).toContain(`NODE_OPTIONS=${value}`);
    for (const value of [
      `${long}.cjs`,
      `./${long}`,
      `--${long}`,
      `a/${long}`,
      '${A_TOKEN_OF_THE_USER}',
    ])
      expect(shown({ API_KEY: value })).toContain(`API_KEY=${value}`);
  });
});

test('in a log, of values no more is said than what they refer to', () => {
  const logged = (value: string): string => describeForLog({ command: 'x', env: { KEY: value } });
  expect(logged('a ${HOME:-/root} b ${KEY}')).toBe(
    "x with the variables KEY='[redacted]${HOME:-[redacted]}[redacted]${KEY}'",
  );
  expect(logged('${KEY}${')).toBe("x with the variables KEY='${KEY}[redacted]'");
  // References that nothing closes take no longer than they are long.
  expect(logged('${a:-'.repeat(300_000))).toBe("x with the variables KEY='[redacted]'");
});
