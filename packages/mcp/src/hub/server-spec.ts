import { isAbsolute, resolve } from 'node:path';
import type { AskKind } from '../answers/handlers.js';
import { McpError } from '../mcp-error.js';
import type { ServerOrigin } from '../safety/approval-store.js';
import type { SpillOptions } from '../spill/spill.js';
import type { HttpAuth } from '../transport/http-auth.js';
import type { OpenTransport } from '../transport/transport.js';
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
  /** A larger message of the server is not taken into memory. Default 64 MiB. */
  readonly maxMessageBytes?: number;
  /** Values that no error and no event may show, besides those of `env` and `headers`. */
  readonly secrets?: readonly string[];
  /** Where the definition was read. One of a project is started only if the hub's `approvals` know it. */
  readonly origin?: ServerOrigin;
  /** Puts the result of a tool that is larger than that into a file. Default: it is refused. */
  readonly spill?: SpillOptions;
  /** What it may ask of its client, which needs a handler for it too. Default: nothing. */
  readonly asks?: readonly AskKind[];
  /** So often in a minute it may ask; more is refused. Default 10. */
  readonly asksPerMinute?: number;
  /** Its resources are data that comes and goes, so that the list of them is not pinned. Default false. */
  readonly dataResources?: boolean;
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
  /**
   * A program and its arguments, run for each connection, never by a shell: it prints more headers, as a JSON object
   * of texts. It gets `CLAUDE_CODE_MCP_SERVER_NAME` and `CLAUDE_CODE_MCP_SERVER_URL`, and has 10 s.
   */
  readonly headersHelper?: readonly string[];
  /** How its requests are authorized; `@orch/mcp/auth` makes one. Default: by `headers` alone. */
  readonly auth?: HttpAuth;
  /**
   * `sse`: if the first message is answered with 400, 404 or 405, it is tried once more over HTTP+SSE at the same
   * address, as the specification has it for servers of before 2025. Default: it is not.
   */
  readonly fallback?: 'sse';
}

/** A server that is reached over HTTP+SSE, the transport of protocol 2024-11-05. */
export interface SseServerSpec extends CommonSpec {
  readonly type: 'sse';
  /** Of its event stream. */
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** As for `http`. */
  readonly headersHelper?: readonly string[];
  /** How its requests are authorized; `@orch/mcp/auth` makes one. Default: by `headers` alone. */
  readonly auth?: HttpAuth;
}

/** A server that is reached over a WebSocket with the subprotocol `mcp`. */
export interface WebSocketServerSpec extends CommonSpec {
  readonly type: 'ws';
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** As for `http`. */
  readonly headersHelper?: readonly string[];
  /** How the request that opens it is authorized; `@orch/mcp/auth` makes one. Default: by `headers` alone. */
  readonly auth?: HttpAuth;
  /** So often it is asked whether it is there; if nothing came until the next time, it is not. Default 30,000. */
  readonly heartbeatMs?: number;
}

/** A server that is reached in a way of your own, or within this process: see `inMemory`. */
export interface CustomServerSpec extends Omit<CommonSpec, 'maxMessageBytes' | 'spill'> {
  readonly type: 'custom';
  /** Called for each connection. */
  readonly open: OpenTransport;
}

export type ServerSpec =
  StdioServerSpec | HttpServerSpec | SseServerSpec | WebSocketServerSpec | CustomServerSpec;

export interface CheckedCommon {
  readonly filters: Filters;
  readonly startMs: number;
  readonly timeoutMs: number;
  readonly totalMs: number;
  readonly pingMs: number;
  readonly maxMessageBytes: number;
  readonly secrets: readonly string[];
  readonly origin: ServerOrigin | undefined;
  readonly spill: { readonly directory: string | undefined; readonly maxBytes: number } | undefined;
  readonly asks: readonly AskKind[];
  readonly asksPerMinute: number;
  readonly dataResources: boolean;
}

interface Address {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly headersHelper: HeadersHelper | undefined;
}

interface Authorized {
  readonly auth: HttpAuth | undefined;
}

export type CheckedServer =
  | (CheckedCommon & {
      readonly type: 'stdio';
      readonly argv: readonly [string, ...string[]];
      readonly cwd: string;
      readonly env: Readonly<Record<string, string>>;
      readonly closeMs: number;
    })
  | (CheckedCommon &
      Address &
      Authorized & { readonly type: 'http'; readonly fallback: 'sse' | undefined })
  | (CheckedCommon & Address & Authorized & { readonly type: 'sse' })
  | (CheckedCommon & Address & Authorized & { readonly type: 'ws'; readonly heartbeatMs: number })
  | (CheckedCommon & { readonly type: 'custom'; readonly open: OpenTransport });

