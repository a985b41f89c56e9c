import { isJsonObject, type JsonObject } from '../json.js';
import { onAbort } from '../on-abort.js';
import type { RequestId } from '../transport/transport.js';
import { handshakeVersions, severity } from './protocol-versions.js';
import {
  asRpcError,
  errorMessage,
  idOf,
  metaOf,
  noReply,
  paramsOf,
  resultMessage,
  type Reply,
} from './reply.js';
import {
  requireCapabilities,
  RpcError,
  rpcCode,
  type Ask,
  type Caller,
  type Exchange,
  type McpService,
  type ServiceEvent,
} from './service.js';

export interface SessionOptions {
  readonly service: McpService;
  readonly caller: Caller;
  /** More requests than this at once are refused. */
  readonly requestsMost: number;
  /** For what is said unasked. */
  unasked(message: JsonObject): void;
}

interface Asked {
  readonly resolve: (result: JsonObject) => void;
  readonly reject: (error: RpcError) => void;
}

const changed = {
  tools: 'notifications/tools/list_changed',
  resources: 'notifications/resources/list_changed',
  prompts: 'notifications/prompts/list_changed',
} as const;

/** What a service says unasked, as a notification. */
export function notificationOf(event: ServiceEvent): JsonObject {
  switch (event.type) {
    case 'changed':
      return { jsonrpc: '2.0', method: changed[event.list] };
    case 'updated':
      return {
        jsonrpc: '2.0',
        method: 'notifications/resources/updated',
        params: { uri: event.uri },
      };
    case 'log': {
      const { level, logger, data } = event;
      const params = { level, ...(logger !== undefined && { logger }), data };
      return { jsonrpc: '2.0', method: 'notifications/message', params };
    }
  }
}

