// The official conformance suites against our client: `node packages/mcp/conformance/run.mjs [run…]`.
// Runs: sdk-0.1, sdk-0.2 (default engine), client-0.2, client-2026-07-28 (second engine). `--short`: what fits into a
// minute. `--only REGEXP`: scenarios with this in their names. `--expected FILE`: another list of expected failures.
// A scenario fails the run when it fails and is not expected to, and when it is expected to and does not.
import { mkdtempSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { buildPrograms, owner, readChecks, runner, scratch, suiteProgram } from './suite.mjs';

const here = import.meta.dirname;
const concurrency = 2;
const timeoutMs = 60_000;

const runs = {
  'sdk-0.1': { suite: 'mcp-conformance-0.1', engine: 'sdk' },
  'sdk-0.2': { suite: 'mcp-conformance-0.2', engine: 'sdk' },
  'client-0.2': { suite: 'mcp-conformance-0.2', engine: 'client' },
  'client-2026-07-28': { suite: 'mcp-conformance-0.2', engine: 'client', version: '2026-07-28' },
};
/** What `--short` takes of each run: each kind once. */
const short = {
  'sdk-0.1': /^(?!auth\/)|^auth\/(metadata-default|scope-step-up)$/,
  'client-2026-07-28': /^(?!auth\/)|^auth\/(iss-normalized|scope-step-up)$/,
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    short: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
    expected: { type: 'string', default: path.join(here, 'expected-failures.json') },
  },
});
const unknown = positionals.filter((name) => !(name in runs));
if (unknown.length > 0) {
  console.error(`No run ${unknown.join(', ')}. There are: ${Object.keys(runs).join(', ')}`);
  process.exit(2);
}

const client = await buildClient();
const expected = JSON.parse(readFileSync(values.expected, 'utf8'));
let passed = 0;
let failed = 0;
try {
  for (const name of positionals.length > 0 ? positionals : Object.keys(runs)) await perform(name);
} finally {
  await owner.close();
}
console.log(`\n${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;

async function perform(name) {
  const run = runs[name];
  const scenarios = (await list(run)).filter(
    (scenario) =>
      new RegExp(values.only).test(scenario) &&
      (!values.short || (short[name] !== undefined && short[name].test(scenario))),
  );
  if (scenarios.length === 0) return;
  const reasons = expected[name] ?? {};
  console.log(`\n── ${name}: ${scenarios.length} scenarios of ${run.suite}`);
  const sum = { ok: 0, passed: 0, failed: 0 };
  const waiting = [...scenarios];
  const work = async () => {
    for (let scenario = waiting.shift(); scenario !== undefined; scenario = waiting.shift()) {
      const result = await performScenario(run, scenario);
      const reason = reasons[scenario];
      const asExpected = result.ok === (reason === undefined);
      if (asExpected) passed += 1;
      else failed += 1;
      sum.ok += result.ok ? 1 : 0;
      sum.passed += result.passed;
      sum.failed += result.failed;
      const mark = result.ok ? 'ok  ' : 'fail';
      const checks = `${result.passed} checks passed, ${result.failed} failed`;
      const why = reason === undefined ? '' : ` · expected: ${reason}`;
      console.log(`${mark} ${scenario.padEnd(44)} ${checks}${why}`);
      if (asExpected) continue;
      if (result.ok)
        console.log('     is on the list of expected failures, and passes: take it off');
      else console.log(indented(result.said));
    }
  };
  await Promise.all(Array.from({ length: concurrency }, work));
  console.log(
    `${name}: ${sum.ok} of ${scenarios.length} scenarios; ${sum.passed} checks passed, ${sum.failed} failed`,
  );
}

async function buildClient() {
  const scenarios = readdirSync(path.join(here, 'scenarios')).map((file) => [
    `scenarios/${path.basename(file, '.ts')}`,
    path.join(here, 'scenarios', file),
  ]);
  const entry = { client: path.join(here, 'client.ts'), ...Object.fromEntries(scenarios) };
  return path.join(await buildPrograms(entry), 'client.mjs');
}

/** Names of the client scenarios of a suite, of one version of the protocol if the run is of one. */
async function list({ suite, version }) {
  const { stdout } = await owner.run({
    argv: [runner, suiteProgram(suite), 'list'],
    cwd: here,
    env: process.env,
  });
  const section = stdout.text.slice(stdout.text.indexOf('Client scenarios')).split('\n\n')[0] ?? '';
  return [...section.matchAll(/^ {2}- (\S+) \[(.*)\]$/gm)]
    .filter(([, , versions]) => version === undefined || versions.split(',').includes(version))
    .map(([, scenario]) => scenario);
}

async function performScenario({ suite, engine, version }, scenario) {
  const out = mkdtempSync(path.join(scratch, 'run-'));
  const argv = [runner, suiteProgram(suite), 'client', '--scenario', scenario, '-o', out];
  argv.push('--command', `'${process.execPath}' '${client}'`, '--timeout', String(timeoutMs));
  if (version !== undefined) argv.push('--spec-version', version);
  let said = '';
  const onLine = (line) => void (said += `${line}\n`);
  const { code } = await owner.run({
    argv,
    cwd: here,
    env: { ...process.env, ORCH_CONFORMANCE_ENGINE: engine },
    wallMs: timeoutMs + 30_000,
    onStdoutLine: onLine,
    onStderrLine: onLine,
  });
  const checks = readChecks(out).flatMap((result) => result.checks);
  const count = (...of) => checks.filter(({ status }) => of.includes(status)).length;
  // Scenarios in which a client must fail are not passed by failing to know them.
  const ok = code === 0 && !said.includes('does not know the scenario');
  return { ok, passed: count('SUCCESS'), failed: count('FAILURE', 'WARNING'), said };
}

function indented(text) {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  return lines
    .slice(-60)
    .map((line) => `     ${line.slice(0, 600)}`)
    .join('\n');
}
