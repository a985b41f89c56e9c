import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { composeFindings } from '../src/findings.js';
import { findingsLimitBytes, findZeroTests } from '../src/index.js';
import { toPlainText } from '../src/plain-text.js';

const noise = (count: number, from = 0) =>
  Array.from({ length: count }, (_, n) => `ok ${from + n} - all is well here, nothing to see`).join(
    '\n',
  );
const recorded = (name: string) =>
  readFileSync(new URL(`recorded/${name}`, import.meta.url), 'utf8');
const escape = String.fromCharCode(27);
const bell = String.fromCharCode(7);

describe('findings', () => {
  test('show output that fits as it is, both streams by name', () => {
    expect(composeFindings('It failed.', { stdout: 'a\n  b\n\nc\n', stderr: '' })).toBe(
      'It failed.\n\na\n  b\n\nc',
    );
    expect(composeFindings('It failed.', { stdout: '', stderr: 'e' })).toBe('It failed.\n\ne');
    expect(composeFindings('It failed.', { stdout: 'a\n', stderr: 'e\n' })).toBe(
      'It failed.\n\n[stdout]\na\n[stderr]\ne',
    );
    expect(composeFindings('It failed.', { stdout: '\n', stderr: '' })).toBe('It failed.');
  });

  test.each([
    'not ok 7 - adds',
    'FAIL src/sum.test.ts > adds',
    '  ✖ adds (2ms)',
    '  ✕ adds (10 ms)',
    'AssertionError [ERR_ASSERTION]: values differ',
    'TypeError: x is not a function',
    'src/sum.ts(3,1): error TS2304: Cannot find name',
    'error[E0308]: mismatched types',
    "thread 'main' panicked at src/lib.rs:3:5",
    'E       assert 2 == 3',
    'sh: 1: eslint: command not found',
  ])(
    'find the decisive line in the middle of much output, with what stands around it: %s',
    (line) => {
      const stdout = `${noise(3000)}\nbefore it\n${line}\n    the reason\n${noise(3000, 3000)}\nthe summary`;
      const findings = composeFindings('It failed.', { stdout, stderr: '' });
      expect(findings).toContain(`before it\n${line.trimEnd()}\n    the reason\n`);
      expect(findings).toMatch(/\[\.\.\. \d+ lines \.\.\.\]/);
      expect(findings).toMatch(/the summary$/);
      // Control: without the decisive line, what stands around it is left out like the rest.
      const control = composeFindings('It failed.', {
        stdout: stdout.replace(line, 'ok'),
        stderr: '',
      });
      expect(control).not.toContain('the reason');
    },
  );

  test('do not take passed tests with a telling name, or counts of nothing, for failures', () => {
    const stdout = `${noise(2000)}\nok 5 - throws an Error\n✔ FAILS well\n0 errors, 0 failures\nhidden\n${noise(2000)}`;
    expect(composeFindings('It failed.', { stdout, stderr: '' })).not.toContain('hidden');
  });

  test('prefer what says that something failed to what only mentions errors', () => {
    const mentions = Array.from({ length: 2000 }, (_, n) => `checking Error number ${n}`).join(
      '\n',
    );
    const stdout = `${mentions}\nnot ok 1 - adds\n${mentions}`;
    expect(composeFindings('It failed.', { stdout, stderr: '' })).toContain('not ok 1 - adds');
  });

  test('show the first failures and the end when there are more than fit', () => {
    const failures = Array.from(
      { length: 500 },
      (_, n) => `not ok ${n} - fails\n  expected ${n}\n  actual ${n + 1}`,
    );
    const findings = composeFindings('It failed.', {
      stdout: `${failures.join('\n')}\n# fail 500`,
      stderr: '',
    });
    expect(findings).toContain('not ok 0 - fails\n  expected 0\n  actual 1\nnot ok 1');
    expect(findings).toMatch(/not ok 499 - fails\n {2}expected 499\n {2}actual 500\n# fail 500$/);
    expect(Buffer.byteLength(findings)).toBeGreaterThan(findingsLimitBytes * 0.9);
  });

  test('leave room for both streams', () => {
    const loud = `${noise(5000)}\nnot ok 1 - out\n${noise(5000)}`;
    const findings = composeFindings('It failed.', {
      stdout: loud,
      stderr: loud.replace('out', 'err'),
    });
    expect(findings).toMatch(/\[stdout\][^]*not ok 1 - out[^]*\[stderr\][^]*not ok 1 - err/);
  });

  test.each(['mocha.red.txt', 'jest.red.txt'])(
    'hold the assertion of a real report that is buried in noise: %s',
    (name) => {
      const report = recorded(name);
      const stdout = `${noise(2000)}\n${report}\n${noise(2000)}`;
      expect(composeFindings('It failed.', { stdout, stderr: '' })).toMatch(
        /strictly (?:be )?equal/,
      );
    },
  );

  test('are at most 8 KiB of text without control characters, whatever was printed', () => {
    const line = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 2000 }),
      fc.constantFrom(
        'not ok 1',
        'AssertionError: x',
        `${escape}[31mred${escape}[0m`,
        '\r\r',
        '💥'.repeat(300),
        '',
        ' ',
      ),
    );
    const output = fc.array(line, { maxLength: 300 }).map((lines) => lines.join('\n'));
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', maxLength: 3000 }),
        output,
        output,
        (heading, stdout, stderr) => {
          const findings = composeFindings(heading, { stdout, stderr });
          expect(Buffer.byteLength(findings)).toBeLessThanOrEqual(findingsLimitBytes);
          expect(findings.replace(/[\t\n]/g, '')).not.toMatch(
            /[\p{Cc}\u202a-\u202e\u2066-\u2069]/u,
          );
        },
      ),
      { numRuns: 150 },
    );
  });
});

