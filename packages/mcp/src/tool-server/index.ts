/**
 * Tools of a program of one's own, as an MCP server over stdin and stdout.
 *
 * ```ts
 * const tools = [{ name: 'now', description: 'The time', inputSchema: { type: 'object' },
 *   call: () => Promise.resolve({ text: new Date().toISOString() }) }];
 * await serveTools({ info: { name: 'clock', version: '1' }, tools, input: process.stdin, output: process.stdout });
 * ```
 *
 * @module
 */
export {
  serveTools,
  type ServedCall,
  type ServedTool,
  type ToolAnswer,
  type ToolServerOptions,
} from './serve-tools.js';
