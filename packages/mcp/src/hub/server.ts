import type { Handshake } from '../engine/engine.js';
import type { Json, JsonObject } from '../json.js';
import { McpError, type McpErrorCode } from '../mcp-error.js';
import { besides, type RequestOptions, type RunningOptions } from '../protocol/peer.js';
import { readAnnouncement } from './announcements.js';
import type { Connection } from './connection.js';
import {
  promptList,
  resourceList,
  templateList,
  toolList,
  listKinds,
  type ListKind,
  type Prompt,
  type Resource,
  type ResourceTemplate,
  type Tool,
} from './definitions.js';
import { nameOf } from '../safety/definition-part.js';
import type { DefinitionGuard, DefinitionReview } from '../safety/guard.js';
import type { Redactor } from '../safety/redaction.js';
import type { Allows, AllowsAll } from './filter.js';
import { KeptLists } from './kept-lists.js';
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
import { ServerRequests, type Admit, type Work } from './requests.js';
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
  /** Of a request, unless it says otherwise. */
  readonly timeoutMs: number;
  readonly totalMs: number;
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

/** What its caller's times or signal ended. */
const ofCaller: ReadonlySet<McpErrorCode> = new Set(['ORCH_MCP_TIMEOUT', 'ORCH_MCP_CANCELLED']);

