import type { Asked } from '../answers/answers.js';
import type { Handshake } from '../engine/engine.js';
import type { Json, JsonObject } from '../json.js';
import { McpError } from '../mcp-error.js';
import type { RequestOptions } from '../protocol/peer.js';
import type { Connection } from './connection.js';
import {
  listAll,
  promptList,
  resourceList,
  templateList,
  toolList,
  type ListKind,
  type Prompt,
  type Resource,
  type ResourceTemplate,
  type Tool,
} from './definitions.js';
import type { AllowsAll } from './filter.js';
import { unlessAborted } from '../on-abort.js';
import { Supervisor, type RestartPolicy, type ServerState } from './supervisor.js';
import { readToolResult, type ToolResult } from './tool-result.js';

/** What a server does between calls. */
export type ServerEvent =
  | { readonly type: 'state'; readonly state: ServerState; readonly error?: McpError }
  /** A list was changed by the server; what was kept of it is dropped. */
  | { readonly type: 'changed'; readonly list: 'tools' | 'resources' | 'prompts' }
  /** A resource that was subscribed to has changed. */
  | { readonly type: 'updated'; readonly uri: string }
  | {
      readonly type: 'log';
      readonly level: string;
      readonly logger?: string;
      readonly data: Json;
    }
  /** It asked something of its client. */
  | ({ readonly type: 'asked' } & Asked)
  /** What a person was to do at an address is done. */
  | { readonly type: 'elicited'; readonly id: string }
  /** It wrote something that is no message where messages are expected. */
  | { readonly type: 'noise'; readonly text: string };

export interface CallOptions extends RequestOptions {
  /**
   * The call may be made twice. Then it is made again, once, when the server ended or forgot its session before it
   * answered. Default: what the tool says of itself, if its list was read.
   */
  readonly idempotent?: boolean;
}

export interface ListOptions extends RequestOptions {
  /** Asks the server, whatever is kept. */
  readonly refresh?: boolean;
}

export type LogLevel =
  'debug' | 'info' | 'notice' | 'warning' | 'error' | 'critical' | 'alert' | 'emergency';

/** What is completed, and for which server's prompt or template. */
export type CompletionOf = { readonly prompt: string } | { readonly template: string };

export interface Completion {
  readonly values: readonly string[];
  readonly total?: number;
  readonly hasMore: boolean;
}

/**
 * One server. It is started for the first who asks, kept, and started anew after it broke. Every method rejects with
 * an `McpError`, and refuses with `ORCH_MCP_REFUSED` what the filters do not allow, listed or not.
 */
export interface McpServer {
  readonly name: string;
  readonly state: ServerState;
  /** Starts it, if it does not run; resolves with what it said of itself. */
  ready(signal?: AbortSignal): Promise<Handshake>;
  tools(options?: ListOptions): Promise<readonly Tool[]>;
  call(tool: string, args?: JsonObject, options?: CallOptions): Promise<ToolResult>;
  resources(options?: ListOptions): Promise<readonly Resource[]>;
  resourceTemplates(options?: ListOptions): Promise<readonly ResourceTemplate[]>;
  /** Resolves with the `contents`. */
  readResource(uri: string, options?: RequestOptions): Promise<readonly JsonObject[]>;
  /** Its changes come as `updated`, also after the server was started anew. */
  subscribe(uri: string, options?: RequestOptions): Promise<void>;
  unsubscribe(uri: string, options?: RequestOptions): Promise<void>;
  prompts(options?: ListOptions): Promise<readonly Prompt[]>;
  /** Resolves with the `messages` and `description`. */
  prompt(
    name: string,
    args?: Readonly<Record<string, string>>,
    options?: RequestOptions,
  ): Promise<JsonObject>;
  complete(
    of: CompletionOf,
    argument: { readonly name: string; readonly value: string },
    options?: RequestOptions,
  ): Promise<Completion>;
  /** Its messages come as `log`, also after the server was started anew. */
  setLogLevel(level: LogLevel, options?: RequestOptions): Promise<void>;
  ping(options?: RequestOptions): Promise<void>;
  /** Ends it; resolves when nothing of it is left. */
  close(): Promise<void>;
}

