import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** The Claude Code that rehearsals and tests run; raise it here and nowhere else. */
export const claudeCodeVersion = '2.1.330';

const root = path.resolve(import.meta.dirname, '../..');
const directory = path.join(root, '.peers', 'claude-code');

/** Where the pinned binary is once it is installed. */
export const claudeCodeExecutable = path.join(directory, 'node_modules', '.bin', 'claude');

/** Installs the pinned Claude Code beside the project (not into it), unless it is there already. */
export function installClaudeCode() {
  const stamp = path.join(directory, 'installed');
  if (
    existsSync(stamp) &&
    readFileSync(stamp, 'utf8') === claudeCodeVersion &&
    existsSync(claudeCodeExecutable)
  )
    return;
  mkdirSync(directory, { recursive: true });
  writeFileSync(path.join(directory, 'package.json'), '{ "private": true }\n');
  // Its postinstall script only puts the platform's binary in place; we do that ourselves, so that
  // no script of the package has to run.
  execFileSync(
    'npm',
    [
      'install',
      '--no-save',
      '--no-audit',
      '--no-fund',
      '--ignore-scripts',
      // Its manifest asks for a newer Node than its binary, which needs none.
      '--engine-strict=false',
      '--loglevel=error',
      `@anthropic-ai/claude-code@${claudeCodeVersion}`,
    ],
    { cwd: directory, stdio: ['ignore', 'ignore', 'inherit'] },
  );
  execFileSync(process.execPath, ['install.cjs'], {
    cwd: path.join(directory, 'node_modules', '@anthropic-ai', 'claude-code'),
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const version = execFileSync(claudeCodeExecutable, ['--version'], { encoding: 'utf8' }).trim();
  if (!version.startsWith(claudeCodeVersion)) {
    throw new Error(
      `Expected Claude Code ${claudeCodeVersion} at ${claudeCodeExecutable}, it says ${version}`,
    );
  }
  writeFileSync(stamp, claudeCodeVersion);
}

if (process.argv[1] === import.meta.filename) {
  installClaudeCode();
  console.log(claudeCodeExecutable);
}
