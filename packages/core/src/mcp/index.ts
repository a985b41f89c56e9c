/**
 * The verbs of `orch mcp`: those of `orch-mcp`, which use MCP servers of others.
 *
 * @module
 */
export { processHost, runMcp } from '@orch/mcp/cli';
