import { McpError } from '../mcp-error.js';

/** How long a request took that got no answer in time, and which of its two times was over. */
export interface Overdue {
  readonly method: string;
  readonly limit: 'silence' | 'total';
  readonly ms: number;
  /** What it waited for, if it was not sent yet. */
  readonly waitedFor?: 'start';
}

/** `ORCH_MCP_TIMEOUT`, with what is overdue as its details. */
export function timedOut(server: string, overdue: Overdue): McpError {
  const { method, limit, ms, waitedFor } = overdue;
  const what =
    limit === 'silence'
      ? `neither answered ${method} nor told any progress for ${ms} ms; raise timeoutMs`
      : `was not ${waitedFor === 'start' ? 'ready for' : 'done with'} ${method} after ${ms} ms in all; raise totalMs`;
  const how = waitedFor === 'start' ? ' Nothing was sent, and its start goes on.' : '';
  return new McpError('ORCH_MCP_TIMEOUT', `${server} ${what} if it is right to wait.${how}`, {
    details: { ...overdue },
  });
}
