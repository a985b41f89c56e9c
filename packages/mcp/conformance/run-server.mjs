// The official conformance suites against our gateway: `node packages/mcp/conformance/run-server.mjs [run…]`.
// `--only NAME` runs one scenario. What the suites only warn of counts as failed.
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { build } from 'tsup';

const here = import.meta.dirname;
const modules = path.join(here, '..', 'node_modules');

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

/** The suites need Node 22; the gateway runs on the Node that runs this. */
function findRunner() {
  if (Number(process.versions.node.split('.')[0]) >= 22) return process.execPath;
  const argv = ['--yes', '--package', 'node@22', '--', 'node', '-p', 'process.execPath'];
  const { status, stdout, stderr } = spawnSync('npx', argv, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`No Node 22 for the suites: ${stderr}`);
  return stdout.trim();
}

/** Inside of the package, so that it finds what the package depends on. */
async function startServer() {
  mkdirSync(modules, { recursive: true });
  const directory = mkdtempSync(path.join(modules, '.conformance-server-'));
  await build({
    config: false,
    entry: { server: path.join(here, 'server.ts') },
    outDir: directory,
    format: ['esm'],
    outExtension: () => ({ js: '.mjs' }),
    platform: 'node',
    target: 'node20',
    silent: true,
    dts: false,
    noExternal: [/^@orch\//],
    esbuildOptions(options) {
      options.conditions = ['@orch/source'];
    },
  });
  const server = spawn(process.execPath, [path.join(directory, 'server.mjs')], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const url = await new Promise((resolve, reject) => {
    server.stdout.once('data', (text) => resolve(String(text).trim()));
    server.once('exit', () => reject(new Error('The server ended.')));
  });
  return {
    url,
    stop() {
      server.kill();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function runSuite(url, { suite, argv }, output) {
  const program = path.join(modules, suite, 'dist', 'index.js');
  const scenario = values.only === undefined ? [] : ['--scenario', values.only, '--verbose'];
  const child = spawn(
    runner,
    [program, 'server', '--url', url, '-o', output, ...argv, ...scenario],
    { stdio: ['ignore', values.only === undefined ? 'ignore' : 'inherit', 'inherit'] },
  );
  return new Promise((resolve) => child.once('close', resolve));
}

/** Of each scenario the checks that passed and those that did not. */
function readResults(output) {
  return readdirSync(output, { recursive: true })
    .filter((file) => file.endsWith('checks.json'))
    .map((file) => {
      const checks = JSON.parse(readFileSync(path.join(output, file), 'utf8'));
      const of = (...statuses) => checks.filter(({ status }) => statuses.includes(status));
      const name = path.basename(path.dirname(file)).replace(/^server-|-\d{4}-\d\d-\d\dT.*$/g, '');
      return { name, good: of('SUCCESS').length, bad: of('FAILURE', 'WARNING') };
    });
}

const runner = findRunner();
const scratch = mkdtempSync(path.join(tmpdir(), 'mcp-conformance-'));
const server = await startServer();
let passed = 0;
let failed = 0;
try {
  for (const name of positionals.length > 0 ? positionals : Object.keys(runs)) {
    const output = path.join(scratch, name);
    mkdirSync(output);
    await runSuite(server.url, runs[name], output);
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
  server.stop();
  rmSync(scratch, { recursive: true, force: true });
}
console.log(`\n${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
