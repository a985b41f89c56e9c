import { randomUUID } from 'node:crypto';
import fs from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { createProcessOwner } from '@orch/process';
import type { Detection } from '../driver.js';
import { oneLine } from '../excerpt.js';
import { locateClaude, type Environment } from './executable.js';

/** The oldest version whose interfaces are known here. */
const oldestVersion = [2, 1, 150] as const;

const versionLimitMs = 30_000;

const credentialNames = ['ANTHROPIC_API_KEY', 'ANTHROPIC_AUTH_TOKEN', 'CLAUDE_CODE_OAUTH_TOKEN'];

/** Looks for the program, its version and its credentials. Sends nothing anywhere. */
export async function detectClaude(
  explicit: string | undefined,
  environment: Environment,
): Promise<Detection> {
  const located = await locateClaude(explicit, environment);
  if ('missing' in located) {
    return {
      available: false,
      reason: `Claude Code was not found: ${located.missing}. Install it (npm install -g @anthropic-ai/claude-code), or set ORCH_CLAUDE to its path.`,
    };
  }
  const asked = await askVersion(located.path, environment);
  if ('problem' in asked) return { available: false, reason: asked.problem };
  const credentials = await findCredentials(environment);
  return {
    available: true,
    executable: located.path,
    version: asked.version,
    credentials,
    warnings: [...versionWarnings(asked.version), ...credentialWarnings(credentials)],
  };
}

async function askVersion(
  path: string,
  environment: Environment,
): Promise<{ readonly version: string } | { readonly problem: string }> {
  const owner = createProcessOwner({ marker: `detect-${randomUUID()}` });
  try {
    const env = { PATH: environment['PATH'] ?? '', HOME: environment['HOME'] ?? homedir() };
    const ended = await owner.run({
      argv: [path, '--version'],
      cwd: '/',
      env,
      wallMs: versionLimitMs,
    });
    const version = /\d+\.\d+\.\d+\S*/.exec(ended.stdout.text)?.[0];
    if (ended.code === 0 && version !== undefined) return { version };
    const said = oneLine(`${ended.stdout.text} ${ended.stderr.text}`, 200);
    return {
      problem: `${path} --version did not tell a version (${ended.reason}, exit code ${ended.code ?? 'none'}): ${said}`,
    };
  } catch (error) {
    return { problem: String(error) };
  } finally {
    await owner.close();
  }
}

async function findCredentials(environment: Environment): Promise<string[]> {
  const named = credentialNames.filter((name) => (environment[name] ?? '') !== '');
  const home = environment['HOME'] ?? homedir();
  const login = join(
    environment['CLAUDE_CONFIG_DIR'] ?? join(home, '.claude'),
    '.credentials.json',
  );
  const found = await fs.stat(login).catch(() => undefined);
  return found === undefined ? named : [...named, login];
}

function versionWarnings(version: string): string[] {
  const parts = version.split(/[.-]/).map(Number);
  const [major, minor, patch] = oldestVersion;
  const [a = 0, b = 0, c = 0] = parts;
  const old = a < major || (a === major && (b < minor || (b === minor && c < patch)));
  return old
    ? [
        `Claude Code ${version} is older than ${oldestVersion.join('.')}: what it says may be misread. Update it (claude update).`,
      ]
    : [];
}

function credentialWarnings(credentials: readonly string[]): string[] {
  return credentials.length > 0
    ? []
    : ['No credential was found: set ANTHROPIC_API_KEY, or start claude once and log in.'];
}