export interface ServerOptions {
  readonly name: string;
  readonly restart: RestartPolicy;
  readonly allows: AllowsAll;
  open(hooks: {
    notified(method: string, params: JsonObject): void;
    noise(text: string): void;
    missed(): void;
    closed(error: McpError): void;
    signal: AbortSignal;
  }): Promise<Connection>;
  readonly tell: (event: ServerEvent) => void;
}

const changes: Readonly<Record<string, 'tools' | 'resources' | 'prompts'>> = {
  'notifications/tools/list_changed': 'tools',
  'notifications/resources/list_changed': 'resources',
  'notifications/prompts/list_changed': 'prompts',
};

const mayRepeat = (error: unknown): boolean =>
  McpError.isInstance(error) &&
  (error.code === 'ORCH_MCP_CLOSED' || error.code === 'ORCH_MCP_SESSION');

export class SupervisedServer implements McpServer {
  readonly name: string;
  readonly #options: ServerOptions;
  readonly #supervisor: Supervisor;
  readonly #lists = new Map<ListKind, Promise<readonly JsonObject[]>>();
  /** On the monotonic clock, where the server said so. */
  readonly #keptUntilMs = new Map<ListKind, number>();
  /** By what the tools say of themselves. */
  #repeatable: ReadonlySet<string> = new Set();
  readonly #subscribed = new Set<string>();
  #logLevel: LogLevel | undefined;

