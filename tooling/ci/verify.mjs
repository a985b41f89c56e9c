// `npm test`: every check of the project, with minutes for each, and at the end what failed and why, and
// `N passed, N failed`.
// Names of suites as arguments run only those: `npm test -- unit e2e`.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { installClaudeCode } from '../setup/claude-code.mjs';
import { root, suites } from './suites.mjs';

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !suites.some((suite) => suite.name === name));
if (unknown.length > 0) {
  console.error(
    `No suite ${unknown.join(', ')}. There are: ${suites.map((suite) => suite.name).join(', ')}`,
  );
  process.exit(2);
}
installClaudeCode();

const reports = mkdtempSync(path.join(tmpdir(), 'orch-verify-'));
const results = [];
for (const suite of suites.filter(({ name }) => wanted.length === 0 || wanted.includes(name))) {
  console.log(`\n── ${suite.name}`);
  const report = path.join(reports, `${suite.name}.json`);
  const [program, ...argv] = suite.argv;
  const more = suite.tests
    ? ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
    : [];
  const startedAt = performance.now();
  const { status, last } = await run(program, [...argv, ...more]);
  const counted = suite.tests ? countTests(report) : { passed: 0, failed: 0 };
  const good = status === 0;
  results.push({
    name: suite.name,
    minutes: (performance.now() - startedAt) / 60_000,
    passed: counted.passed + (good && !suite.tests ? 1 : 0),
    // A suite that failed without a failed test (it crashed, or found nothing to run) is a failure itself.
    failed: counted.failed + (!good && counted.failed === 0 ? 1 : 0),
    failures: good
      ? []
      : (counted.failures ?? [`${suite.name} ended with ${status}; it said last:\n${last}`]),
  });
}
rmSync(reports, { recursive: true, force: true });

console.log('\nsuite               minutes  passed  failed');
for (const { name, minutes, passed, failed } of results) {
  console.log(
    `${name.padEnd(18)} ${minutes.toFixed(2).padStart(8)} ${String(passed).padStart(7)} ${String(failed).padStart(7)}`,
  );
}
for (const failure of results.flatMap(({ failures }) => failures)) console.log(`\n✗ ${failure}`);
const total = (key) => results.reduce((sum, result) => sum + result[key], 0);
console.log(`\n${total('passed')} passed, ${total('failed')} failed`);
process.exitCode = total('failed') === 0 ? 0 : 1;

/**
 * Runs a suite, shows what it says while it says it, and keeps the end of it: a suite can fail with no test to
 * name (an error outside all tests, a crash), and of a long log often only the end is kept.
 */
function run(program, argv) {
  const colour = process.stdout.isTTY && !process.env.NO_COLOR ? { FORCE_COLOR: '1' } : {};
  const child = spawn(program, argv, {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      ...colour,
      TURBO_TELEMETRY_DISABLED: '1',
      DO_NOT_TRACK: '1',
      NODE_LEG: process.version,
    },
  });
  let kept = '';
  for (const [from, to] of [
    [child.stdout, process.stdout],
    [child.stderr, process.stderr],
  ]) {
    from.setEncoding('utf8');
    from.on('data', (text) => {
      to.write(text);
      kept = (kept + text).slice(-16_384);
    });
  }
  return new Promise((resolve) => {
    child.on('error', (error) => {
      console.error(error.message);
      resolve({ status: error.code, last: `  ${error.message}` });
    });
    const ended = (code, signal) => resolve({ status: code ?? signal, last: ending(kept) });
    child.on('close', ended);
    // What a suite left running may hold its output open: that must not hold this up.
    child.on('exit', (code, signal) =>
      setTimeout(() => {
        ended(code, signal);
        child.stdout.destroy();
        child.stderr.destroy();
      }, 2_000).unref(),
    );
  });
}

function ending(text) {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  return lines
    .slice(-60)
    .map((line) => `  ${line.slice(0, 240)}`)
    .join('\n');
}

function countTests(report) {
  let read;
  try {
    read = JSON.parse(readFileSync(report, 'utf8'));
  } catch {
    return { passed: 0, failed: 0 };
  }
  const failures = read.testResults
    .filter(({ status }) => status === 'failed')
    .flatMap(({ name, message, assertionResults }) => {
      const file = path.relative(root, name);
      const failed = assertionResults.filter(({ status }) => status === 'failed');
      return failed.length === 0
        ? [`${file}\n${shortened(message)}`]
        : failed.map(
            ({ fullName, failureMessages }) =>
              `${file}: ${fullName}\n${shortened(failureMessages.join('\n'))}`,
          );
    });
  return {
    passed: read.numPassedTests,
    // A file that cannot be read is a failure, too, though no test of it is.
    failed: failures.length,
    ...(failures.length > 0 && { failures }),
  };
}

/** The first lines of a message, set in: the whole stands above, in the suite's own output. */
function shortened(message = '') {
  const lines = message.split('\n').filter((line) => line.trim() !== '');
  return lines
    .slice(0, 12)
    .map((line) => `  ${line.slice(0, 240)}`)
    .join('\n');
}
