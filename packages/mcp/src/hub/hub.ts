import { randomBytes } from 'node:crypto';
import { pathToFileURL } from 'node:url';
import { createProcessOwner, type ProcessOwner } from '@orch/process';
import { createAnswers } from '../answers/answers.js';
import type { AskHandlers } from '../answers/handlers.js';
import type { CreateEngine } from '../engine/engine.js';
import { createSdkEngine } from '../engine/sdk-engine.js';
import { excerpt, type JsonObject } from '../json.js';
import { McpError } from '../mcp-error.js';
import type { RequestOptions } from '../protocol/peer.js';
import { whyUnapproved, type ApprovalStore } from '../safety/approval-store.js';
import { DefinitionGuard, type PinPolicy, type Verdict } from '../safety/guard.js';
import { Neighbours } from '../safety/neighbours.js';
import { createRedactor } from '../safety/redaction.js';
import type { Wire } from '../transport/transport.js';
import { SpillPlace } from '../spill/spill.js';
import { openConnection } from './connection.js';
import type { Prompt, Resource, ResourceTemplate, Tool } from './definitions.js';
import { compileFilters, type Allows, type AllowsAll, type Filters } from './filter.js';
import { opening, addressOf } from './opening.js';
import type { CallOptions, CallReport, McpServer, ServerEvent } from './mcp-server.js';
import { SupervisedServer } from './server.js';
import { checkServer, type CheckedServer, type ServerSpec } from './server-spec.js';
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
  /** What a project's servers must be in to be started. Default: none is approved. */
  readonly approvals?: ApprovalStore;
  /** What servers may say of themselves, by what they said before. Default: they may change it at will. */
  readonly pins?: PinPolicy;
  /**
   * What is done about suspicious words in what servers say of themselves. Default `warn`: an event. A name with
   * hidden characters in it is refused then, too.
   */
  readonly scan?: Verdict;
  /** Whether `structured` is held against the tool's own output schema. Default `check`. */
  readonly structured?: 'check' | 'off';
  /** Each call of a tool, when it has ended; for metrics. What it throws is an uncaught exception. */
  onCall?(server: string, call: CallReport): void;
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
  resourceTemplates(): Promise<Listed<ResourceTemplate>>;
  prompts(): Promise<Listed<Prompt>>;
  /** Calls the tool `server__tool`. */
  call(qualifiedName: string, args?: JsonObject, options?: CallOptions): Promise<ToolResult>;
  /** Gets the prompt `server__prompt`. */
  prompt(qualifiedName: string, args?: Readonly<Record<string, string>>): Promise<JsonObject>;
  /** Tells what servers do between calls, as `onEvent` does; returns what ends it. */
  observe(listener: (server: string, event: ServerEvent) => void): () => void;
  /** Reads the resource `server__uri`; resolves with its `contents`. */
  readResource(qualifiedName: string, options?: RequestOptions): Promise<readonly JsonObject[]>;
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

  const neighbours = new Neighbours();
  const project = options.pins?.project ?? cwd;

  return {
    make(name, spec, policy) {
      const server = checkServer(name, spec, { cwd, environment });
      const { startMs, timeoutMs, totalMs, pingMs } = server;
      const spill = server.spill && new SpillPlace({ name, ...server, ...server.spill });
      if (spill !== undefined) spills.push(spill);
      const own = compileFilters(server.filters, `The server ${name}`);
      const secrets = secretsOf(server, spec);
      const redactor = createRedactor(secrets);
      const tell = (event: ServerEvent): void => apart(() => options.onEvent?.(name, event));
      const answers = createAnswers({
        server: name,
        handlers: options.handlers ?? {},
        asks: server.asks,
        asksPerMinute: server.asksPerMinute,
        roots: roots.map((root) => pathToFileURL(root).href),
        tell: (asked) => tell({ type: 'asked', ...asked }),
      });
      const bare = opening({ name, server, spill, owner: ownerOf, redactor });
      const open = options.wire?.({ name, secrets, onSecret: redactor.onAdded }, bare) ?? bare;
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
        guard: new DefinitionGuard({
          server: name,
          project,
          pins: options.pins,
          scan: options.scan ?? 'warn',
          neighbours,
          dataResources: server.dataResources,
          tell: (report) => tell({ type: 'definitions', ...report }),
        }),
        redactor,
        checksOutput: options.structured !== 'off',
        timeoutMs,
        totalMs,
        mayStart() {
          const refusal = whyUnapproved(name, server.origin, options.approvals);
          if (refusal !== undefined) throw refusal;
        },
        tell,
        called: options.onCall && ((call) => apart(() => options.onCall?.(name, call))),
      });
    },
    async close() {
      await ownOwner?.close();
      for (const spill of spills) spill.close();
    },
  };
}

/** One server never takes the others' lists away, whatever it fails of. */
const unlistable = (name: string, cause: unknown): McpError =>
  McpError.isInstance(cause)
    ? cause
    : new McpError(
        'ORCH_MCP_RESULT',
        `${name} gave no list: ${excerpt(cause instanceof Error ? cause.message : String(cause))}. See the cause.`,
        { cause },
      );

/** As with any handler of events: nobody's call fails by it, and nobody overlooks it. */
function apart(handler: () => void): void {
  try {
    handler();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}

/** What of a server no error, event or recording may show: its own variables, its headers, the values in its address. */
function secretsOf(server: CheckedServer, spec: ServerSpec): readonly string[] {
  const own = 'command' in spec ? Object.values(spec.env ?? {}) : [];
  if (!('url' in server)) return [...server.secrets, ...own];
  const headers = Object.values(server.headers);
  // `Bearer abc`: `abc` is the secret.
  const parts = headers.flatMap((value) => value.split(/\s+/).slice(1));
  return [...server.secrets, ...own, ...headers, ...parts, ...server.url.searchParams.values()];
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
  const listeners = new Set<(server: string, event: ServerEvent) => void>();
  const household = createHousehold({
    ...options,
    onEvent(name, event) {
      options.onEvent?.(name, event);
      for (const listener of [...listeners]) listener(name, event);
    },
  });
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
          missing.push({ server: one.name, error: unlistable(one.name, error) });
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
    resourceTemplates: () =>
      listed<ResourceTemplate>(
        (one) => one.resourceTemplates(),
        ({ uriTemplate }) => uriTemplate,
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
    observe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    async readResource(qualifiedName, readOptions) {
      const [one, uri] = split(qualifiedName);
      return one.readResource(uri, readOptions);
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
