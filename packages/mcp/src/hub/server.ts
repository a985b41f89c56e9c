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
import type { DefinitionGuard, DefinitionReview } from '../safety/guard.js';
import type { Redactor } from '../safety/redaction.js';
import type { AllowsAll } from './filter.js';
import type {
  CallOptions,
  CallReport,
  Completion,
  CompletionOf,
  ListOptions,
  LogLevel,
  McpServer,
  ServerEvent,
} from './mcp-server.js';
import { OutputCheck } from './output-check.js';
import { unlessAborted } from '../on-abort.js';
import { Supervisor, type RestartPolicy, type ServerState } from './supervisor.js';
import { readToolResult, type ToolResult } from './tool-result.js';

export interface ServerOptions {
  readonly name: string;
  readonly restart: RestartPolicy;
  readonly allows: AllowsAll;
  readonly guard: DefinitionGuard;
  readonly redactor: Redactor;
  /** Whether what a tool gives is held against its own output schema. */
  readonly checksOutput: boolean;
  /** Throws if it must not be started. */
  mayStart(): void;
  open(hooks: {
    notified(method: string, params: JsonObject): void;
    noise(text: string): void;
    missed(): void;
    closed(error: McpError): void;
    signal: AbortSignal;
  }): Promise<Connection>;
  readonly tell: (event: ServerEvent) => void;
  readonly called: ((report: CallReport) => void) | undefined;
}

const changes: Readonly<Record<string, 'tools' | 'resources' | 'prompts'>> = {
  'notifications/tools/list_changed': 'tools',
  'notifications/resources/list_changed': 'resources',
  'notifications/prompts/list_changed': 'prompts',
};

