// The official conformance suite against our gateway: `node conformance/run-server.mjs`. Its runner needs Node 22 or
// later, which comes from the `node` package of the registry; the gateway runs on the Node of this process.
// Arguments choose among `runs` by name; `--scenario NAME` runs one, and shows everything.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { build } from 'tsup';

const runs = {
  '0.1.16': { suite: '0.1.16', argv: ['--suite', 'active'] },
  '2025-11-25': { suite: '0.2.0-alpha.12', argv: ['--requirements', '2025-11-25'] },
  '2026-07-28': {
    suite: '0.2.0-alpha.12',
    argv: ['--spec-version', '2026-07-28', '--suite', 'all'],
  },
};

const here = import.meta.dirname;
const directory = mkdtempSync(path.join(tmpdir(), 'mcp-conformance-'));
const [first, scenario] = process.argv.slice(2);
const wanted = first === undefined || first === '--scenario' ? Object.keys(runs) : [first];

async function startServer() {
  await build({
    config: false,
    entry: { server: path.join(here, 'server.ts') },
    outDir: path.join(here, '../dist-conformance'),
    format: ['esm'],
    platform: 'node',
    target: 'node20',
    silent: true,
    noExternal: [/^@orch\//],
    esbuildOptions: (options) => void (options.conditions = ['@orch/source']),
  });
  const server = spawn(process.execPath, [path.join(here, '../dist-conformance/server.js')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const url = await new Promise((resolve, reject) => {
    server.stdout.once('data', (text) => resolve(String(text).trim()));
    server.once('exit', () => reject(new Error('The server ended.')));
  });
  return { url, stop: () => server.kill() };
}

function runSuite(url, suite, argv, output) {
  const command = ['--yes', '-p', 'node@22', '-p', `@modelcontextprotocol/conformance@${suite}`];
  const child = spawn(
    'npx',
    [...command, '--', 'conformance', 'server', '--url', url, '-o', output, ...argv],
    { stdio: ['ignore', first === '--scenario' ? 'inherit' : 'ignore', 'inherit'] },
  );
  return new Promise((resolve) => child.once('close', resolve));
}

/** By scenario: its checks, of which each is a file's line. */
function readResults(output) {
  return readdirSync(output, { recursive: true })
    .filter((file) => file.endsWith('checks.json'))
    .map((file) => {
      const checks = JSON.parse(readFileSync(path.join(output, file), 'utf8'));
      const name = path.basename(path.dirname(file)).replace(/^server-|-\d{4}-\d\d-\d\dT.*$/g, '');
      const of = (...statuses) => checks.filter(({ status }) => statuses.includes(status));
      return { name, good: of('SUCCESS').length, bad: of('FAILURE', 'WARNING') };
    });
}

let failed = 0;
const server = await startServer();
try {
  for (const name of wanted) {
    const run = runs[name];
    const output = path.join(directory, name);
    const argv = first === '--scenario' ? ['--scenario', scenario] : run.argv;
    await runSuite(server.url, run.suite, argv, output);
    const results = readResults(output);
    const bad = results.filter((result) => result.bad.length > 0);
    for (const { name: of, bad: checks } of bad)
      for (const { id, status, errorMessage } of checks)
        console.log(`  ${of}: ${status} ${id}: ${errorMessage ?? ''}`);
    const checks = results.reduce((sum, { good }) => sum + good, 0);
    console.log(
      `${name} (suite ${run.suite}): ${results.length - bad.length} scenarios passed, ${bad.length} failed; ${checks} checks passed`,
    );
    if (bad.length > 0 || results.length === 0) failed += 1;
  }
} finally {
  server.stop();
  rmSync(directory, { recursive: true, force: true });
  rmSync(path.join(here, '../dist-conformance'), { recursive: true, force: true });
}
process.exitCode = failed === 0 ? 0 : 1;
