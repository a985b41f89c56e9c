import type { Transport as SdkTransport } from '@modelcontextprotocol/client';
import type {
  CreateEngine,
  Engine,
  Handshake,
  HandshakeOptions,
  Listening,
  ListenTo,
  Stateless,
} from '../engine/engine.js';
import type { JsonObject } from '../json.js';
import { McpError } from '../mcp-error.js';
import { envelopeOf } from '../protocol/envelope.js';
import { isKnownLegacy, type Verdict, type Verdicts } from './verdicts.js';

type Sdk = typeof import('@modelcontextprotocol/client');
type SdkMessage = Parameters<SdkTransport['send']>[0];
type SendOptions = Parameters<SdkTransport['send']>[1];

/**
 * `legacy`: `initialize`, as all servers of before 2026-07-28 know it. `auto`: the newest that both speak, found by
 * one question before. A version: that, or an error.
 */
export type ProtocolChoice = 'legacy' | 'auto' | '2026-07-28';

export interface ClientEngineOptions {
  /** Default `auto`. */
  readonly protocol?: ProtocolChoice;
  /** Servers known to be of the past are not asked again for a day. Default: a `Map` of this engine. */
  readonly verdicts?: Verdicts;
  /** On a pipe, who does not answer the first question in this time is taken for a server of the past. Default 5,000. */
  readonly probeMs?: number;
}

/**
 * Makes the `engine` of a hub or a connection. Throws `ORCH_MCP_SPEC` for a protocol that it does not know; whoever
 * connects gets `ORCH_MCP_START` if `@modelcontextprotocol/client` is not installed.
 */
export function createClientEngine(options: ClientEngineOptions = {}): CreateEngine {
  const { protocol = 'auto', verdicts = new Map<string, Verdict>(), probeMs = 5000 } = options;
  const choice: string = protocol;
  if (choice !== 'legacy' && choice !== 'auto' && choice !== '2026-07-28')
    throw new McpError(
      'ORCH_MCP_SPEC',
      `protocol must be "legacy", "auto" or "2026-07-28", not ${JSON.stringify(protocol)}.`,
    );
  return async () => new ClientEngine(await load(), protocol, verdicts, probeMs);
}

async function load(): Promise<Sdk> {
  try {
    return await import('@modelcontextprotocol/client');
  } catch (cause) {
    throw new McpError(
      'ORCH_MCP_START',
      'The engine for 2026-07-28 needs @modelcontextprotocol/client 2.4 or later; install it beside @orch/mcp.',
      { cause },
    );
  }
}

/** What the SDK waits for. */
interface Waiting {
  readonly isProbe: boolean;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

class ClientEngine implements Engine {
  readonly #sdk: Sdk;
  readonly #protocol: ProtocolChoice;
  readonly #verdicts: Verdicts;
  readonly #probeMs: number;
  readonly #waiting = new Map<number | string, Waiting>();
  #link: SdkTransport | undefined;
  #client: InstanceType<Sdk['Client']> | undefined;
  stateless: Stateless | undefined;
  #server = '';
  /** It was asked for its protocol, and has not answered yet. */
  #isProbing = false;
  #isOverHttp = false;

  constructor(sdk: Sdk, protocol: ProtocolChoice, verdicts: Verdicts, probeMs: number) {
    this.#sdk = sdk;
    this.#protocol = protocol;
    this.#verdicts = verdicts;
    this.#probeMs = probeMs;
  }

