import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { toPlainText } from '../src/plain-text.js';
import { findZeroTests, testReportPatterns } from '../src/index.js';

/** What the runners really printed. `<runner>.<what ran>.txt`. */
const recorded = new URL('recorded/', import.meta.url);
const reports = readdirSync(recorded).map((name) => {
  const [runner = '', ran = ''] = name.split('.');
  return {
    name,
    runner: runner.replace('node-test', 'node:test').replace('cargo-test', 'cargo test'),
    ran,
    text: toPlainText(readFileSync(new URL(name, recorded), 'utf8')),
  };
});
const without = (runs: readonly string[]) => reports.filter(({ ran }) => !runs.includes(ran));

describe('a report', () => {
  test.each(without(['some', 'red']))('in which no test ran is seen: $name', ({ runner, text }) => {
    expect(findZeroTests(text)).toBe(runner);
  });

  test.each(reports.filter(({ ran }) => ['some', 'red'].includes(ran)))(
    'in which a test ran is not: $name',
    ({ text }) => {
      expect(findZeroTests(text)).toBeUndefined();
    },
  );

  test('of several packages, one of them empty, counts as tests that ran', () => {
    const [none, some] = [
      reports.find(({ ran }) => ran === 'none'),
      reports.find(({ ran }) => ran === 'some'),
    ];
    expect(findZeroTests(`${none?.text ?? ''}\n${some?.text ?? ''}`)).toBeUndefined();
  });

  test.each([
    ['go test', '?   \texample/a\t[no test files]\n', 'ok  \texample/b\t0.004s\n'],
    ['go test', 'ok  \texample/a\t0.003s [no tests to run]\n', 'ok  \texample/b\t(cached)\n'],
    ['go test', '?   \texample/a\t[no test files]\n', 'FAIL\texample/b\t0.004s\n'],
    [
      'RSpec',
      'No examples found.\n\nFinished in 0.0003 seconds\n0 examples, 0 failures\n',
      '3 examples, 0 failures\n',
    ],
    ['TAP', 'TAP version 14\n1..0 # no tests found\n', 'ok 1 - works\n'],
    ['TAP', '1..0\nok 1 - later # SKIP\n', 'not ok 1 - works\n'],
  ])('of %s is seen by its documented form, and a run test overrules it', (runner, none, some) => {
    expect(findZeroTests(none)).toBe(runner);
    expect(findZeroTests(none + some)).toBeUndefined();
  });

  test.each([
    '',
    'done\n',
    'Compiled 0 files\n',
    'found 0 vulnerabilities\n',
    '0 errors, 0 warnings\n',
    'tests 0\n',
    'Tests: none needed\n',
  ])('is not seen in the output of another command: %j', (text) => {
    expect(findZeroTests(text)).toBeUndefined();
  });

  test('has a pattern for every recorded runner, and none matches both ways on one line', () => {
    for (const { runner } of reports)
      expect(testReportPatterns.map((one) => one.runner)).toContain(runner);
    for (const { text } of reports) {
      for (const line of text.split('\n')) {
        for (const { none, some } of testReportPatterns)
          expect(none.test(line) && some.test(line)).toBe(false);
      }
    }
  });
});
