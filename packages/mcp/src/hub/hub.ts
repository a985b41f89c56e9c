import { randomBytes } from 'node:crypto';
import { pathToFileURL } from 'node:url';
import { createProcessOwner, type ProcessOwner } from '@orch/process';
import { createAnswers } from '../answers/answers.js';
import type { AskHandlers } from '../answers/handlers.js';
import type { CreateEngine } from '../engine/engine.js';
import { createSdkEngine } from '../engine/sdk-engine.js';
import type { JsonObject } from '../json.js';
import { McpError } from '../mcp-error.js';
import type { Wire } from '../transport/transport.js';
import { SpillPlace } from '../spill/spill.js';
import { openConnection } from './connection.js';
import type { Prompt, Resource, Tool } from './definitions.js';
import { compileFilters, type Allows, type AllowsAll, type Filters } from './filter.js';
import { SupervisedServer, type CallOptions, type McpServer, type ServerEvent } from './server.js';
import { opening, addressOf } from './opening.js';
import { checkServer, secretsOf, type ServerSpec } from './server-spec.js';
import type { RestartPolicy, ServerState } from './supervisor.js';
import type { ToolResult } from './tool-result.js';

/** How servers are started and kept. */
export interface ClientOptions {
  /** Starts and ends the servers' processes. Default: one of its own, closed with it. */
  readonly owner?: ProcessOwner;
  /** Where servers run, unless they say otherwise. Default: the current directory. */
  readonly cwd?: string;
  /** Of it, servers get `HOME LANG LOGNAME PATH SHELL TERM TMPDIR TZ USER`. Default: `process.env`. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Directories that a server may ask for. Default: none. */
  readonly roots?: readonly string[];
  /** Answers to what servers ask; which of them a server may use is said in its `asks`. Default: none. */
  readonly handlers?: AskHandlers;
  readonly restart?: RestartPolicy;
  readonly clientInfo?: { readonly name: string; readonly version: string };
  /** Default: the `Client` of `@modelcontextprotocol/sdk`. */
  readonly engine?: CreateEngine;
  /** What every message passes: a recorder or a replay of `@orch/mcp/recording`. Default: nothing. */
  readonly wire?: Wire;
  /** What servers do between calls. What it throws is an uncaught exception. */
  onEvent?(server: string, event: ServerEvent): void;
}

export interface HubOptions extends ClientOptions {
  readonly servers: Readonly<Record<string, ServerSpec>>;
  /** Filters over all servers, on the names as the hub gives them (`server__tool`); they can only narrow. */
  readonly policy?: Filters;
}

/** Of which server, and by which name the hub knows it. */
export interface Placed {
  readonly server: string;
  readonly qualifiedName: string;
}

/** What could not be listed, and why. */
export interface Missing {
  readonly server: string;
  readonly error: McpError;
}

export interface Listed<T> {
  readonly items: readonly (T & Placed)[];
  /** Servers that gave no list; never silently left out. */
  readonly missing: readonly Missing[];
}

/** Several servers under one roof: their tools are called `server__tool`. */
export interface McpHub {
  /** Throws `ORCH_MCP_SPEC` when there is none of this name. */
  server(name: string): McpServer;
  states(): Readonly<Record<string, ServerState>>;
  tools(): Promise<Listed<Tool>>;
  resources(): Promise<Listed<Resource>>;
  prompts(): Promise<Listed<Prompt>>;
  /** Calls the tool `server__tool`. */
  call(qualifiedName: string, args?: JsonObject, options?: CallOptions): Promise<ToolResult>;
  /** Gets the prompt `server__prompt`. */
  prompt(qualifiedName: string, args?: Readonly<Record<string, string>>): Promise<JsonObject>;
  /** Ends all servers; resolves when nothing of them is left. */
  close(): Promise<void>;
}

const separator = '__';
const ourInfo = { name: 'orch', version: '0.0.0' };

interface Household {
  readonly make: (name: string, spec: ServerSpec, policy: AllowsAll) => SupervisedServer;
  readonly close: () => Promise<void>;
}

