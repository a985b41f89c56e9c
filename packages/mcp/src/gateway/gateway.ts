import { resolve } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { compileFilters, type AllowsAll, type Filters } from '../hub/filter.js';
import type { McpHub } from '../hub/hub.js';
import { McpError } from '../mcp-error.js';
import { openHttpEndpoint, type HttpEndpoint, type NotLetIn } from '../serving/http-endpoint.js';
import type { Entrant } from '../serving/http-sessions.js';
import { serveLines } from '../serving/line-endpoint.js';
import type { McpService, Trust } from '../serving/service.js';
import { aggregate, type What } from './aggregate.js';
import { Grants, removeSecret, writeSecret, type Granted } from './grants.js';
import { plain, qualified, type Names } from './qualified-names.js';
import { serviceOf, type Observe } from './server-service.js';
import { Subscriptions } from './subscriptions.js';

/** What is worth a line in a log. It never has a token in it. */
export type GatewayEvent =
  /** Nothing was sent to a server. `attempt` is missing for a token that was never one. */
  | {
      readonly type: 'refused';
      readonly attempt?: string;
      readonly what: What | 'origin' | 'token' | 'session' | 'size';
      /** Of the tool, resource or prompt. */
      readonly name?: string;
      readonly why: string;
    }
  | { readonly type: 'granted' | 'ended'; readonly attempt: string }
  /** A server gave no list, so that the agent's is shorter. */
  | {
      readonly type: 'missing';
      readonly attempt: string;
      readonly server: string;
      readonly error: McpError;
    };

/** How much one agent may ask for. */
export interface GatewayLimits {
  /** Of one message of a client. Default 4 MiB. */
  readonly maxRequestBytes?: number;
  /** Until a request has arrived whole. Default 30,000. */
  readonly requestMs?: number;
  /** Requests at once, in one session. Default 64. */
  readonly requestsMost?: number;
  /** Sessions of one grant; the one that was idle longest makes room. Default 16. */
  readonly sessionsMost?: number;
  /** A session without a request or a stream ends after so long. Default 1,800,000. */
  readonly sessionIdleMs?: number;
}

export interface GatewayOptions {
  /** Told of every refusal. What it throws is an uncaught exception. */
  log(event: GatewayEvent): void;
  /** Served beside the hub's servers, by these names; from this process. */
  readonly services?: Readonly<Record<string, McpService>>;
  readonly info?: { readonly name: string; readonly version: string };
  readonly limits?: GatewayLimits;
  /** Who comes without a token gets this. Default: is refused. */
  readonly anonymous?: Filters;
  /** Names as they are, without `server__`. Only when there is one server, or one service. Default false. */
  readonly plainNames?: boolean;
}

export interface GrantOptions {
  /** Whom it is for, as the log is to call it. Not secret. */
  readonly attempt: string;
  /** Of the hub's servers and the services, those that there are for it. Default: all. No other is even asked. */
  readonly servers?: readonly string[];
  /** On names as the gateway gives them: `server__tool`, `mcp://server/address`. They can only narrow the hub's. */
  readonly filter?: Filters;
  /** How long it holds, in ms, if it is not revoked before. */
  readonly ttlMs: number;
  /** Gets the token, readable by its owner alone. There must be nothing yet. */
  readonly tokenFile: string;
  /** Whether what the agent writes into a shared memory may be believed. Default `untrusted`. */
  readonly trust?: Trust;
}

export interface Grant {
  readonly attempt: string;
  readonly tokenFile: string;
  /** Ends it: its sessions, its requests under way, and its file. */
  revoke(): Promise<void>;
}

export interface McpGateway {
  /**
   * Listens on the loopback. `port` 0, the default, is any that is free. Throws `ORCH_MCP_SPEC`, and `ORCH_MCP_CLOSED`
   * once the gateway was closed.
   */
  listen(options?: { readonly port?: number }): Promise<{ readonly url: string }>;
  /** Lets one agent in. Throws `ORCH_MCP_SPEC`, and `ORCH_MCP_CLOSED` once the gateway was closed. */
  grant(options: GrantOptions): Promise<Grant>;
  /** Serves one client over lines, as over this process's own stdin and stdout; resolves when it has gone. */
  serve(streams: {
    readonly input: Readable;
    readonly output: Writable;
    readonly token: string;
  }): Promise<void>;
  /** Ends all clients. The hub stays open: it is the user's. */
  close(): Promise<void>;
}

