/**
 * The settings of Claude Code, as Claude Code itself understands them: which files there are, what wins, what
 * is dropped without a word. Checked against its own `get_settings`.
 *
 * @module
 */
export { claudeFiles, type ClaudeFiles, type ClaudePlaces } from './files.js';
export {
  claudeTiers,
  createClaudeSettings,
  type ClaudeSettingsOptions,
} from './claude-settings.js';
export {
  readClaudeMcpServers,
  type ClaudeMcpServer,
  type ClaudeMcpServers,
} from './mcp-servers.js';
