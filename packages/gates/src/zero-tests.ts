/** How a test runner's report says that something ran, and that nothing did. */
export interface TestReportPattern {
  readonly runner: string;
  /** A line of a report in which no test ran; a skipped test did not run. */
  readonly none: RegExp;
  /** A line of a report in which at least one test ran. */
  readonly some: RegExp;
}

/** The reports that are recognised. They are matched against whole lines, without colours. */
export const testReportPatterns: readonly TestReportPattern[] = [
  {
    runner: 'node:test',
    none: /^(?:#|ℹ) pass 0$/m,
    some: /^(?:#|ℹ) (?:pass|fail|cancelled) [1-9]/m,
  },
  { runner: 'TAP', none: /^1\.\.0\b/m, some: /^(?:not )?ok \d+\b(?!.*# skip)/im },
  {
    runner: 'vitest',
    none: /^(?:No test files found|[ \t]+Tests[ \t]+(?:no tests|\d+ (?:skipped|todo)\b))/m,
    some: /^[ \t]+Tests[ \t].*\b[1-9]\d* (?:passed|failed)\b/m,
  },
  {
    runner: 'jest',
    none: /^(?:No tests found, exiting with code 0|Tests:[ \t]+(?:\d+ (?:skipped|todo), )*\d+ total$)/m,
    some: /^Tests:[ \t].*\b[1-9]\d* (?:passed|failed)\b/m,
  },
  {
    runner: 'mocha',
    none: /^[ \t]*0 passing \(/m,
    some: /^[ \t]*[1-9]\d* (?:passing \(|failing$)/m,
  },
  {
    runner: 'pytest',
    none: /^(?:=+ )?(?:no tests ran|(?:\d+ (?:skipped|deselected|warnings?)(?:, )?)+) in [\d.]+s/m,
    some: /^(?:=+ )?(?:\d+ \w+, )*[1-9]\d* (?:passed|failed|xfailed|xpassed|errors?)\b.* in [\d.]+s/m,
  },
  { runner: 'unittest', none: /^Ran 0 tests in /m, some: /^Ran [1-9]\d* tests? in /m },
  {
    runner: 'cargo test',
    none: /^test result: \w+\. 0 passed; 0 failed;/m,
    some: /^test result: \w+\. (?:[1-9]\d* passed|0 passed; [1-9]\d* failed);/m,
  },
  {
    runner: 'go test',
    none: /^(?:\?[ \t]+\S+[ \t]+\[no test files\]|ok[ \t]+\S+[ \t]+\S+[ \t]+\[no tests to run\])$/m,
    some: /^(?:ok|FAIL)[ \t]+\S+[ \t]+(?:[\d.]+s|\(cached\))(?!.*\[no tests to run\])/m,
  },
  { runner: 'RSpec', none: /^0 examples, 0 failures/m, some: /^[1-9]\d* examples?, /m },
];

/**
 * The runner whose report says that no test ran, or undefined: when there is no such report, or another
 * report in the same output (of another package, say) says that some did. `output` is plain text.
 */
export function findZeroTests(output: string): string | undefined {
  if (testReportPatterns.some(({ some }) => some.test(output))) return undefined;
  return testReportPatterns.find(({ none }) => none.test(output))?.runner;
}
