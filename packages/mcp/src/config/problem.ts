import { excerpt } from '../json.js';
import { McpError } from '../mcp-error.js';

/** One thing that is wrong with a file of servers, and where. Values of variables are never shown. */
export interface ConfigProblem {
  /** With an `error` the server is of no use; a `warning` says what does not count. */
  readonly severity: 'error' | 'warning';
  readonly source: string;
  /** Count from 1; the column in UTF-16 units. */
  readonly line: number;
  readonly column: number;
  /** Of the server that it is about; absent for the file as a whole. */
  readonly server?: string;
  /** What is wrong and what to do, in one sentence or two. */
  readonly message: string;
}

/** `file:line:column: message`, on one line. */
export const formatProblem = ({ severity, source, line, column, message }: ConfigProblem): string =>
  excerpt(
    `${source}:${line}:${column}: ${severity === 'warning' ? 'warning: ' : ''}${message}`,
    2000,
  );

/** All that is wrong, in one error. */
export function configError(problems: readonly ConfigProblem[]): McpError {
  const errors = problems.filter(({ severity }) => severity === 'error');
  const what = errors.length === 1 ? 'is a mistake' : `are ${errors.length} mistakes`;
  return new McpError(
    'ORCH_MCP_CONFIG',
    `There ${what} in the files of MCP servers:\n${errors.map(formatProblem).join('\n')}`,
    { details: { problems } },
  );
}