  async handshake(options: HandshakeOptions): Promise<Handshake> {
    const { answers, clientInfo, server, timeoutMs } = options;
    this.#server = server;
    const isKnown = this.#protocol === 'auto' && isKnownLegacy(this.#verdicts.get(server));
    const mode = this.#protocol === '2026-07-28' ? { pin: this.#protocol } : this.#protocol;
    const client = new this.#sdk.Client(clientInfo, {
      capabilities: answers.capabilities,
      versionNegotiation: {
        mode: isKnown ? 'legacy' : mode,
        // Over HTTP, whoever is silent is not there.
        ...(!options.hasStreams && { probe: { timeoutMs: Math.min(this.#probeMs, timeoutMs) } }),
      },
    });
    this.#client = client;
    for (const method of ['roots/list', 'sampling/createMessage', 'elicitation/create'] as const)
      if (answers.methods.includes(method))
        client.setRequestHandler(
          method,
          async ({ params }, { mcpReq }) =>
            (await answers.answer(method, (params ?? {}) as JsonObject, mcpReq.signal)) as never,
        );
    const link = this.#createLink(options);
    this.#link = link;
    this.#isProbing = this.#protocol === 'auto' && !isKnown;
    try {
      await client.connect(link, { timeout: timeoutMs });
    } catch (error) {
      // What was known of it may be wrong, or no longer so.
      if (isKnown) this.#verdicts.set(server, { era: 'legacy', at: 0 });
      throw error;
    }
    this.#isProbing = false;
    const protocolVersion = client.getNegotiatedProtocolVersion() ?? '';
    const era = client.getProtocolEra() ?? 'legacy';
    if (this.#protocol === 'auto' && !isKnown) this.#verdicts.set(server, { era, at: Date.now() });
    if (era === 'modern')
      this.stateless = {
        envelope: envelopeOf(protocolVersion, clientInfo, answers.capabilities),
        listen: (to) => listen(client, to),
      };
    const { name = '', version = '', title } = client.getServerVersion() ?? {};
    const instructions = client.getInstructions();
    return {
      protocolVersion,
      serverInfo: { name, version, ...(title !== undefined && { title }) },
      capabilities: (client.getServerCapabilities() ?? {}) as JsonObject,
      ...(instructions !== undefined && { instructions }),
    };
  }

  receive(message: JsonObject): void {
    const { id, method } = message;
    if (method === undefined && (typeof id === 'number' || typeof id === 'string')) {
      this.#waiting.get(id)?.resolve();
      this.#waiting.delete(id);
    }
    this.#link?.onmessage?.(message as unknown as SdkMessage);
  }

  failed(id: number | string, error: Error): boolean {
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) return false;
    this.#waiting.delete(id);
    // A server of the past may refuse the first question in any way of HTTP. That it is not there is no such way.
    const isRefusal =
      McpError.isInstance(error) &&
      (error.code === 'ORCH_MCP_RESULT' ||
        (error.code === 'ORCH_MCP_HTTP' && Number(error.details['status']) < 500));
    if (waiting.isProbe && isRefusal)
      this.receive({ jsonrpc: '2.0', id, error: { code: -32_601, message: error.message } });
    else if (waiting.isProbe || this.stateless === undefined) return false;
    else waiting.reject(error);
    return true;
  }

  /** There are servers that end when anything comes before `initialize`. */
  mayTryAgain(error: Error): boolean {
    if (!this.#isProbing || this.#isOverHttp || !McpError.isInstance(error)) return false;
    if (error.code !== 'ORCH_MCP_CLOSED') return false;
    this.#verdicts.set(this.#server, { era: 'legacy', at: Date.now() });
    return true;
  }

  async close(): Promise<void> {
    await this.#client?.close();
    // A client whose question was not answered yet does not know of its own end, and would wait on.
    const over = new McpError('ORCH_MCP_CLOSED', `${this.#server} was closed.`);
    for (const { reject } of this.#waiting.values()) reject(over);
    this.#waiting.clear();
    this.#link?.onclose?.();
  }

  #createLink({ send, forget, hasStreams }: HandshakeOptions): SdkTransport {
    this.#isOverHttp = hasStreams;
    const link: SdkTransport = {
      hasPerRequestStream: hasStreams,
      start: () => Promise.resolve(),
      send: (message, how) => this.#send(message as unknown as JsonObject, how, send, forget),
      close() {
        link.onclose?.();
        return Promise.resolve();
      },
      setProtocolVersion: () => undefined,
    };
    // By these the SDK knows a pipe, on which silence is an answer.
    return hasStreams ? link : Object.assign(link, { stderr: null, pid: undefined });
  }

  async #send(
    message: JsonObject,
    how: SendOptions,
    send: HandshakeOptions['send'],
    forget: HandshakeOptions['forget'],
  ): Promise<void> {
    const { id, method } = message;
    if (method === 'initialize') this.#isProbing = false;
    if (method === undefined || (typeof id !== 'number' && typeof id !== 'string'))
      return send(message);
    how?.requestSignal?.addEventListener('abort', () => forget(id), { once: true });
    const ended = how?.onRequestStreamEnd;
    if (ended !== undefined) {
      this.#waiting.set(id, { isProbe: false, resolve: () => undefined, reject: ended });
      return send(message);
    }
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { isProbe: method === 'server/discover', resolve, reject });
      send(message).catch(reject);
    });
  }
}

async function listen(client: InstanceType<Sdk['Client']>, to: ListenTo): Promise<Listening> {
  const subscription = await client.listen({
    ...(to.tools && { toolsListChanged: true }),
    ...(to.prompts && { promptsListChanged: true }),
    ...(to.resources && { resourcesListChanged: true }),
    ...(to.uris && { resourceSubscriptions: [...to.uris] }),
  });
  return {
    uris: subscription.honoredFilter.resourceSubscriptions ?? [],
    ended: subscription.closed.then(() => undefined),
    close: () => void subscription.close().catch(() => undefined),
  };
}
