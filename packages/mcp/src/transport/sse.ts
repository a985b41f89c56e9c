import type { Agent, IncomingMessage } from 'node:http';
import { excerpt, type Json } from '../json.js';
import { McpError } from '../mcp-error.js';
import { readEventStream } from './event-stream.js';
import { broke, tooLarge } from './failure.js';
import { describeStatus, readBody } from './http-answer.js';
import { sendAuthorized } from './http-auth.js';
import { createAgent, sendRequest, type HttpRequest } from './http-request.js';
import { mostBytes, tellWithin } from './message-text.js';
import type { HttpOptions } from './streamable-http.js';
import type { Remains, RequestId, Transport, WireEvents } from './transport.js';

/** A message of ours on its way to the server. */
interface Posting {
  readonly id: RequestId | undefined;
  readonly abort: AbortController;
  /** Runs once its answer has come on the stream, though the server has not said that it took it. */
  answered: NodeJS.Timeout | undefined;
}

/** So long may a server keep a request open that it has answered on the stream. */
const lateTakingMs = 5000;
/** More of what a server says to a message is not read. */
const saidBytes = 4096;

const ignore = (): void => undefined;

/**
 * HTTP+SSE, the transport of protocol 2024-11-05: one stream on which the server speaks, and an address, told as its
 * first event, to which messages are posted. A stream that breaks ends the session, as nothing can resume it. The
 * address must be of the stream's own origin, because it is sent the same headers.
 */
export class SseTransport implements Transport {
  readonly #options: HttpOptions;
  readonly #events: WireEvents;
  readonly #agent: Agent;
  readonly #stream = new AbortController();
  readonly #postings = new Set<Posting>();
  readonly #byId = new Map<RequestId, Posting>();
  readonly #headers: Record<string, string>;
  readonly #endpoint: Promise<URL>;
  #setEndpoint: ((endpoint: URL) => void) | undefined;
  #closing: Promise<Remains> | undefined;

  constructor(options: HttpOptions, events: WireEvents) {
    this.#options = options;
    this.#events = events;
    this.#agent = createAgent(options.url);
    this.#headers = { ...options.headers };
    this.#endpoint = new Promise((resolve) => (this.#setEndpoint = resolve));
    void this.#listen();
  }

  send(text: string, id?: RequestId): Promise<void> | undefined {
    const done = this.#post(text, id);
    if (id === undefined) return done;
    done.catch(ignore);
    return undefined;
  }

  forget(id: RequestId): void {
    this.#byId.get(id)?.abort.abort();
  }

  ready(protocolVersion: string): void {
    this.#headers['mcp-protocol-version'] = protocolVersion;
  }

  close(): Promise<Remains> {
    this.#closing ??= this.#end();
    return this.#closing;
  }

