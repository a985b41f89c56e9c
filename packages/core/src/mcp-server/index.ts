/**
 * orch as an MCP server: checking plans, starting approved ones, and reading what came of them.
 *
 * @module
 */
export { serveOrch } from './serve-orch.js';
export type { ServeOrchOptions } from './serve-orch.js';
export type { Desk } from './tool.js';