/** So often a list that changes while it is read is read again. */
const mostTurns = 10;

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
  /** By what they say of themselves. */
  #tools: ReadonlyMap<string, Tool> = new Map();
  readonly #output: OutputCheck;
  /** Rises whenever what is known of the tools no longer holds; the list that was judged last was of `#judgedAt`. */
  #generation = 0;
  #judgedAt = -1;
  #isLooking = false;
  readonly #subscribed = new Set<string>();
  #logLevel: LogLevel | undefined;

  constructor(options: ServerOptions) {
    this.name = options.name;
    this.#options = options;
    this.#output = new OutputCheck(options.name);
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
    return (await this.#acquire(signal)).handshake;
  }

  async tools(options?: ListOptions): Promise<readonly Tool[]> {
    const { allows, guard } = this.#options;
    await this.#list<Tool>(toolList, options);
    return guard.exposed.filter(({ name }) => allows.tools(name));
  }

  async review(options?: RequestOptions): Promise<DefinitionReview> {
    await this.#list(toolList, { ...options, refresh: true });
    return this.#options.guard.review;
  }

  pin(review: DefinitionReview): void {
    if (review.server === this.name) this.#options.guard.pin(review.tools);
    else
      throw new McpError(
        'ORCH_MCP_SPEC',
        `This is a review of ${review.server}, and not of ${this.name}.`,
      );
  }

  async call(tool: string, args: JsonObject = {}, options?: CallOptions): Promise<ToolResult> {
    const { called } = this.#options;
    if (called === undefined) return this.#call(tool, args, options);
    const startedMs = performance.now();
    let outcome: CallReport['outcome'] = 'ORCH_MCP_RESULT';
    try {
      const result = await this.#call(tool, args, options);
      outcome = result.isError ? 'tool_error' : 'ok';
      return result;
    } catch (error) {
      if (McpError.isInstance(error)) outcome = error.code;
      throw error;
    } finally {
      called({ tool, ms: performance.now() - startedMs, outcome });
    }
  }

  async #call(
    tool: string,
    args: JsonObject,
    options: CallOptions | undefined,
  ): Promise<ToolResult> {
    if (!this.#options.allows.tools(tool)) this.#refuse('tool', tool);
    const repeat = options?.idempotent ?? this.#repeatable.has(tool);
    const params = { name: tool, arguments: args };
    const admit = (): Promise<unknown> | undefined => this.#admit(tool, options);
    const raw = await this.#request('tools', 'tools/call', params, options, repeat, admit);
    const result = readToolResult(this.name, tool, raw);
    if (this.#options.checksOutput) await this.#checkOutput(tool, result);
    return result;
  }

  /** Throws if the tool must not be called. A promise: what is known of it is out of date, and is read first. */
  #admit(tool: string, options: CallOptions | undefined): Promise<unknown> | undefined {
    const { guard } = this.#options;
    const isKnown = this.#judgedAt === this.#generation && !this.#isStale(toolList);
    if (guard.asksFirst && !isKnown) {
      const { signal } = options ?? {};
      return this.#list(toolList, signal === undefined ? {} : { signal });
    }
    const refusal = guard.refusal(tool);
    if (refusal !== undefined) throw refusal;
    return undefined;
  }

  /** The list is read for it only if the tool gave something structured, and its schema is not known yet. */
  async #checkOutput(tool: string, result: ToolResult): Promise<void> {
    if (this.#judgedAt !== this.#generation && result.structured !== undefined) {
      try {
        await this.#list(toolList);
      } catch (cause) {
        throw new McpError(
          'ORCH_MCP_STRUCTURED',
          `The tool ${tool} of ${this.name} has run, but its output schema could not be read: ${(cause as Error).message} What it gave is in details.result.`,
          { details: { server: this.name, tool, result: result.raw }, cause },
        );
      }
    }
    const known = this.#tools.get(tool);
    // What lies in a file was not read.
    if (known !== undefined && result.spilled === undefined)
      await this.#output.check(known, result);
  }

  async resources(options?: ListOptions): Promise<readonly Resource[]> {
    const { allows, guard } = this.#options;
    const resources = await this.#list<Resource>(resourceList, options);
    return guard.expose(resources, 'uri').filter(({ uri }) => allows.resources(uri));
  }

  async resourceTemplates(options?: ListOptions): Promise<readonly ResourceTemplate[]> {
    const { allows, guard } = this.#options;
    const templates = await this.#list<ResourceTemplate>(templateList, options);
    return guard
      .expose(templates, 'uriTemplate')
      .filter(({ uriTemplate }) => allows.resources(uriTemplate));
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
    const { allows, guard } = this.#options;
    const prompts = await this.#list<Prompt>(promptList, options);
    return guard.expose(prompts, 'name').filter(({ name }) => allows.prompts(name));
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

  /** A connection that is ready, or a new one, if this server may be started. */
  #acquire(signal?: AbortSignal): Promise<Connection> {
    if (this.#supervisor.current === undefined) this.#options.mayStart();
    return this.#supervisor.acquire(signal);
  }

  async #open(closed: (error: McpError) => void, signal: AbortSignal): Promise<Connection> {
    const { guard, redactor } = this.#options;
    const opened = await this.#options
      .open({
        notified: (method, params) => this.#notified(method, params),
        noise: (text) => this.#options.tell({ type: 'noise', text: redactor.text(text) }),
        missed: () => this.#forgetLists(),
        closed: (error) => closed(redactor.error(error)),
        signal,
      })
      .catch((error: unknown) => {
        throw redactor.error(error);
      });
    const { instructions, ...handshake } = opened.handshake;
    const greeting = instructions === undefined ? undefined : guard.instructions(instructions);
    const connection: Connection = {
      ...opened,
      handshake: { ...handshake, ...(greeting !== undefined && { instructions: greeting }) },
    };
    // What its user asked for holds for every session, and what the server says to it is its own affair.
    const again = [...this.#subscribed].map((uri) => connection.session.watch(uri));
    if (this.#logLevel !== undefined) again.push(connection.session.setLogLevel(this.#logLevel));
    for (const request of again) request.catch(() => undefined);
    this.#lookSoon();
    return connection;
  }

  /** Reads the list of tools before it is asked for, so that a change is told when it happens. */
  #lookSoon(): void {
    if (!this.#options.guard.asksFirst || this.#isLooking) return;
    this.#isLooking = true;
    this.#list(toolList)
      .catch(() => undefined) // whoever calls a tool reads it again, and is told
      .finally(() => (this.#isLooking = false));
  }

  #request(
    capability: string,
    method: string,
    params: JsonObject,
    options: RequestOptions | undefined,
    repeat: boolean,
    admit?: () => Promise<unknown> | undefined,
  ): Promise<JsonObject> {
    const work = ({ session }: Connection): Promise<JsonObject> =>
      session.request(method, params, options);
    return this.#ask(capability, method, work, options, repeat, admit);
  }

  /** `repeat`: once more, on a new connection, if this one breaks before the answer. */
  async #ask<T>(
    capability: string | undefined,
    method: string,
    work: (connection: Connection) => Promise<T>,
    options: RequestOptions | undefined,
    repeat = true,
    admit?: () => Promise<unknown> | undefined,
  ): Promise<T> {
    let connection = this.#supervisor.current;
    if (connection !== undefined) this.#requireCapability(connection, capability, method);
    // On the path of nearly every call there is nothing to wait for.
    const asking = connection && admit?.();
    if (connection === undefined || asking !== undefined) {
      await asking;
      connection = await this.#admitted(capability, method, options?.signal, admit);
    }
    try {
      return await work(connection);
    } catch (error) {
      if (!repeat || !mayRepeat(error) || this.state === 'closed')
        throw this.#options.redactor.error(error);
      const next = await this.#admitted(capability, method, options?.signal, admit);
      return await work(next).catch((again: unknown) => {
        throw this.#options.redactor.error(again);
      });
    }
  }

  /** A connection on which the request may be made, by what the server of this connection says of itself. */
  async #admitted(
    capability: string | undefined,
    method: string,
    signal: AbortSignal | undefined,
    admit: (() => Promise<unknown> | undefined) | undefined,
  ): Promise<Connection> {
    for (let turn = 1; turn <= mostTurns; turn += 1) {
      const connection = await this.#acquire(signal);
      this.#requireCapability(connection, capability, method);
      const asking = admit?.();
      if (asking === undefined) return connection;
      await asking;
    }
    throw this.#restless();
  }

  #restless(): McpError {
    return new McpError(
      'ORCH_MCP_CHANGED',
      `${this.name} changes its list of tools faster than it can be looked at, so nothing was sent. This is a defect of the server.`,
      { details: { server: this.name } },
    );
  }

  async #list<T extends JsonObject>(
    kind: ListKind,
    { refresh = false, signal, ...options }: ListOptions = {},
  ): Promise<readonly T[]> {
    if (refresh || this.#isStale(kind)) this.#lists.delete(kind);
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
    for (let attempt = 1, stale = 0; stale < mostTurns;) {
      const connection = await this.#acquire();
      const generation = this.#generation;
      let items: readonly JsonObject[] = [];
      try {
        if (connection.handshake.capabilities[kind.capability] !== undefined)
          items = await this.#readFrom(connection, kind, options);
      } catch (error) {
        // A server need not offer templates because it offers resources.
        if (kind === templateList && isMethodNotFound(error)) return [];
        if (attempt > 1 || !mayRepeat(error) || this.state === 'closed')
          throw this.#options.redactor.error(error);
        attempt += 1;
        continue;
      }
      if (kind !== toolList) return items;
      if (generation === this.#generation) return this.#take(items as readonly Tool[], generation);
      // It was changed while it was read.
      stale += 1;
    }
    throw this.#restless();
  }

  async #readFrom(
    { session }: Connection,
    kind: ListKind,
    options: RequestOptions,
  ): Promise<readonly JsonObject[]> {
    const { items, ttlMs } = await listAll(session, this.name, kind, options);
    this.#keptUntilMs.set(kind, performance.now() + ttlMs);
    return items;
  }

  #isStale(kind: ListKind): boolean {
    return performance.now() > (this.#keptUntilMs.get(kind) ?? Infinity);
  }

  #take(tools: readonly Tool[], generation: number): readonly Tool[] {
    this.#options.guard.take(tools);
    this.#repeatable = repeatable(tools);
    this.#tools = new Map(tools.map((tool) => [tool.name, tool]));
    this.#judgedAt = generation;
    return tools;
  }

  #notified(method: string, params: JsonObject): void {
    const { tell, redactor } = this.#options;
    const list = changes[method];
    if (list !== undefined) {
      for (const kind of [...this.#lists.keys()])
        if (kind.capability === list) this.#lists.delete(kind);
      if (list === 'tools') this.#generation += 1;
      tell({ type: 'changed', list });
      if (list === 'tools') this.#lookSoon();
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
        data: redactor.json(data),
      });
    }
  }

  #forgetLists(): void {
    this.#generation += 1;
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
