import { join } from 'node:path';
import { readClaudeServers, type ClaudeServers } from '../config/claude-servers.js';
import { configError, formatProblem } from '../config/problem.js';
import type { ServerSpec } from '../hub/server-spec.js';
import { McpError } from '../mcp-error.js';
import type { ServerOrigin } from '../safety/approval-store.js';
import type { Host } from './host.js';
import { oneLine } from './terminal-text.js';

export interface KnownServers extends ClaudeServers {
  /** The project's file, which need not be there. */
  readonly path: string;
  /** Throws `ORCH_MCP_CONFIG` with what is wrong with the definition of a server, if that is why it was left out. */
  readonly explain: (name: string) => void;
}

/** The servers that Claude Code knows in this directory: local, project and user ones. Mistakes are noted. */
export function readKnownServers(host: Host): KnownServers {
  const path = join(host.cwd, '.mcp.json');
  const read = readClaudeServers({
    project: host.cwd,
    environment: host.environment,
    mistakes: 'leave_out',
  });
  const errors = read.problems.filter(({ severity }) => severity === 'error');
  const isEmpty = Object.keys(read.servers).length === 0;
  if (isEmpty && errors.length > 0) throw configError(errors);
  if (isEmpty)
    throw new McpError(
      'ORCH_MCP_SPEC',
      `No server is configured here, neither in ${path} nor for you. Name a file with --config, or add a server: ${host.program} add NAME -- COMMAND`,
      { details: { file: path } },
    );
  for (const problem of read.problems) host.note(oneLine(formatProblem(problem)));
  return {
    ...read,
    path,
    explain(name) {
      const why = errors.filter(({ server }) => server === name);
      if (why.length > 0) throw configError(why);
    },
  };
}

export const originOf = (spec: ServerSpec): ServerOrigin | undefined =>
  'origin' in spec ? spec.origin : undefined;
