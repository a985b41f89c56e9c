import { join } from 'node:path';
import type { ClaudeTurnRequest } from './request.js';

/** Settings of another Claude Code, and credentials nobody handed over on purpose. */
const inherited = /^(CLAUDECODE$|CLAUDE_|ANTHROPIC_)/;

const fallbackPath = '/usr/local/bin:/usr/bin:/bin';

/** The complete environment of the process. */
export function turnEnvironment(request: ClaudeTurnRequest): Record<string, string> {
  const given = Object.entries(request.env).filter(([name]) => !inherited.test(name));
  const { configDirectory, maxRetries } = request;
  return {
    PATH: fallbackPath,
    HOME: configDirectory,
    ...Object.fromEntries(given),
    CLAUDE_CONFIG_DIR: configDirectory,
    CLAUDE_CODE_TMPDIR: join(configDirectory, 'tmp'),
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
    CLAUDE_CODE_DISABLE_CRON: '1',
    DISABLE_AUTOUPDATER: '1',
    // By itself it begins after 5 s without the servers that are not there yet.
    ...(request.mcpConfigFile === undefined ? {} : { MCP_CONNECT_TIMEOUT_MS: '30000' }),
    ...(request.project === 'none' ? { CLAUDE_CODE_DISABLE_CLAUDE_MDS: '1' } : {}),
    ...(maxRetries === undefined ? {} : { CLAUDE_CODE_MAX_RETRIES: String(maxRetries) }),
    ...request.credentials,
  };
}

/** Longer parts of an address's path are tokens. */
const longestWord = 20;

/** Values of `credentials` that must not appear anywhere. An address is none, but what it holds may be. */
export function secretsOf(credentials: Readonly<Record<string, string>>): string[] {
  return Object.values(credentials).flatMap((value) => {
    if (!/^https?:/i.test(value) || !URL.canParse(value)) return [value];
    const { username, password, pathname } = new URL(value);
    return [
      username,
      password,
      ...pathname.split('/').filter((part) => part.length >= longestWord),
    ];
  });
}