  /** Reads the stream until it ends, and the session with it. */
  async #listen(): Promise<void> {
    const { name, url } = this.#options;
    try {
      const response = await this.#send({
        method: 'GET',
        url,
        headers: { accept: 'text/event-stream', 'cache-control': 'no-store' },
        signal: this.#stream.signal,
      });
      const { statusCode = 0, headers } = response;
      if (statusCode !== 200) throw await this.#refused(response, statusCode, 'none');
      const type = headers['content-type'] ?? '';
      if (!type.toLowerCase().startsWith('text/event-stream')) {
        throw new McpError(
          'ORCH_MCP_RESULT',
          `${name} answered with "${excerpt(type, 80)}" in place of events. See whether its url is that of its event stream.`,
        );
      }
      const end = await readEventStream(response, {
        maxEventBytes: mostBytes(this.#options),
        event: (data, kind) => this.#heard(data, kind),
      });
      throw end === 'too large'
        ? tooLarge(name, mostBytes(this.#options))
        : broke(name, new Error(`its event stream ${end === 'ended' ? 'ended' : 'broke off'}`));
    } catch (cause) {
      this.#over(McpError.isInstance(cause) ? cause : broke(name, cause));
    }
  }

  #heard(data: string, kind: string | undefined): void {
    if (kind === 'endpoint') this.#told(data);
    else if (kind === undefined || kind === 'message')
      tellWithin(data, this.#options, {
        message: (message) => {
          if (message['method'] === undefined) this.#noteAnswer(message['id']);
          this.#events.message(message);
        },
        noise: (noise) => this.#events.noise(noise),
        oversized: (message) => {
          this.#noteAnswer(message.id);
          this.#events.oversized(message);
        },
      });
  }

  /** Where messages are posted to. The first address stands. */
  #told(data: string): void {
    const { name, url } = this.#options;
    if (this.#setEndpoint === undefined) {
      this.#events.noise(`a second endpoint: ${data}`);
      return;
    }
    const endpoint = URL.canParse(data, url.href) ? new URL(data, url) : undefined;
    const isOurs =
      endpoint?.origin === url.origin && endpoint.username === '' && endpoint.password === '';
    if (endpoint === undefined || !isOurs) {
      this.#over(
        new McpError(
          'ORCH_MCP_RESULT',
          `${name} names ${excerpt(data)} as the address for messages, which is not of its own origin ${url.origin}. Nothing was sent there. Correct its url if that is where it is.`,
          { details: { endpoint: excerpt(data), origin: url.origin } },
        ),
      );
      return;
    }
    this.#setEndpoint(endpoint);
    this.#setEndpoint = undefined;
  }

  /** A request whose answer is there is not left open for ever. */
  #noteAnswer(id: Json | undefined): void {
    if (typeof id !== 'number' && typeof id !== 'string') return;
    const posting = this.#byId.get(id);
    if (posting === undefined || posting.answered !== undefined) return;
    posting.answered = setTimeout(() => posting.abort.abort(), lateTakingMs).unref();
  }

  /** Rejects only for messages that get no answer; what becomes of a request is told as an event. */
  async #post(text: string, id: RequestId | undefined): Promise<void> {
    const posting: Posting = { id, abort: new AbortController(), answered: undefined };
    this.#postings.add(posting);
    if (id !== undefined) this.#byId.set(id, posting);
    try {
      const endpoint = await this.#endpoint;
      const { signal } = posting.abort;
      const response = await this.#send({ method: 'POST', url: endpoint, body: text, signal }, id);
      const { statusCode = 0 } = response;
      if (statusCode < 200 || statusCode > 299)
        throw await this.#refused(response, statusCode, 'begun');
      await readBody(response, saidBytes).catch(ignore); // to free the connection
    } catch (cause) {
      if (posting.abort.signal.aborted) return;
      const error = McpError.isInstance(cause) ? cause : broke(this.#options.name, cause);
      if (error.code === 'ORCH_MCP_SESSION') this.#over(error);
      if (id === undefined) throw error;
      if (posting.answered === undefined) this.#events.failed(id, error);
    } finally {
      clearTimeout(posting.answered);
      this.#postings.delete(posting);
      if (id !== undefined) this.#byId.delete(id);
    }
  }

  #send(
    { headers, ...request }: Omit<HttpRequest, 'agent' | 'headers'> & Partial<HttpRequest>,
    id?: RequestId,
  ): Promise<IncomingMessage> {
    const { authorizer } = this.#options;
    const send = (authorization: Readonly<Record<string, string>>): Promise<IncomingMessage> =>
      sendRequest({
        ...request,
        agent: this.#agent,
        headers: { ...this.#headers, ...headers, ...authorization },
      });
    if (authorizer === undefined) return send({});
    const { method, url, signal } = request;
    const waitsForPerson = (isWaiting: boolean): void => this.#events.waitsForPerson(id, isWaiting);
    return sendAuthorized(
      authorizer,
      { method, url, signal, isAwaited: true, waitsForPerson },
      send,
    );
  }

  async #refused(
    response: IncomingMessage,
    status: number,
    session: 'begun' | 'none',
  ): Promise<McpError> {
    const body = await readBody(response, saidBytes);
    const said = body === undefined ? '' : excerpt(body);
    return describeStatus(this.#options.name, status, session, response.headers, said);
  }

  #over(error: McpError): void {
    if (this.#closing === undefined) this.#events.closed(error);
  }

  #end(): Promise<Remains> {
    this.#stream.abort();
    for (const { abort } of this.#postings) abort.abort();
    this.#agent.destroy();
    return Promise.resolve({});
  }
}