/** A program that prints headers, and where it runs. */
export interface HeadersHelper {
  readonly argv: readonly [string, ...string[]];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

/** What every server gets of the environment; all else it is given by name. */
const passed = ['HOME', 'LANG', 'LOGNAME', 'PATH', 'SHELL', 'TERM', 'TMPDIR', 'TZ', 'USER'];

const times = ['startMs', 'timeoutMs', 'totalMs', 'pingMs'];
const filterKeys = ['tools', 'resources', 'prompts'];
const commonKeys = [
  ...['type', ...filterKeys, ...times, 'asks', 'asksPerMinute', 'secrets', 'origin'],
  'dataResources',
];
const wireKeys = [...commonKeys, 'maxMessageBytes', 'spill'];
const keysOf = {
  stdio: [...wireKeys, 'command', 'args', 'env', 'cwd', 'closeMs'],
  http: [...wireKeys, 'url', 'headers', 'headersHelper', 'auth', 'fallback'],
  sse: [...wireKeys, 'url', 'headers', 'headersHelper', 'auth'],
  ws: [...wireKeys, 'url', 'headers', 'headersHelper', 'auth', 'heartbeatMs'],
  custom: [...commonKeys, 'open'],
} as const;
const types = Object.keys(keysOf).map((type) => JSON.stringify(type));

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

function checkAuth(
  name: string,
  auth: HttpAuth | undefined,
  headers: Readonly<Record<string, string>>,
): void {
  if (auth === undefined) return;
  if (typeof (auth as Partial<HttpAuth> | null)?.forServer !== 'function')
    refuse(name, 'auth', 'what oauth() of @orch/mcp/auth gives');
  if (Object.keys(headers).some((key) => key.toLowerCase() === 'authorization'))
    refuse(name, 'headers.authorization', 'left out, as auth sets it');
}

function checkCommon(name: string, spec: CommonSpec, cwd: string): CheckedCommon {
  const { startMs = 30_000, timeoutMs = 60_000, totalMs = 600_000, pingMs = 10_000 } = spec;
  const { maxMessageBytes = 64 * 1024 * 1024, tools, resources, prompts } = spec;
  for (const [what, value] of Object.entries({ startMs, timeoutMs, totalMs, pingMs }))
    // Node fires a timer above 2^31-1 ms (24 days) at once.
    if (!(value >= 1 && value < 2 ** 31)) refuse(name, what, 'a number of ms from 1 to 2147483647');
  // Longer text than this cannot be made into a string by V8.
  if (!(maxMessageBytes >= 1024 && maxMessageBytes <= 2 ** 29 - 24))
    refuse(name, 'maxMessageBytes', 'a number of bytes from 1024 to 536870888');
  const { asks = [], asksPerMinute = 10 } = spec;
  const asked: unknown = asks;
  const isKnown = (one: unknown): boolean => one === 'sampling' || one === 'elicitation';
  if (!Array.isArray(asked) || !asked.every(isKnown))
    refuse(name, 'asks', 'a list of "sampling" and "elicitation"');
  if (!(asksPerMinute >= 0 && asksPerMinute <= 10_000))
    refuse(name, 'asksPerMinute', 'a number from 0 to 10000');
  const filters: Filters = {
    ...(tools && { tools }),
    ...(resources && { resources }),
    ...(prompts && { prompts }),
  };
  const { secrets = [], origin, dataResources = false } = spec;
  if (typeof (dataResources as unknown) !== 'boolean')
    refuse(name, 'dataResources', 'true or false');
  list(name, 'secrets', secrets);
  return {
    filters,
    startMs,
    timeoutMs,
    totalMs,
    pingMs,
    maxMessageBytes,
    spill: spec.spill && checkSpill(name, spec.spill, cwd, maxMessageBytes),
    asks,
    asksPerMinute,
    dataResources,
    secrets,
    origin,
  };
}

function list(name: string, what: string, values: readonly unknown[]): void {
  const given: unknown = values;
  if (!Array.isArray(given)) return refuse(name, what, 'a list of texts');
  values.forEach((one, index) => {
    if (!isText(one)) refuse(name, `${what}[${index}]`, 'text without NUL');
  });
}

/** What every server gets of the environment. */
export function inheritedFrom(environment: Surroundings['environment']): Record<string, string> {
  const inherited: Record<string, string> = {};
  for (const key of passed) {
    const value = environment[key];
    if (value !== undefined) inherited[key] = value;
  }
  return inherited;
}

function checkSpill(
  name: string,
  spill: SpillOptions,
  cwd: string,
  maxMessageBytes: number,
): CheckedCommon['spill'] {
  if (typeof spill !== 'object') refuse(name, 'spill', 'an object');
  refuseOtherKeys(spill, ['directory', 'maxBytes'], `The spill of the server ${name}`);
  const { directory, maxBytes = 1024 ** 3 } = spill;
  if (directory !== undefined && (!isText(directory) || directory === ''))
    refuse(name, 'spill.directory', 'a path');
  if (!(maxBytes >= maxMessageBytes && Number.isSafeInteger(maxBytes)))
    refuse(name, 'spill.maxBytes', 'a whole number of bytes, not below maxMessageBytes');
  return { directory: directory === undefined ? undefined : resolve(cwd, directory), maxBytes };
}

/** Checks a server once, at the edge. Throws `ORCH_MCP_SPEC`; values of variables and headers are never shown. */
export function checkServer(name: string, spec: ServerSpec, around: Surroundings): CheckedServer {
  if (!/^[A-Za-z0-9](?:[A-Za-z0-9-]|_(?=[A-Za-z0-9-]))*$/.test(name))
    throw new McpError(
      'ORCH_MCP_SPEC',
      `${JSON.stringify(name)} is no name for a server: letters, digits, "-" and single "_" between them, as its tools are called name__tool.`,
    );
  const type = spec.type ?? 'stdio';
  if (!Object.hasOwn(keysOf, type)) refuse(name, 'type', `one of ${types.join(', ')}`);
  refuseOtherKeys(spec, keysOf[type], `The server ${name}`);
  const common = checkCommon(name, spec, around.cwd);
  switch (spec.type) {
    case 'http': {
      const { fallback } = spec;
      if (fallback !== undefined && (fallback as unknown) !== 'sse')
        refuse(name, 'fallback', '"sse", or left out');
      return { ...common, type: 'http', ...checkAuthorized(name, spec, around), fallback };
    }
    case 'sse':
      return { ...common, type: 'sse', ...checkAuthorized(name, spec, around) };
    case 'ws': {
      const { heartbeatMs = 30_000 } = spec;
      if (!(heartbeatMs >= 100 && heartbeatMs < 2 ** 31))
        refuse(name, 'heartbeatMs', 'a number of ms from 100 to 2147483647');
      return { ...common, type: 'ws', ...checkAuthorized(name, spec, around, 'ws'), heartbeatMs };
    }
    case 'custom':
      if (typeof spec.open !== 'function')
        refuse(name, 'open', 'a function that opens a transport');
      return { ...common, type: 'custom', open: spec.open };
    default:
      return checkProgram(name, spec, around, common);
  }
}

function checkAddress(
  name: string,
  spec: HttpServerSpec | SseServerSpec | WebSocketServerSpec,
  scheme: 'http' | 'ws',
  around: Surroundings,
): Address {
  const url = URL.canParse(spec.url) ? new URL(spec.url) : undefined;
  if (url === undefined || ![`${scheme}:`, `${scheme}s:`].includes(url.protocol))
    return refuse(name, 'url', `an address that begins with ${scheme}: or ${scheme}s:`);
  if (url.username !== '' || url.password !== '')
    refuse(name, 'url', 'an address without a password; give it in headers.authorization');
  url.hash = '';
  const headers = texts(name, 'headers', spec.headers);
  return { url, headers, headersHelper: checkHelper(name, spec, around) };
}

function checkAuthorized(
  name: string,
  spec: HttpServerSpec | SseServerSpec | WebSocketServerSpec,
  around: Surroundings,
  scheme: 'http' | 'ws' = 'http',
): Address & Authorized {
  const address = checkAddress(name, spec, scheme, around);
  checkAuth(name, spec.auth, address.headers);
  return { ...address, auth: spec.auth };
}

function checkProgram(
  name: string,
  spec: StdioServerSpec,
  around: Surroundings,
  common: CheckedCommon,
): CheckedServer {
  const { command, args = [], env, cwd = around.cwd, closeMs = 500 } = spec;
  if (!isText(command) || command === '') refuse(name, 'command', 'the name or path of a program');
  list(name, 'args', args);
  if (!isText(cwd) || !isAbsolute(resolve(around.cwd, cwd))) refuse(name, 'cwd', 'a path');
  if (!(closeMs >= 0 && closeMs < 2 ** 31)) refuse(name, 'closeMs', 'a number of ms');
  return {
    ...common,
    type: 'stdio',
    argv: [command, ...args],
    cwd: resolve(around.cwd, cwd),
    env: { ...inheritedFrom(around.environment), ...texts(name, 'env', env) },
    closeMs,
  };
}

function checkHelper(
  name: string,
  { headersHelper, url, origin }: HttpServerSpec | SseServerSpec | WebSocketServerSpec,
  { cwd, environment }: Surroundings,
): HeadersHelper | undefined {
  if (headersHelper === undefined) return undefined;
  list(name, 'headersHelper', headersHelper);
  const [program = '', ...args] = headersHelper;
  if (program === '') refuse(name, 'headersHelper', 'a program and its arguments');
  return {
    argv: [program, ...args],
    cwd: origin?.project ?? cwd,
    env: {
      ...inheritedFrom(environment),
      CLAUDE_CODE_MCP_SERVER_NAME: name,
      CLAUDE_CODE_MCP_SERVER_URL: url,
    },
  };
}
