// `npm run setup`: everything the project needs, from the registry alone, with the versions in the lock file.
import { execFileSync, spawnSync } from 'node:child_process';
import path from 'node:path';
import { claudeCodeVersion, installClaudeCode } from './claude-code.mjs';

const root = path.resolve(import.meta.dirname, '../..');
const pnpm = 'pnpm@10.34.9';
const step = (what, work) => {
  const startedAt = performance.now();
  console.log(`· ${what}`);
  work();
  console.log(`  ${((performance.now() - startedAt) / 1000).toFixed(0)} s`);
};
const run = (program, argv) =>
  execFileSync(program, argv, {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: {
      ...process.env,
      TURBO_TELEMETRY_DISABLED: '1',
      DO_NOT_TRACK: '1',
      // As in `npm test`, which then finds the packages built.
      NODE_LEG: process.version,
    },
  });

step('packages', () =>
  run('npx', [
    '--yes',
    pnpm,
    'install',
    '--frozen-lockfile',
    '--reporter=append-only',
    '--loglevel=warn',
  ]),
);
step(`Claude Code ${claudeCodeVersion} for rehearsals and tests`, installClaudeCode);
// Only root has the PID namespaces that their tests are about; without apt-get, the tests that need them say so.
if (process.platform === 'linux' && process.getuid?.() === 0) {
  step('bubblewrap, tmux and at for the tests of @orch/process', () => {
    for (const name of ['bubblewrap', 'daemons']) {
      const script = path.join(import.meta.dirname, `${name}.mjs`);
      spawnSync(process.execPath, [script], { stdio: ['ignore', 'inherit', 'inherit'] });
    }
  });
}
step('build', () => run('npx', ['turbo', 'run', 'build', '--output-logs=errors-only']));
console.log('\nReady. Next: npm start');
