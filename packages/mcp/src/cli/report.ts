import { McpError, type McpErrorCode } from '../mcp-error.js';
import type { Host } from './host.js';
import { neutral, oneLine } from './terminal-text.js';

/** What the verbs exit with; the same as of `orch`. */
export const exitCode = {
  ok: 0,
  /** The tool said that it failed. */
  failed: 1,
  usage: 2,
  /** A person is needed: to approve a server of the project, or to log in. */
  person: 3,
  environment: 7,
  interrupted: 130,
} as const;

/** The command line is wrong. */
export class UsageError extends Error {
  readonly code = 'ORCH_USAGE_ARGUMENTS';
}

const usage: ReadonlySet<McpErrorCode> = new Set(['ORCH_MCP_SPEC', 'ORCH_MCP_REFUSED']);

function exitOf(error: unknown): number {
  if (!McpError.isInstance(error)) return exitCode.usage;
  if (error.code === 'ORCH_MCP_CANCELLED') return exitCode.interrupted;
  const wantsLogin = error.code === 'ORCH_MCP_OAUTH' && error.details['reason'] === 'login';
  if (error.code === 'ORCH_MCP_UNAPPROVED' || wantsLogin) return exitCode.person;
  return usage.has(error.code) ? exitCode.usage : exitCode.environment;
}

/** An error as JSON: what happened, to what, and what is known of a server that ended. */
export function errorFacts(error: unknown): Readonly<Record<string, unknown>> {
  const { code, message } = error as { code?: unknown; message?: unknown };
  const facts = { code: typeof code === 'string' ? named(code) : 'ORCH_DEFECT', message };
  if (!McpError.isInstance(error)) return facts;
  const { exitCode: exit, signal, stderr, status, rpcCode, data, reason } = error.details;
  return { ...facts, exitCode: exit, signal, stderr, status, rpcCode, data, reason };
}

const named = (code: string): string =>
  code.startsWith('commander.') ? 'ORCH_USAGE_ARGUMENTS' : code;

/** Says what went wrong, with its code, on stderr; with `json` also as one value on stdout. Returns the exit code. */
export function reportError(host: Host, error: unknown, json: boolean): number {
  const { code, message, stack, verb } = error as Partial<Record<string, unknown>>;
  // Errors of the system have codes such as ENOENT.
  if (typeof code !== 'string' || !/^(?:ORCH_|commander\.|E[A-Z0-9]+$)/.test(code)) {
    if (json) host.json({ ok: false, error: { code: 'ORCH_DEFECT', message: String(error) } });
    host.note(
      `${host.program}: this is a defect. Please report it with these lines (ORCH_DEFECT):\n${neutral(String(stack ?? error))}`,
    );
    return exitCode.environment;
  }
  if (json) host.json({ ok: false, error: errorFacts(error) });
  const said = oneLine(String(message).replace(/^error: /, ''));
  const text = code.startsWith('commander.')
    ? `${said.replace(/\.$/, '')}. Look at: ${typeof verb === 'string' ? verb : host.program} --help`
    : said;
  host.note(`${host.program}: ${text} (${named(code)})`);
  return exitOf(error);
}