export class SupervisedServer implements McpServer {
  readonly name: string;
  readonly #options: ServerOptions;
  readonly #supervisor: Supervisor;
  readonly #requests: ServerRequests;
  readonly #lists: KeptLists;
  readonly #output: OutputCheck;
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
        if (state !== 'ready') this.#lists.forget();
        options.tell({ type: 'state', state, ...(error !== undefined && { error }) });
      },
    });
    const { name, guard, redactor, timeoutMs, totalMs } = options;
    this.#requests = new ServerRequests({
      name,
      supervisor: this.#supervisor,
      redactor,
      totalMs,
      mayStart: () => options.mayStart(),
    });
    this.#lists = new KeptLists({
      name,
      requests: this.#requests,
      guard,
      redactor,
      timeoutMs,
      totalMs,
    });
  }

  get state(): ServerState {
    return this.#supervisor.state;
  }

  async ready(signal?: AbortSignal): Promise<Handshake> {
    return (await this.#requests.acquire(signal)).handshake;
  }

  async tools(options?: ListOptions): Promise<readonly Tool[]> {
    return this.#exposed<Tool>(toolList, this.#options.allows.tools, options);
  }

  /** A list as it may be shown: what the filters allow, and the guard. */
  async #exposed<T extends JsonObject>(
    kind: ListKind,
    allows: Allows,
    options: ListOptions | undefined,
  ): Promise<readonly T[]> {
    await this.#lists.list(kind, options);
    const exposed = this.#options.guard.exposed(kind.part) as readonly T[];
    return exposed.filter((one) => allows(nameOf(kind.part, one)));
  }

  async review(options?: RequestOptions): Promise<DefinitionReview> {
    for (const kind of listKinds)
      if (this.#options.guard.isPinned(kind.part))
        await this.#lists.list(kind, { ...options, refresh: true });
    return this.#options.guard.review;
  }

  pin(review: DefinitionReview): void {
    if (review.server === this.name) this.#options.guard.pin(review);
    else
      throw new McpError(
        'ORCH_MCP_SPEC',
        `This is a review of ${review.server}, and not of ${this.name}.`,
      );
  }

  call(tool: string, args: JsonObject = {}, options?: CallOptions): Promise<ToolResult> {
    const { called } = this.#options;
    const startedMs = performance.now();
    return called === undefined
      ? this.#call(tool, args, options, startedMs)
      : this.#reported(called, tool, args, options, startedMs);
  }

  async #reported(
    called: (report: CallReport) => void,
    tool: string,
    args: JsonObject,
    options: CallOptions | undefined,
    startedMs: number,
  ): Promise<ToolResult> {
    let outcome: CallReport['outcome'] = 'ORCH_MCP_RESULT';
    try {
      const result = await this.#call(tool, args, options, startedMs);
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
    startedMs: number,
  ): Promise<ToolResult> {
    if (!this.#options.allows.tools(tool)) this.#refuse('tool', tool);
    const repeat = options?.idempotent ?? this.#lists.isRepeatable(tool);
    const params = { name: tool, arguments: args };
    const admit: Admit = (running) => this.#admit(toolList, tool, running);
    const raw = await this.#requests.request(
      'tools',
      'tools/call',
      params,
      options,
      repeat,
      admit,
      startedMs,
    );
    const result = readToolResult(this.name, tool, raw);
    if (this.#options.checksOutput) await this.#checkOutput(tool, result, options, startedMs);
    return result;
  }

  /** Throws if it must not be used. A promise: what is known of it is out of date, and is read first. */
  #admit(
    kind: ListKind,
    name: string,
    options: RunningOptions | undefined,
  ): Promise<unknown> | undefined {
    const { guard } = this.#options;
    if (guard.asksFirst && !this.#lists.isKnown(kind))
      return this.#lists.list(kind, besides(options));
    const refusal = guard.refusal(kind.part, name);
    if (refusal !== undefined) throw refusal;
    return undefined;
  }

  /** The list is read for it only if the tool gave something structured, and its schema is not known yet. */
  async #checkOutput(
    tool: string,
    result: ToolResult,
    options: CallOptions | undefined,
    startedMs: number,
  ): Promise<void> {
    if (!this.#lists.isJudged(toolList) && result.structured !== undefined) {
      try {
        await this.#lists.list(toolList, besides({ ...options, startedMs }));
      } catch (cause) {
        // That its time is over, or nobody waits for it, is told as it is.
        const known = McpError.isInstance(cause) && ofCaller.has(cause.code) ? cause : undefined;
        throw new McpError(
          known?.code ?? 'ORCH_MCP_STRUCTURED',
          `The tool ${tool} of ${this.name} has run, but its output schema could not be read: ${(cause as Error).message} What it gave is in details.result.`,
          { details: { ...known?.details, server: this.name, tool, result: result.raw }, cause },
        );
      }
    }
    const known = this.#lists.tool(tool);
    // What lies in a file was not read.
    if (known !== undefined && result.spilled === undefined)
      await this.#output.check(known, result);
  }

  async resources(options?: ListOptions): Promise<readonly Resource[]> {
    return this.#exposed<Resource>(resourceList, this.#options.allows.resources, options);
  }

  async resourceTemplates(options?: ListOptions): Promise<readonly ResourceTemplate[]> {
    return this.#exposed<ResourceTemplate>(templateList, this.#options.allows.resources, options);
  }

  async readResource(uri: string, options?: RequestOptions): Promise<readonly JsonObject[]> {
    this.#requireResource(resourceList, uri);
    const result = await this.#requests.request(
      'resources',
      'resources/read',
      { uri },
      options,
      true,
    );
    return this.#arrayIn(result, 'contents', 'resources/read') as readonly JsonObject[];
  }

  async subscribe(uri: string, options?: RequestOptions): Promise<void> {
    this.#requireResource(resourceList, uri);
    const subscribe = 'resources/subscribe';
    await this.#requests.ask(
      'resources',
      subscribe,
      ({ session }, running) => session.watch(uri, running),
      options,
    );
    this.#subscribed.add(uri);
  }

  async unsubscribe(uri: string, options?: RequestOptions): Promise<void> {
    if (!this.#options.allows.resources(uri)) this.#refuse('resource', uri);
    this.#subscribed.delete(uri);
    const unsubscribe = 'resources/unsubscribe';
    await this.#requests.ask(
      'resources',
      unsubscribe,
      ({ session }, running) => session.unwatch(uri, running),
      options,
    );
  }

  async prompts(options?: ListOptions): Promise<readonly Prompt[]> {
    return this.#exposed<Prompt>(promptList, this.#options.allows.prompts, options);
  }

  prompt(
    name: string,
    args: Readonly<Record<string, string>> = {},
    options?: RequestOptions,
  ): Promise<JsonObject> {
    if (!this.#options.allows.prompts(name)) return Promise.reject(this.#refusal('prompt', name));
    const params = { name, arguments: args };
    const admit: Admit = (running) => this.#admit(promptList, name, running);
    return this.#requests.request('prompts', 'prompts/get', params, options, true, admit);
  }

  async complete(
    of: CompletionOf,
    argument: { readonly name: string; readonly value: string },
    options?: RequestOptions,
  ): Promise<Completion> {
    let ref: JsonObject;
    let admit: Admit | undefined;
    if ('prompt' in of) {
      if (!this.#options.allows.prompts(of.prompt)) this.#refuse('prompt', of.prompt);
      ref = { type: 'ref/prompt', name: of.prompt };
      admit = (running) => this.#admit(promptList, of.prompt, running);
    } else {
      this.#requireResource(templateList, of.template);
      ref = { type: 'ref/resource', uri: of.template };
    }
    const params = { ref, argument: { name: argument.name, value: argument.value } };
    const result = await this.#requests.request(
      'completions',
      'completion/complete',
      params,
      options,
      true,
      admit,
    );
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
    await this.#requests.ask(
      'logging',
      'logging/setLevel',
      ({ session }, running) => session.setLogLevel(level, running),
      options,
    );
    this.#logLevel = level;
  }

  async ping(options?: RequestOptions): Promise<void> {
    const work: Work<void> = ({ session }, running) => session.ping(running);
    await this.#requests.ask(undefined, 'ping', work, options);
  }

  close(): Promise<void> {
    return this.#supervisor.close();
  }

  async #open(closed: (error: McpError) => void, signal: AbortSignal): Promise<Connection> {
    const { guard, redactor } = this.#options;
    const opened = await this.#options
      .open({
        notified: (method, params) => this.#notified(method, params),
        noise: (text) => this.#options.tell({ type: 'noise', text: redactor.text(text) }),
        missed: () => this.#lists.forget(),
        closed: (error) => closed(redactor.error(error)),
        signal,
      })
      .catch((error: unknown) => {
        throw redactor.error(error);
      });
    const { instructions, ...handshake } = opened.handshake;
    let greeting: string | undefined;
    try {
      greeting = guard.instructions(instructions);
    } catch (error) {
      await opened.close(error as McpError);
      throw error;
    }
    const connection: Connection = {
      ...opened,
      handshake: { ...handshake, ...(greeting !== undefined && { instructions: greeting }) },
    };
    // What its user asked for holds for every session, and what the server says to it is its own affair.
    const again = [...this.#subscribed].map((uri) => connection.session.watch(uri));
    if (this.#logLevel !== undefined) again.push(connection.session.setLogLevel(this.#logLevel));
    for (const request of again) request.catch(() => undefined);
    this.#lists.lookSoon();
    return connection;
  }

  #notified(method: string, params: JsonObject): void {
    const { tell, redactor } = this.#options;
    const event = readAnnouncement(method, params, redactor);
    if (event === undefined) return;
    if (event.type === 'changed') this.#lists.changed(event.list);
    tell(event);
    if (event.type === 'changed' && event.list === 'tools') this.#lists.lookSoon();
  }

  #arrayIn(result: JsonObject, field: string, method: string): readonly Json[] {
    const value = result[field];
    if (Array.isArray(value)) return value as readonly Json[];
    throw new McpError(
      'ORCH_MCP_RESULT',
      `${this.name} answered ${method} without its ${field}. This is a defect of the server.`,
    );
  }

  /** By what was listed last: what a resource holds is no definition, so nothing is listed for it. */
  #requireResource(kind: ListKind, uri: string): void {
    const { allows, guard } = this.#options;
    if (!allows.resources(uri)) this.#refuse('resource', uri);
    const refusal = guard.refusal(kind.part, uri);
    if (refusal !== undefined) throw refusal;
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
