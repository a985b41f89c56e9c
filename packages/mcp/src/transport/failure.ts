import { excerpt } from '../json.js';
import { McpError } from '../mcp-error.js';

/** A message of the server is larger than it may be. */
export const tooLarge = (name: string, maxMessageBytes: number): McpError =>
  new McpError(
    'ORCH_MCP_TOO_LARGE',
    `${name} sent a message of more than ${maxMessageBytes} bytes. Ask it for less, or raise maxMessageBytes.`,
    { details: { maxMessageBytes } },
  );

/** The way to the server failed under a request. */
export const broke = (name: string, cause: unknown): McpError =>
  new McpError(
    'ORCH_MCP_CLOSED',
    `The connection to ${name} broke before its answer (${cause instanceof Error ? excerpt(cause.message) : 'unknown'}). Whether the server did what it was asked is not known.`,
    { cause },
  );
