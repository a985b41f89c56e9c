/**
 * Servers as Claude Code's files have them, and presets.
 *
 * ```ts
 * import { createMcpHub } from '@orch/mcp';
 * import { readClaudeServers } from '@orch/mcp/config';
 * import { openApprovals } from '@orch/mcp/safety';
 *
 * const { servers } = readClaudeServers({ project: process.cwd() });
 * const hub = createMcpHub({ servers, approvals: openApprovals({ agentRoots: [process.cwd()] }) });
 * ```
 *
 * @module
 */
export {
  readClaudeServers,
  type ClaudeServers,
  type ClaudeServersOptions,
} from './claude-servers.js';
export { fillIn, presets, type ServerEntry } from './presets.js';
export { formatProblem, type ConfigProblem } from './problem.js';
export { resolveNpx, withoutNpx, type ResolvedNpx, type ResolveNpxOptions } from './resolve-npx.js';
