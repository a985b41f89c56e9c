import path from 'node:path';

export const root = path.resolve(import.meta.dirname, '../..');
const tool = (name, ...argv) => [path.join(root, 'node_modules', '.bin', name), ...argv];
const script = (...argv) => [process.execPath, ...argv];

/**
 * What `npm test` runs, in this order. `tests: true`: counted by its reports; everything else counts as one.
 */
export const suites = [
  { name: 'versions', argv: tool('sherif', '--fail-on-warnings') },
  { name: 'format', argv: tool('prettier', '--check', '--log-level=warn', '.') },
  { name: 'layers', argv: script('tooling/layers/check.mjs') },
  { name: 'build', argv: tool('turbo', 'run', 'build', '--output-logs=errors-only') },
  { name: 'types', argv: tool('turbo', 'run', 'typecheck', '--output-logs=errors-only') },
  { name: 'lint', argv: tool('eslint', '--cache', '.') },
  { name: 'unused', argv: tool('knip', '--no-progress', '--no-config-hints') },
  { name: 'unit', tests: true, argv: tool('vitest', 'run', '--project=!e2e') },
  { name: 'e2e', tests: true, argv: tool('vitest', 'run', '--project=e2e') },
  { name: 'conformance', argv: script('packages/mcp/conformance/run.mjs', '--short') },
  { name: 'install', argv: script('tooling/ci/install-from-tarball.mjs') },
];