describe('plain text', () => {
  test.each([
    ['colours', `${escape}[1;31mred${escape}[0m`, 'red'],
    ['cursor movements', `a${escape}[2K${escape}[1Gb`, 'ab'],
    ['window titles', `${escape}]0;owned${bell}text`, 'text'],
    ['links', `${escape}]8;;http://localhost${escape}\\link${escape}]8;;${escape}\\`, 'link'],
    ['device control strings', `${escape}Ppayload${escape}\\text`, 'text'],
    ['two-character sequences', `${escape}cnew${escape}(B`, 'new'],
    ['a lone escape', `a${escape}`, 'a'],
    ['bells, backspaces, NUL, DEL, C1', `a${bell}\b\0\u007f\u009bb`, 'ab'],
    ['direction overrides and hidden characters', 'a\u202eb\u2066c\u200bd\ufeff', 'abcd'],
    ['Windows line ends', 'a\r\nb\r\r\n', 'a\nb\n'],
    ['progress bars, but their last state', '10%\r50%\r100%\nnext\r', '100%\nnext'],
  ])('has no %s', (_, output, text) => {
    expect(toPlainText(output)).toBe(text);
  });

  test('keeps tabs, newlines, accents and joined emoji', () => {
    const text = 'a\tb\n\nçé 👩‍💻\n';
    expect(toPlainText(text)).toBe(text);
  });

  test('takes linear time for hostile output', () => {
    for (const piece of [
      `${escape}]`,
      `${escape}[`,
      `${escape}P`,
      '\r',
      ' ',
      escape,
      '0',
      'Error',
      '=',
      '1 a, ',
      `${escape}[0`,
    ]) {
      const output = piece.repeat(500_000);
      expect(findZeroTests(toPlainText(output))).toBeUndefined();
      expect(
        composeFindings('It failed.', { stdout: `${output}x`, stderr: output }).length,
      ).toBeLessThanOrEqual(findingsLimitBytes);
    }
  });
});
