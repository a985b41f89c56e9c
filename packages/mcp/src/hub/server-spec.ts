import { isAbsolute, resolve } from 'node:path';
import { McpError } from '../mcp-error.js';
import { refuseOtherKeys, type Filters } from './filter.js';

interface CommonSpec extends Filters {
  /** From the start to the end of the handshake. Default 30,000. */
  readonly startMs?: number;
  /** Longest silence in a request, unless the request says otherwise. Default 60,000. */
  readonly timeoutMs?: number;
  /** Longest time of a request in all. Default 600,000. */
  readonly totalMs?: number;
  /** How long a server that let a request time out may be deaf to a ping too, before it is ended. Default 10,000. */
  readonly pingMs?: number;
  /** A larger message of the server is not taken. Default 64 MiB. */
  readonly maxMessageBytes?: number;
}

/** A server that is a program, which speaks over its stdin and stdout. */
export interface StdioServerSpec extends CommonSpec {
  readonly type?: 'stdio';
  /** Name or path of the program. Never given to a shell. */
  readonly command: string;
  readonly args?: readonly string[];
  /** Added to the few variables that every server gets. */
  readonly env?: Readonly<Record<string, string>>;
  /** Default: the hub's. */
  readonly cwd?: string;
  /** How long it may take to end by itself once its input has ended, before it is told to. Default 500. */
  readonly closeMs?: number;
}

/** A server that is reached over Streamable HTTP. */
export interface HttpServerSpec extends CommonSpec {
  readonly type: 'http';
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export type ServerSpec = StdioServerSpec | HttpServerSpec;

export interface CheckedCommon {
  readonly filters: Filters;
  readonly startMs: number;
  readonly timeoutMs: number;
  readonly totalMs: number;
  readonly pingMs: number;
  readonly maxMessageBytes: number;
}

export type CheckedServer =
  | (CheckedCommon & {
      readonly type: 'stdio';
      readonly argv: readonly [string, ...string[]];
      readonly cwd: string;
      readonly env: Readonly<Record<string, string>>;
      readonly closeMs: number;
    })
  | (CheckedCommon & {
      readonly type: 'http';
      readonly url: URL;
      readonly headers: Readonly<Record<string, string>>;
    });

/** What every server gets of the environment; all else it is given by name. */
const passed = ['HOME', 'LANG', 'LOGNAME', 'PATH', 'SHELL', 'TERM', 'TMPDIR', 'TZ', 'USER'];

const times = ['startMs', 'timeoutMs', 'totalMs', 'pingMs'];
const commonKeys = ['type', 'tools', 'resources', 'prompts', ...times, 'maxMessageBytes'];
const keysOf = {
  stdio: [...commonKeys, 'command', 'args', 'env', 'cwd', 'closeMs'],
  http: [...commonKeys, 'url', 'headers'],
} as const;

export interface Surroundings {
  readonly cwd: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

function refuse(name: string, what: string, expected: string): never {
  throw new McpError(
    'ORCH_MCP_SPEC',
    `The server ${name} is not valid: ${what} must be ${expected}.`,
    {
      details: { server: name, what },
    },
  );
}

const isText = (value: unknown): value is string =>
  typeof value === 'string' && !value.includes('\0');

function texts(name: string, what: string, value: object | undefined): Record<string, string> {
  for (const [key, text] of Object.entries(value ?? {}) as [string, unknown][])
    if (!isText(text)) refuse(name, `${what}.${key}`, 'text without NUL');
  return { ...(value as Record<string, string> | undefined) };
}

function checkCommon(name: string, spec: CommonSpec): CheckedCommon {
  const { startMs = 30_000, timeoutMs = 60_000, totalMs = 600_000, pingMs = 10_000 } = spec;
  const { maxMessageBytes = 64 * 1024 * 1024, tools, resources, prompts } = spec;
  for (const [what, value] of Object.entries({ startMs, timeoutMs, totalMs, pingMs }))
    // Node fires a timer above 2^31-1 ms (24 days) at once.
    if (!(value >= 1 && value < 2 ** 31)) refuse(name, what, 'a number of ms from 1 to 2147483647');
  // Longer text than this cannot be made into a string by V8.
  if (!(maxMessageBytes >= 1024 && maxMessageBytes <= 2 ** 29 - 24))
    refuse(name, 'maxMessageBytes', 'a number of bytes from 1024 to 536870888');
  const filters: Filters = {
    ...(tools && { tools }),
    ...(resources && { resources }),
    ...(prompts && { prompts }),
  };
  return { filters, startMs, timeoutMs, totalMs, pingMs, maxMessageBytes };
}

/** Checks a server once, at the edge. Throws `ORCH_MCP_SPEC`; values of variables and headers are never shown. */
export function checkServer(name: string, spec: ServerSpec, around: Surroundings): CheckedServer {
  if (!/^[A-Za-z0-9](?:[A-Za-z0-9-]|_(?=[A-Za-z0-9-]))*$/.test(name))
    throw new McpError(
      'ORCH_MCP_SPEC',
      `${JSON.stringify(name)} is no name for a server: letters, digits, "-" and single "_" between them, as its tools are called name__tool.`,
    );
  const type: unknown = spec.type ?? 'stdio';
  if (type !== 'stdio' && type !== 'http') refuse(name, 'type', '"stdio" or "http"');
  refuseOtherKeys(spec, keysOf[type], `The server ${name}`);
  const common = checkCommon(name, spec);
  if (spec.type === 'http') {
    const url = URL.canParse(spec.url) ? new URL(spec.url) : undefined;
    if (url === undefined || !/^https?:$/.test(url.protocol))
      return refuse(name, 'url', 'an address that begins with http: or https:');
    if (url.username !== '' || url.password !== '')
      refuse(name, 'url', 'an address without a password; give it in headers.authorization');
    return { ...common, type: 'http', url, headers: texts(name, 'headers', spec.headers) };
  }
  const { command, args = [], env, cwd = around.cwd, closeMs = 500 } = spec;
  if (!isText(command) || command === '') refuse(name, 'command', 'the name or path of a program');
  args.forEach((one: unknown, index) => {
    if (!isText(one)) refuse(name, `args[${index}]`, 'text without NUL');
  });
  if (!isText(cwd) || !isAbsolute(resolve(around.cwd, cwd))) refuse(name, 'cwd', 'a path');
  if (!(closeMs >= 0 && closeMs < 2 ** 31)) refuse(name, 'closeMs', 'a number of ms');
  const inherited: Record<string, string> = {};
  for (const key of passed) {
    const value = around.environment[key];
    if (value !== undefined) inherited[key] = value;
  }
  return {
    ...common,
    type: 'stdio',
    argv: [command, ...args],
    cwd: resolve(around.cwd, cwd),
    env: { ...inherited, ...texts(name, 'env', env) },
    closeMs,
  };
}

/** What of a server is secret: its own variables, its headers, and the values in its address. */
export function secretsOf(spec: ServerSpec): readonly string[] {
  if (!('url' in spec)) return Object.values(spec.env ?? {});
  const headers = Object.values(spec.headers ?? {});
  // `Bearer abc`: `abc` is the secret.
  const parts = headers.flatMap((value) => value.split(/\s+/));
  return [...headers, ...parts, ...new URL(spec.url).searchParams.values()];
}
