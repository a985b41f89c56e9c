// The official conformance suites against our gateway: `node packages/mcp/conformance/run-server.mjs [run…]`.
// `--only NAME` runs one scenario. What the suites only warn of counts as failed.
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { buildPrograms, owner, readChecks, runner, scratch, suiteProgram } from './suite.mjs';

const here = import.meta.dirname;

const runs = {
  0.1: { suite: 'mcp-conformance-0.1', argv: ['--suite', 'active'] },
  '0.2-2025-11-25': {
    suite: 'mcp-conformance-0.2',
    argv: ['--suite', 'all', '--spec-version', '2025-11-25'],
  },
  '0.2-2026-07-28': {
    suite: 'mcp-conformance-0.2',
    argv: ['--suite', 'all', '--spec-version', '2026-07-28'],
  },
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { only: { type: 'string' } },
});
const unknown = positionals.filter((name) => !(name in runs));
if (unknown.length > 0) {
  console.error(`No run ${unknown.join(', ')}. There are: ${Object.keys(runs).join(', ')}`);
  process.exit(2);
}

/** Gives the address of our gateway. */
async function startServer() {
  const directory = await buildPrograms({ server: path.join(here, 'server.ts') });
  const argv = [process.execPath, path.join(directory, 'server.mjs')];
  const address = await new Promise((resolve, reject) => {
    owner
      .start({ argv, cwd: here, env: process.env, onStdoutLine: resolve })
      .then(({ ended }) => ended)
      .then(({ stderr }) => reject(new Error(`The gateway ended: ${stderr.text}`)), reject);
  });
  return address.trim();
}

async function runSuite(url, { suite, argv }, output) {
  const scenario = values.only === undefined ? [] : ['--scenario', values.only, '--verbose'];
  const program = [runner, suiteProgram(suite), 'server', '--url', url, '-o', output];
  await owner.run({
    argv: [...program, ...argv, ...scenario],
    cwd: here,
    env: process.env,
    onStdoutLine: (line) => void (values.only !== undefined && console.log(line)),
    onStderrLine: (line) => console.error(line),
  });
}

/** Of each scenario the checks that passed and those that did not. */
const readResults = (output) =>
  readChecks(output).map(({ scenario, checks }) => {
    const of = (...statuses) => checks.filter(({ status }) => statuses.includes(status));
    return { name: scenario, good: of('SUCCESS').length, bad: of('FAILURE', 'WARNING') };
  });

let passed = 0;
let failed = 0;
try {
  const url = await startServer();
  for (const name of positionals.length > 0 ? positionals : Object.keys(runs)) {
    const output = path.join(scratch, name);
    mkdirSync(output);
    await runSuite(url, runs[name], output);
    const results = readResults(output);
    const bad = results.filter((result) => result.bad.length > 0);
    for (const { name: scenario, bad: checks } of bad)
      for (const { id, status, errorMessage } of checks)
        console.log(`  ${scenario}: ${status} ${id}: ${errorMessage ?? ''}`);
    const good = results.length - bad.length;
    const checks = results.reduce((sum, result) => sum + result.good, 0);
    console.log(
      `${name}: ${good} of ${results.length} scenarios; ${checks} checks passed, ${bad.flatMap((result) => result.bad).length} failed`,
    );
    passed += good;
    failed += bad.length + (results.length === 0 ? 1 : 0);
  }
} finally {
  await owner.close();
}
console.log(`\n${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
