import { homedir } from 'node:os';
import { join } from 'node:path';

export interface ClaudePlaces {
  /** Where Claude Code is started: the project. */
  readonly directory: string;
  /** `HOME` and `CLAUDE_CONFIG_DIR` of it count. @default process.env */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** @default the system's: `/etc/claude-code`, `/Library/Application Support/ClaudeCode` */
  readonly managedDirectory?: string;
}

export interface ClaudeFiles {
  readonly user: string;
  readonly project: string;
  readonly local: string;
  readonly managed: string;
  readonly managedDropIns: string;
  /** Servers of the project, for everybody who works on it. */
  readonly mcp: string;
  /** Claude Code's own state: trust, and the servers of the user and of this user in one project. */
  readonly state: string;
}

/** Where Claude Code keeps its settings. */
export function claudeFiles(places: ClaudePlaces): ClaudeFiles {
  const { directory, environment = process.env } = places;
  const home = environment['HOME'] || homedir();
  const moved = environment['CLAUDE_CONFIG_DIR'] || undefined;
  const own = moved ?? join(home, '.claude');
  const managed =
    places.managedDirectory ??
    (process.platform === 'darwin'
      ? '/Library/Application Support/ClaudeCode'
      : '/etc/claude-code');
  return {
    user: join(own, 'settings.json'),
    project: join(directory, '.claude', 'settings.json'),
    local: join(directory, '.claude', 'settings.local.json'),
    managed: join(managed, 'managed-settings.json'),
    managedDropIns: join(managed, 'managed-settings.d'),
    mcp: join(directory, '.mcp.json'),
    state: join(moved ?? home, '.claude.json'),
  };
}