/** A client of the protocols that begin with `initialize`: what it said there, and its requests. */
export class Session {
  readonly #options: SessionOptions;
  readonly #running = new Map<RequestId, AbortController>();
  readonly #asked = new Map<string, Asked>();
  /** Addresses it is subscribed to, or is about to be, each with the one request that was made for it. */
  readonly #subscribed = new Map<string, Promise<JsonObject>>();
  readonly #stopListening: () => void;
  #capabilities: JsonObject = {};
  #level = severity('info');
  /** Before the client asks for a level, servers' own messages are not sent to it. */
  #wantsLog = false;
  #asks = 0;
  #isOver = false;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#stopListening = options.service.listen((event) => this.#heard(event));
  }

  get isIdle(): boolean {
    return this.#running.size === 0;
  }

  /** Takes one message of the client. `reply` is for a request. */
  receive(message: JsonObject, reply: Reply): void {
    const { method } = message;
    const id = idOf(message);
    if (typeof method !== 'string') {
      this.#answered(message);
    } else if (id !== undefined) {
      void this.#answer(id, method, paramsOf(message), reply);
    } else if (method === 'notifications/cancelled') {
      const { requestId } = paramsOf(message);
      if (typeof requestId === 'string' || typeof requestId === 'number')
        this.#running.get(requestId)?.abort(new Error('cancelled'));
    }
  }

  /** Ends it, and what it has asked for. */
  close(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#stopListening();
    for (const controller of this.#running.values()) controller.abort(new Error('closed'));
    for (const { reject } of this.#asked.values())
      reject(new RpcError(rpcCode.internal, 'The session is over.'));
    this.#asked.clear();
    for (const uri of [...this.#subscribed.keys()])
      this.#unsubscribe(uri, { uri }, this.#silent()).catch(() => undefined);
  }

  async #answer(id: RequestId, method: string, params: JsonObject, reply: Reply): Promise<void> {
    if (this.#running.has(id) || this.#running.size >= this.#options.requestsMost) {
      const what = this.#running.has(id)
        ? `The id ${JSON.stringify(id)} is that of a request which is not answered yet.`
        : `More than ${this.#options.requestsMost} requests at once. Wait for one of them.`;
      reply.end(errorMessage(id, new RpcError(rpcCode.request, what)));
      return;
    }
    const controller = new AbortController();
    this.#running.set(id, controller);
    try {
      const exchange = this.#exchange(controller.signal, metaOf(params)['progressToken'], reply);
      const result = await this.#request(method, params, exchange);
      reply.end(resultMessage(id, result));
    } catch (cause) {
      if (controller.signal.aborted) reply.drop();
      else reply.end(errorMessage(id, asRpcError(cause)));
    } finally {
      this.#running.delete(id);
    }
  }

  async #request(method: string, params: JsonObject, exchange: Exchange): Promise<JsonObject> {
    const { service } = this.#options;
    const { uri, level } = params;
    switch (method) {
      case 'initialize':
        return this.#initialize(params);
      case 'ping':
        return {};
      case 'logging/setLevel':
        if (severity(level) < 0) throw new RpcError(rpcCode.params, 'There is no such level.');
        this.#level = severity(level);
        this.#wantsLog = true;
        return service.request(method, params, exchange);
      case 'resources/subscribe':
        if (typeof uri !== 'string') return service.request(method, params, exchange);
        return this.#subscribe(uri, params, exchange);
      case 'resources/unsubscribe':
        return typeof uri === 'string' ? this.#unsubscribe(uri, params, exchange) : {};
      default:
        return service.request(method, params, exchange);
    }
  }

  /** However often the client asks for it, it is one subscription, which one `unsubscribe` ends. */
  #subscribe(uri: string, params: JsonObject, exchange: Exchange): Promise<JsonObject> {
    const known = this.#subscribed.get(uri);
    if (known !== undefined) return known;
    const begun = this.#options.service.request('resources/subscribe', params, exchange);
    this.#subscribed.set(uri, begun);
    begun.catch(() => {
      if (this.#subscribed.get(uri) === begun) this.#subscribed.delete(uri);
    });
    return begun;
  }

  async #unsubscribe(uri: string, params: JsonObject, exchange: Exchange): Promise<JsonObject> {
    const begun = this.#subscribed.get(uri);
    this.#subscribed.delete(uri);
    // What is not answered yet may still come to be, and is ended then.
    const isSubscribed = await begun?.then(
      () => true,
      () => false,
    );
    if (isSubscribed !== true) return {};
    return this.#options.service.request('resources/unsubscribe', params, exchange);
  }

  #initialize({ protocolVersion, capabilities }: JsonObject): JsonObject {
    const { info, instructions, capabilities: ours } = this.#options.service;
    if (isJsonObject(capabilities)) this.#capabilities = capabilities;
    const version = handshakeVersions.find((one) => one === protocolVersion);
    return {
      protocolVersion: version ?? handshakeVersions[0],
      capabilities: ours,
      serverInfo: info,
      ...(instructions !== undefined && { instructions }),
    };
  }

  #exchange(signal: AbortSignal, progressToken: JsonObject[string], reply: Reply): Exchange {
    const { caller } = this.#options;
    return {
      caller,
      signal,
      clientCapabilities: this.#capabilities,
      progress: ({ progress, total, message }) => {
        if (progressToken === undefined || reply.isFull || signal.aborted) return;
        reply.send({
          jsonrpc: '2.0',
          method: 'notifications/progress',
          params: { progressToken, progress, total, message },
        });
      },
      log: (level, data, logger) => {
        if (severity(level) < this.#level || reply.isFull || signal.aborted) return;
        reply.send(
          notificationOf({
            type: 'log',
            level,
            data,
            ...(logger !== undefined && { logger }),
          }),
        );
      },
      ask: (asks) => this.#ask(asks, signal, reply),
      disconnect: () => reply.disconnect(),
    };
  }

  #silent(): Exchange {
    return this.#exchange(AbortSignal.timeout(10_000), undefined, noReply);
  }

  async #ask<Key extends string>(
    asks: Readonly<Record<Key, Ask>>,
    signal: AbortSignal,
    reply: Reply,
  ): Promise<Record<Key, JsonObject>> {
    requireCapabilities(asks, this.#capabilities);
    const answers = Object.entries<Ask>(asks).map(async ([key, { method, params }]) => {
      const id = `ask-${(this.#asks += 1)}`;
      const answer = new Promise<JsonObject>((resolve, reject) =>
        this.#asked.set(id, { resolve, reject }),
      );
      const letGo = onAbort(signal, () =>
        this.#asked.get(id)?.reject(new RpcError(rpcCode.internal, 'The request was cancelled.')),
      );
      try {
        reply.send({ jsonrpc: '2.0', id, method, params });
        return [key, await answer] as const;
      } finally {
        letGo();
        this.#asked.delete(id);
      }
    });
    return Object.fromEntries(await Promise.all(answers)) as Record<Key, JsonObject>;
  }

  #answered({ id, result, error }: JsonObject): void {
    const asked = typeof id === 'string' ? this.#asked.get(id) : undefined;
    if (isJsonObject(result)) asked?.resolve(result);
    else {
      const said = isJsonObject(error) ? error['message'] : undefined;
      const message = typeof said === 'string' ? said.slice(0, 2000) : 'The client gave no answer.';
      asked?.reject(new RpcError(rpcCode.internal, message));
    }
  }

  #heard(event: ServiceEvent): void {
    if (event.type === 'updated' && !this.#subscribed.has(event.uri)) return;
    if (event.type === 'log' && (!this.#wantsLog || severity(event.level) < this.#level)) return;
    this.#options.unasked(notificationOf(event));
  }
}