const ourInfo = { name: 'orch-gateway', version: '0.0.0' };
const longestMs = 2 ** 31 - 1;

/**
 * One server in front of a hub, for many agents, each with a token of its own and what it may use by it. Throws
 * `ORCH_MCP_SPEC`.
 */
export function createGateway(hub: McpHub, options: GatewayOptions): McpGateway {
  const { info = ourInfo } = options;
  const log = (event: GatewayEvent): void => options.log(event);
  const { maxRequestBytes = 4 * 1024 * 1024, requestMs = 30_000 } = options.limits ?? {};
  const { requestsMost = 64, sessionsMost = 16, sessionIdleMs = 1_800_000 } = options.limits ?? {};
  const limits = { maxRequestBytes, requestMs, requestsMost, sessionsMost, sessionIdleMs };
  const services = servicesOf(hub, options.services ?? {});
  const names = options.plainNames === true ? plain(only(services)) : qualified;
  const subscriptions = new Subscriptions();
  const grants = new Grants();
  const live = new Map<string, { readonly entrant: Entrant; readonly over: AbortController }>();
  const timers = new Map<string, NodeJS.Timeout>();
  const files = new Map<string, string>();
  let endpoint: HttpEndpoint | undefined;
  let isClosed = false;

  function requireOpen(): void {
    if (isClosed)
      throw new McpError('ORCH_MCP_CLOSED', 'The gateway was closed. Create another on the hub.');
  }

  function admit(
    principal: string,
    granted: Omit<Granted, 'id' | 'untilMs'>,
    offered: ReadonlyMap<string, McpService> = services,
  ): Entrant {
    const { attempt, allows, trust } = granted;
    const service = aggregate({
      info,
      services: offered,
      names,
      allows,
      subscriptions,
      refused: (what, name, why) => log({ type: 'refused', attempt, what, name, why }),
      missing: (server, error) => log({ type: 'missing', attempt, server, error }),
    });
    const entrant = { principal, caller: { attempt, trust }, service };
    live.set(principal, { entrant, over: new AbortController() });
    return entrant;
  }

  if (options.anonymous !== undefined)
    admit('anonymous', {
      attempt: 'anonymous',
      allows: compileFilters(options.anonymous, 'anonymous'),
      trust: 'untrusted',
    });

  function entrantOf(token: string): Entrant | NotLetIn {
    const found = grants.find(token, Date.now());
    if ('why' in found) return found;
    return live.get(found.id)?.entrant ?? { why: 'it is being ended', attempt: found.attempt };
  }

  function tellRefused(
    what: 'origin' | 'token' | 'session' | 'size',
    why: string,
    attempt: string | undefined,
  ): void {
    log({ type: 'refused', ...(attempt !== undefined && { attempt }), what, why });
  }

  async function end(id: string, attempt: string, how: 'revoked' | 'expired'): Promise<void> {
    grants.end(id, how);
    clearTimeout(timers.get(id));
    timers.delete(id);
    const ending = live.get(id);
    live.delete(id);
    endpoint?.end(id);
    ending?.over.abort();
    const file = files.get(id);
    files.delete(id);
    // Its token opens nothing any more: that is no failure of whoever ends it.
    if (file !== undefined) await removeSecret(file).catch(() => undefined);
    if (ending !== undefined) log({ type: 'ended', attempt });
  }

  return {
    async listen({ port = 0 } = {}) {
      requireOpen();
      if (endpoint !== undefined)
        throw new McpError('ORCH_MCP_SPEC', `The gateway listens already, on ${endpoint.url}.`);
      try {
        endpoint = await openHttpEndpoint({
          port,
          hosts: [],
          limits,
          letIn(request) {
            const { authorization } = request.headers;
            if (authorization === undefined)
              return live.get('anonymous')?.entrant ?? { why: 'there is none' };
            const token = /^Bearer +(\S+)$/i.exec(authorization)?.[1];
            return token === undefined ? { why: 'it is no Bearer token' } : entrantOf(token);
          },
          refused: tellRefused,
        });
      } catch (cause) {
        const why = (cause as NodeJS.ErrnoException).code ?? 'unknown';
        throw new McpError(
          'ORCH_MCP_SPEC',
          `The gateway cannot listen on port ${port} of the loopback (${why}). Give 0 for any that is free.`,
          { cause },
        );
      }
      // Whoever closed it meanwhile found nothing to close.
      if (isClosed) await endpoint.close();
      requireOpen();
      return { url: endpoint.url };
    },

    async grant({ attempt, servers, filter = {}, ttlMs, tokenFile, trust = 'untrusted' }) {
      requireOpen();
      const offered = servers === undefined ? services : chosen(services, servers);
      if (!(ttlMs >= 1 && ttlMs <= longestMs))
        throw new McpError('ORCH_MCP_SPEC', `ttlMs must be a number of ms from 1 to ${longestMs}.`);
      const filters = compileFilters(filter, `The grant of ${attempt}`);
      const allows = withoutOthers(filters, names, (of) => services.has(of) && !offered.has(of));
      const untilMs = Date.now() + ttlMs;
      const { granted, token } = grants.add({ attempt, allows, trust, untilMs });
      const file = resolve(tokenFile);
      await writeSecret(file, token);
      // Whoever closed the gateway meanwhile found no grant to end.
      if (isClosed) await removeSecret(file);
      requireOpen();
      files.set(granted.id, file);
      admit(granted.id, granted, offered);
      const timer = setTimeout(() => void end(granted.id, attempt, 'expired'), ttlMs).unref();
      timers.set(granted.id, timer);
      log({ type: 'granted', attempt });
      return { attempt, tokenFile: file, revoke: () => end(granted.id, attempt, 'revoked') };
    },

    async serve({ input, output, token }) {
      const entrant = entrantOf(token);
      if ('why' in entrant) {
        tellRefused('token', entrant.why, entrant.attempt);
        throw new McpError('ORCH_MCP_REFUSED', `The token is refused: ${entrant.why}.`);
      }
      const { service, caller, principal } = entrant;
      const over = live.get(principal)?.over.signal;
      await serveLines({ input, output, service, caller, maxRequestBytes, requestsMost }, over);
    },

    async close() {
      isClosed = true;
      const open = [...live].map(([id, { entrant }]) => end(id, entrant.caller.attempt, 'revoked'));
      // At once, and not when all files are gone: until then somebody might still be let in.
      await Promise.all([...open, endpoint?.close()]);
    },
  };
}

