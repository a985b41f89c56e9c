// What the runs against our client and against our gateway share: the Node of the suites, ours built, and processes
// that end with the run, also when it is killed.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createProcessOwner } from '@orch/process';
import { build } from 'tsup';

const modules = path.join(import.meta.dirname, '..', 'node_modules');

/** The suites need Node 22; what they test runs on the Node that runs this. */
export const runner = findRunner();

function findRunner() {
  if (Number(process.versions.node.split('.')[0]) >= 22) return process.execPath;
  const argv = ['--yes', '--prefer-offline', '--package', 'node@22', '--'];
  const { status, stdout, stderr } = spawnSync('npx', [...argv, 'node', '-p', 'process.execPath'], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`No Node 22 for the suites: ${stderr}`);
  return stdout.trim();
}

export const suiteProgram = (suite) => path.join(modules, suite, 'dist', 'index.js');

/** Whatever is started ends with this run. */
export const owner = createProcessOwner({ marker: `mcp-conformance-${process.pid}` });

// So that what is removed at the exit is removed when a person interrupts, too.
process.once('SIGINT', () => process.exit(130));
process.once('SIGTERM', () => process.exit(143));

/** For results; removed when the run ends. */
export const scratch = temporary(path.join(tmpdir(), 'mcp-conformance-'));

function temporary(prefix) {
  const directory = mkdtempSync(prefix);
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** Builds entries (`{ name: source }`) inside of the package, so that they find what it depends on. Gives the directory. */
export async function buildPrograms(entry) {
  mkdirSync(modules, { recursive: true });
  const outDir = temporary(path.join(modules, '.conformance-'));
  await build({
    config: false,
    entry,
    outDir,
    format: ['esm'],
    outExtension: () => ({ js: '.mjs' }),
    target: 'node20',
    platform: 'node',
    splitting: true,
    silent: true,
    dts: false,
    noExternal: [/^@orch\//],
    esbuildOptions(options) {
      options.conditions = ['@orch/source'];
    },
  });
  return outDir;
}

/** What the suite found, below `directory`: for each scenario its name and checks. */
export const readChecks = (directory) =>
  readdirSync(directory, { recursive: true })
    .filter((file) => file.endsWith('checks.json'))
    .map((file) => ({
      scenario: path.basename(path.dirname(file)).replace(/^server-|-\d{4}-\d\d-\d\dT.*$/g, ''),
      checks: JSON.parse(readFileSync(path.join(directory, file), 'utf8')),
    }));
