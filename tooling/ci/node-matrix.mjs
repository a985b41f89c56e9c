// Runs `npm test` on the other Node lines, with binaries from the `node` package of the registry.
// turbo does not hash the Node version, so each leg names itself (NODE_LEG) and shares no cache.
import { spawnSync } from 'node:child_process';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '../..');
const lines = process.argv.slice(2).length > 0 ? process.argv.slice(2) : ['22', '24'];
let failed = 0;
for (const line of lines) {
  console.log(`\n════ Node ${line}`);
  const { status } = spawnSync(
    'npx',
    ['--yes', '--package', `node@${line}`, '--', 'node', 'tooling/ci/verify.mjs'],
    {
      cwd: root,
      stdio: 'inherit',
      env: { ...process.env, NODE_LEG: line },
    },
  );
  if (status !== 0) failed += 1;
}
process.exitCode = failed === 0 ? 0 : 1;