  constructor(options: ServerOptions) {
    this.name = options.name;
    this.#options = options;
    this.#supervisor = new Supervisor({
      name: options.name,
      restart: options.restart,
      open: (closed, signal) => this.#open(closed, signal),
      changed: (state, error) => {
        if (state !== 'ready') this.#forgetLists();
        options.tell({ type: 'state', state, ...(error !== undefined && { error }) });
      },
    });
  }

  get state(): ServerState {
    return this.#supervisor.state;
  }

  async ready(signal?: AbortSignal): Promise<Handshake> {
    return (await this.#supervisor.acquire(signal)).handshake;
  }

  async tools(options?: ListOptions): Promise<readonly Tool[]> {
    const { tools } = this.#options.allows;
    return (await this.#list<Tool>(toolList, options)).filter(({ name }) => tools(name));
  }

  async call(tool: string, args: JsonObject = {}, options?: CallOptions): Promise<ToolResult> {
    if (!this.#options.allows.tools(tool)) this.#refuse('tool', tool);
    const repeat = options?.idempotent ?? this.#repeatable.has(tool);
    const params = { name: tool, arguments: args };
    const result = await this.#request('tools', 'tools/call', params, options, repeat);
    return readToolResult(this.name, tool, result);
  }

  async resources(options?: ListOptions): Promise<readonly Resource[]> {
    const { resources } = this.#options.allows;
    return (await this.#list<Resource>(resourceList, options)).filter(({ uri }) => resources(uri));
  }

  async resourceTemplates(options?: ListOptions): Promise<readonly ResourceTemplate[]> {
    const { resources } = this.#options.allows;
    const templates = await this.#list<ResourceTemplate>(templateList, options);
    return templates.filter(({ uriTemplate }) => resources(uriTemplate));
  }

  async readResource(uri: string, options?: RequestOptions): Promise<readonly JsonObject[]> {
    this.#requireResource(uri);
    const result = await this.#request('resources', 'resources/read', { uri }, options, true);
    return this.#arrayIn(result, 'contents', 'resources/read') as readonly JsonObject[];
  }

  async subscribe(uri: string, options?: RequestOptions): Promise<void> {
    this.#requireResource(uri);
    const subscribe = 'resources/subscribe';
    await this.#ask('resources', subscribe, ({ session }) => session.watch(uri, options), options);
    this.#subscribed.add(uri);
  }

  async unsubscribe(uri: string, options?: RequestOptions): Promise<void> {
    this.#requireResource(uri);
    this.#subscribed.delete(uri);
    const unsubscribe = 'resources/unsubscribe';
    await this.#ask(
      'resources',
      unsubscribe,
      ({ session }) => session.unwatch(uri, options),
      options,
    );
  }

  async prompts(options?: ListOptions): Promise<readonly Prompt[]> {
    const { prompts } = this.#options.allows;
    return (await this.#list<Prompt>(promptList, options)).filter(({ name }) => prompts(name));
  }

  prompt(
    name: string,
    args: Readonly<Record<string, string>> = {},
    options?: RequestOptions,
  ): Promise<JsonObject> {
    if (!this.#options.allows.prompts(name)) return Promise.reject(this.#refusal('prompt', name));
    return this.#request('prompts', 'prompts/get', { name, arguments: args }, options, true);
  }

  async complete(
    of: CompletionOf,
    argument: { readonly name: string; readonly value: string },
    options?: RequestOptions,
  ): Promise<Completion> {
    let ref: JsonObject;
    if ('prompt' in of) {
      if (!this.#options.allows.prompts(of.prompt)) this.#refuse('prompt', of.prompt);
      ref = { type: 'ref/prompt', name: of.prompt };
    } else {
      this.#requireResource(of.template);
      ref = { type: 'ref/resource', uri: of.template };
    }
    const params = { ref, argument: { name: argument.name, value: argument.value } };
    const result = await this.#request('completions', 'completion/complete', params, options, true);
    const completion = (result['completion'] ?? {}) as JsonObject;
    const values = this.#arrayIn(completion, 'values', 'completion/complete');
    const total = completion['total'];
    return {
      values: values.filter((value) => typeof value === 'string'),
      ...(typeof total === 'number' && { total }),
      hasMore: completion['hasMore'] === true,
    };
  }

  async setLogLevel(level: LogLevel, options?: RequestOptions): Promise<void> {
    await this.#ask(
      'logging',
      'logging/setLevel',
      ({ session }) => session.setLogLevel(level, options),
      options,
    );
    this.#logLevel = level;
  }

  async ping(options?: RequestOptions): Promise<void> {
    await this.#ask(undefined, 'ping', ({ session }) => session.ping(options), options);
  }

  close(): Promise<void> {
    return this.#supervisor.close();
  }

  async #open(closed: (error: McpError) => void, signal: AbortSignal): Promise<Connection> {
    const connection = await this.#options.open({
      notified: (method, params) => this.#notified(method, params),
      noise: (text) => this.#options.tell({ type: 'noise', text }),
      missed: () => this.#forgetLists(),
      closed,
      signal,
    });
    // What its user asked for holds for every session, and what the server says to it is its own affair.
    const again = [...this.#subscribed].map((uri) => connection.session.watch(uri));
    if (this.#logLevel !== undefined) again.push(connection.session.setLogLevel(this.#logLevel));
    for (const request of again) request.catch(() => undefined);
    return connection;
  }

  #request(
    capability: string,
    method: string,
    params: JsonObject,
    options: RequestOptions | undefined,
    repeat: boolean,
  ): Promise<JsonObject> {
    const work = ({ session }: Connection): Promise<JsonObject> =>
      session.request(method, params, options);
    return this.#ask(capability, method, work, options, repeat);
  }

  /** `repeat`: once more, on a new connection, if this one breaks before the answer. */
  async #ask<T>(
    capability: string | undefined,
    method: string,
    work: (connection: Connection) => Promise<T>,
    options: RequestOptions | undefined,
    repeat = true,
  ): Promise<T> {
    const connection =
      this.#supervisor.current ?? (await this.#supervisor.acquire(options?.signal));
    this.#requireCapability(connection, capability, method);
    try {
      return await work(connection);
    } catch (error) {
      if (!repeat || !mayRepeat(error) || this.state === 'closed') throw error;
      const next = await this.#supervisor.acquire(options?.signal);
      return work(next);
    }
  }

  async #list<T extends JsonObject>(
    kind: ListKind,
    { refresh = false, signal, ...options }: ListOptions = {},
  ): Promise<readonly T[]> {
    const isStale = performance.now() > (this.#keptUntilMs.get(kind) ?? Infinity);
    if (refresh || isStale) this.#lists.delete(kind);
    let list = this.#lists.get(kind);
    if (list === undefined) {
      list = this.#read(kind, options);
      const reading = list;
      // Who waits for the same list shares it, so that nobody's signal ends it for the others.
      this.#lists.set(kind, reading);
      reading.catch(() => {
        if (this.#lists.get(kind) === reading) this.#lists.delete(kind);
      });
    }
    return (await (signal === undefined
      ? list
      : unlessAborted(list, signal, `Listing ${kind.items} of ${this.name}`))) as readonly T[];
  }

  async #read(kind: ListKind, options: RequestOptions): Promise<readonly JsonObject[]> {
    this.#keptUntilMs.delete(kind);
    for (let attempt = 1; ; attempt += 1) {
      const connection = await this.#supervisor.acquire();
      if (connection.handshake.capabilities[kind.capability] === undefined) return [];
      try {
        const { items, ttlMs } = await listAll(connection.session, this.name, kind, options);
        this.#keptUntilMs.set(kind, performance.now() + ttlMs);
        if (kind === toolList) this.#repeatable = repeatable(items as readonly Tool[]);
        return items;
      } catch (error) {
        // A server need not offer templates because it offers resources.
        if (kind === templateList && isMethodNotFound(error)) return [];
        if (attempt > 1 || !mayRepeat(error) || this.state === 'closed') throw error;
      }
    }
  }

  #notified(method: string, params: JsonObject): void {
    const { tell } = this.#options;
    const list = changes[method];
    if (list !== undefined) {
      for (const kind of [...this.#lists.keys()])
        if (kind.capability === list) this.#lists.delete(kind);
      tell({ type: 'changed', list });
    } else if (method === 'notifications/resources/updated') {
      if (typeof params['uri'] === 'string') tell({ type: 'updated', uri: params['uri'] });
    } else if (method === 'notifications/elicitation/complete') {
      const id = params['elicitationId'];
      if (typeof id === 'string') tell({ type: 'elicited', id });
    } else if (method === 'notifications/message') {
      const { level, logger, data = null } = params;
      tell({
        type: 'log',
        level: typeof level === 'string' ? level : 'info',
        ...(typeof logger === 'string' && { logger }),
        data,
      });
    }
  }

  #forgetLists(): void {
    this.#lists.clear();
    this.#repeatable = new Set();
  }

  #arrayIn(result: JsonObject, field: string, method: string): readonly Json[] {
    const value = result[field];
    if (Array.isArray(value)) return value as readonly Json[];
    throw new McpError(
      'ORCH_MCP_RESULT',
      `${this.name} answered ${method} without its ${field}. This is a defect of the server.`,
    );
  }

  #requireCapability(
    { handshake }: Connection,
    capability: string | undefined,
    method: string,
  ): void {
    if (capability === undefined || handshake.capabilities[capability] !== undefined) return;
    throw new McpError(
      'ORCH_MCP_UNSUPPORTED',
      `${this.name} does not declare ${capability}, so ${method} was not sent. Ask a server that does.`,
      { details: { capability, method } },
    );
  }

  #requireResource(uri: string): void {
    if (!this.#options.allows.resources(uri)) this.#refuse('resource', uri);
  }

  #refuse(kind: string, name: string): never {
    throw this.#refusal(kind, name);
  }

  #refusal(kind: string, name: string): McpError {
    return new McpError(
      'ORCH_MCP_REFUSED',
      `The ${kind} ${JSON.stringify(name)} of ${this.name} is not allowed by the filters, so nothing was sent. Allow it there if it is right.`,
      { details: { server: this.name, kind, name } },
    );
  }
}

const isMethodNotFound = (error: unknown): boolean =>
  McpError.isInstance(error) && error.details['rpcCode'] === -32_601;

const repeatable = (tools: readonly Tool[]): ReadonlySet<string> =>
  new Set(
    tools
      .filter(
        ({ annotations }) =>
          annotations?.readOnlyHint === true || annotations?.idempotentHint === true,
      )
      .map(({ name }) => name),
  );