/** What the servers of a hub share. */
function createHousehold(options: ClientOptions): Household {
  const { environment = process.env, cwd = process.cwd(), roots = [] } = options;
  const { clientInfo = ourInfo, engine: createEngine = createSdkEngine, restart = {} } = options;
  const spills: SpillPlace[] = [];
  let ownOwner: ProcessOwner | undefined;
  const ownerOf = (): ProcessOwner =>
    options.owner ??
    (ownOwner ??= createProcessOwner({
      marker: `mcp-${process.pid}-${randomBytes(6).toString('hex')}`,
    }));

  return {
    make(name, spec, policy) {
      const server = checkServer(name, spec, { cwd, environment });
      const { startMs, timeoutMs, totalMs, pingMs } = server;
      const spill = server.spill && new SpillPlace({ name, ...server, ...server.spill });
      if (spill !== undefined) spills.push(spill);
      const own = compileFilters(server.filters, `The server ${name}`);
      const tell = (event: ServerEvent): void => {
        try {
          options.onEvent?.(name, event);
        } catch (error) {
          // As with any handler of events: nobody's call fails by it, and nobody overlooks it.
          queueMicrotask(() => {
            throw error;
          });
        }
      };
      const answers = createAnswers({
        server: name,
        handlers: options.handlers ?? {},
        asks: server.asks,
        asksPerMinute: server.asksPerMinute,
        roots: roots.map((root) => pathToFileURL(root).href),
        tell: (asked) => tell({ type: 'asked', ...asked }),
      });
      const bare = opening({ name, server, spill, owner: ownerOf });
      const open = options.wire?.({ name, secrets: secretsOf(spec) }, bare) ?? bare;
      return new SupervisedServer({
        name,
        restart,
        allows: {
          tools: narrowed(name, own.tools, policy.tools),
          resources: narrowed(name, own.resources, policy.resources),
          prompts: narrowed(name, own.prompts, policy.prompts),
        },
        open: (hooks) =>
          openConnection({
            name,
            identity: `${name} ${addressOf(server)}`,
            open,
            createEngine,
            clientInfo,
            answers,
            startMs,
            timeoutMs,
            totalMs,
            pingMs,
            ...hooks,
          }),
        tell,
      });
    },
    async close() {
      await ownOwner?.close();
      for (const spill of spills) spill.close();
    },
  };
}

/** What both allow; the hub's filters are on the names as it gives them. */
const narrowed =
  (name: string, ofServer: Allows, ofHub: Allows): Allows =>
  (one) =>
    ofServer(one) && ofHub(`${name}${separator}${one}`);

/**
 * Several servers behind one face. Nothing is started before it is asked for. Throws `ORCH_MCP_SPEC` for a server or
 * filter that is not valid.
 */
export function createMcpHub(options: HubOptions): McpHub {
  const household = createHousehold(options);
  const policy = compileFilters(options.policy ?? {}, 'policy');
  const servers = new Map(
    Object.entries(options.servers).map(([name, spec]) => [
      name,
      household.make(name, spec, policy),
    ]),
  );

  function server(name: string): SupervisedServer {
    const found = servers.get(name);
    if (found !== undefined) return found;
    const known = [...servers.keys()].join(', ') || 'none';
    throw new McpError(
      'ORCH_MCP_SPEC',
      `There is no server ${JSON.stringify(name)}. There are: ${known}.`,
    );
  }

  /** The first separator ends the server's name: none has one in it. */
  function split(qualifiedName: string): [SupervisedServer, string] {
    const at = qualifiedName.indexOf(separator);
    if (at > 0) return [server(qualifiedName.slice(0, at)), qualifiedName.slice(at + 2)];
    throw new McpError(
      'ORCH_MCP_SPEC',
      `${JSON.stringify(qualifiedName)} names no server: names are server${separator}name.`,
    );
  }

  async function listed<T>(
    list: (server: SupervisedServer) => Promise<readonly T[]>,
    nameOf: (item: T) => string,
  ): Promise<Listed<T>> {
    const missing: Missing[] = [];
    const lists = await Promise.all(
      [...servers.values()].map(async (one) => {
        try {
          return (await list(one)).map((item) => ({
            ...item,
            server: one.name,
            qualifiedName: `${one.name}${separator}${nameOf(item)}`,
          }));
        } catch (error) {
          if (!McpError.isInstance(error)) throw error;
          missing.push({ server: one.name, error });
          return [];
        }
      }),
    );
    return { items: lists.flat(), missing };
  }

  return {
    server,
    states: () => Object.fromEntries([...servers].map(([name, one]) => [name, one.state])),
    tools: () =>
      listed<Tool>(
        (one) => one.tools(),
        ({ name }) => name,
      ),
    resources: () =>
      listed<Resource>(
        (one) => one.resources(),
        ({ uri }) => uri,
      ),
    prompts: () =>
      listed<Prompt>(
        (one) => one.prompts(),
        ({ name }) => name,
      ),
    async call(qualifiedName, args, callOptions) {
      const [one, tool] = split(qualifiedName);
      return one.call(tool, args, callOptions);
    },
    async prompt(qualifiedName, args) {
      const [one, name] = split(qualifiedName);
      return one.prompt(name, args);
    },
    async close() {
      await Promise.all([...servers.values()].map((one) => one.close()));
      await household.close();
    },
  };
}

/**
 * One server, started at once. Rejects with `ORCH_MCP_START`, `_AUTH` or `_SPEC`; then nothing is left of it.
 * Like a server of a hub, it is started anew when it breaks.
 */
export async function connect(
  spec: ServerSpec,
  options: ClientOptions & { readonly name?: string; readonly signal?: AbortSignal } = {},
): Promise<McpServer> {
  const household = createHousehold(options);
  const server = household.make(options.name ?? 'server', spec, compileFilters({}, 'policy'));
  const close = server.close.bind(server);
  server.close = async () => {
    await close();
    await household.close();
  };
  try {
    await server.ready(options.signal);
  } catch (error) {
    await server.close();
    throw error;
  }
  return server;
}
