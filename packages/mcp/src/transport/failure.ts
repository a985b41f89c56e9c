import { excerpt } from '../json.js';
import { McpError } from '../mcp-error.js';

/** A message of the server is larger than it may be. */
export const tooLarge = (name: string, maxMessageBytes: number): McpError =>
  new McpError(
    'ORCH_MCP_TOO_LARGE',
    `${name} sent a message of more than ${maxMessageBytes} bytes. Ask it for less, or raise maxMessageBytes.`,
    { details: { maxMessageBytes } },
  );

/** What came is no message that can be taken in: JSON may be nested deeper than any stack is. */
export const unreadable = (name: string, cause: unknown): McpError =>
  new McpError(
    'ORCH_MCP_RESULT',
    `${name} sent a message that cannot be taken in (${cause instanceof Error ? excerpt(cause.message) : 'unknown'}), so its connection was ended. It is opened again for the next call. A message that is nested thousands of levels deep is a defect of the server.`,
    { cause },
  );

/** The way to the server failed under a request. */
export const broke = (name: string, cause: unknown): McpError =>
  new McpError(
    'ORCH_MCP_CLOSED',
    `The connection to ${name} broke before its answer (${cause instanceof Error ? excerpt(cause.message) : 'unknown'}). Whether the server did what it was asked is not known.`,
    { cause },
  );