function servicesOf(
  hub: McpHub,
  own: Readonly<Record<string, McpService>>,
): ReadonlyMap<string, McpService> {
  const services = new Map<string, McpService>();
  for (const name of Object.keys(hub.states())) {
    const observe: Observe = (listener) =>
      hub.observe((server, event) => {
        if (server === name) listener(event);
      });
    services.set(name, serviceOf(hub.server(name), observe));
  }
  for (const [name, service] of Object.entries(own)) {
    if (services.has(name) || !/^[A-Za-z0-9-]+$/.test(name))
      throw new McpError(
        'ORCH_MCP_SPEC',
        `A service cannot be called ${JSON.stringify(name)}: letters, digits and "-", and no name of a server.`,
      );
    services.set(name, service);
  }
  return services;
}

/** The same filters, closed for what is of other servers, so that asking for it is a refusal and not a mistake. */
function withoutOthers(
  { tools, resources, prompts }: AllowsAll,
  names: Names,
  isOther: (service: string) => boolean,
): AllowsAll {
  const isOpen = (split: readonly [service: string, name: string] | undefined): boolean =>
    split === undefined || !isOther(split[0]);
  return {
    tools: (name) => tools(name) && isOpen(names.splitTool(name)),
    prompts: (name) => prompts(name) && isOpen(names.splitTool(name)),
    resources: (uri) => resources(uri) && isOpen(names.splitUri(uri)),
  };
}

function chosen(
  services: ReadonlyMap<string, McpService>,
  names: readonly string[],
): ReadonlyMap<string, McpService> {
  const other = names.find((name) => !services.has(name));
  if (other === undefined) return new Map([...services].filter(([name]) => names.includes(name)));
  const known = [...services.keys()].join(', ') || 'none';
  throw new McpError(
    'ORCH_MCP_SPEC',
    `The gateway has no server ${JSON.stringify(other)}. There are: ${known}.`,
  );
}

function only(services: ReadonlyMap<string, McpService>): string {
  const [name, another] = services.keys();
  if (name !== undefined && another === undefined) return name;
  throw new McpError(
    'ORCH_MCP_SPEC',
    'plainNames is for one server or service; with several, names must say whose they are.',
  );
}
