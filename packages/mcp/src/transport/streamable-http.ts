import type { Agent, IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { excerpt, isJsonObject } from '../json.js';
import { McpError } from '../mcp-error.js';
import type { Oversized } from '../spill/spill.js';
import { firstPlace, readEventStream, type Place, type StreamEnd } from './event-stream.js';
import { broke, tooLarge } from './failure.js';
import { describeStatus, readBody } from './http-answer.js';
import { sendAuthorized, type HttpAuthorizer } from './http-auth.js';
import { createAgent, sendRequest } from './http-request.js';
import { keepListening } from './listening-stream.js';
import { mostBytes, tellWithin } from './message-text.js';
import type { Remains, RequestId, Transport, WireEvents, WireLimits } from './transport.js';

export interface HttpOptions extends WireLimits {
  readonly name: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly authorizer: HttpAuthorizer | undefined;
}

/** A request of ours, and whatever is done to get its answer. */
interface Exchange {
  readonly id: RequestId | undefined;
  readonly abort: AbortController;
  answered: boolean;
  /** The whole request is on its way. */
  sent?: () => void;
}

/** So often in a row a stream is asked for again that brings nothing. */
const resumesMost = 5;
/** How long a server may take to be told that its session is over. */
const farewellMs = 500;

/** Of what a server says with a status that is no success, so much is read. */
const refusalBytesMost = 64 * 1024;

const ignore = (): void => undefined;

/** An error of JSON-RPC for just this request. */
function isAnswerTo(id: RequestId, text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) && value['id'] === id && isJsonObject(value['error']);
  } catch {
    return false;
  }
}

/**
 * Streamable HTTP over `node:http`, a connection for each request that is in flight, all kept alive. Redirects are
 * not followed, as headers may carry secrets.
 */
export class StreamableHttpTransport implements Transport {
  readonly #options: HttpOptions;
  readonly #events: WireEvents;
  readonly #agent: Agent;
  readonly #exchanges = new Set<Exchange>();
  readonly #byId = new Map<RequestId, Exchange>();
  readonly #headers: Record<string, string>;
  #session: string | undefined;
  #isStateless = false;
  #listening: Promise<void> | undefined;
  #closing: Promise<Remains> | undefined;

  constructor(options: HttpOptions, events: WireEvents) {
    this.#options = options;
    this.#events = events;
    this.#agent = createAgent(options.url);
    this.#headers = { ...options.headers };
  }

  readonly hasStreams = true;

  get listening(): Promise<void> | undefined {
    return this.#listening;
  }

  send(
    text: string,
    id?: RequestId,
    headers?: Readonly<Record<string, string>>,
  ): Promise<void> | undefined {
    const exchange = this.#begin(id);
    const done = this.#post(text, exchange, headers);
    if (id === undefined) return done;
    done.catch(ignore);
    return undefined;
  }

  forget(id: RequestId): void {
    this.#byId.get(id)?.abort.abort();
  }

  ready(protocolVersion: string, isStateless: boolean): void {
    this.#headers['mcp-protocol-version'] = protocolVersion;
    if (isStateless) {
      this.#isStateless = true;
      this.#session = undefined;
      delete this.#headers['mcp-session-id'];
      return;
    }
    this.#listening = this.#listen();
  }

  close(): Promise<Remains> {
    this.#closing ??= this.#end();
    return this.#closing;
  }

  #begin(id: RequestId | undefined): Exchange {
    const exchange: Exchange = { id, abort: new AbortController(), answered: false };
    this.#exchanges.add(exchange);
    if (id !== undefined) this.#byId.set(id, exchange);
    return exchange;
  }

  #finish(exchange: Exchange): void {
    this.#exchanges.delete(exchange);
    if (exchange.id !== undefined) this.#byId.delete(exchange.id);
  }

  /** Rejects only for messages that get no answer; what becomes of a request is told as an event. */
  async #post(
    text: string,
    exchange: Exchange,
    more?: Readonly<Record<string, string>>,
  ): Promise<void> {
    try {
      const response = await this.#fetch('POST', exchange, text, undefined, more);
      const { statusCode = 0, headers } = response;
      const session = headers['mcp-session-id'];
      if (this.#session === undefined && typeof session === 'string' && !this.#isStateless) {
        this.#session = session;
        this.#headers['mcp-session-id'] = session;
      }
      if (statusCode < 200 || statusCode > 299) {
        const error = await this.#refused(response, statusCode, exchange);
        if (error === undefined) return;
        throw error;
      }
      if (exchange.id === undefined) response.resume();
      else await this.#readAnswer(response, exchange);
    } catch (cause) {
      if (exchange.abort.signal.aborted) return;
      const error = McpError.isInstance(cause) ? cause : broke(this.#options.name, cause);
      if (error.code === 'ORCH_MCP_SESSION') this.#over(error);
      if (exchange.id === undefined) throw error;
      this.#events.failed(exchange.id, error);
    } finally {
      this.#finish(exchange);
    }
  }

  #fetch(
    method: 'POST' | 'GET' | 'DELETE',
    exchange: Exchange,
    body?: string,
    lastEventId?: string,
    more: Readonly<Record<string, string>> = {},
  ): Promise<IncomingMessage> {
    const { url, authorizer } = this.#options;
    const { id, abort } = exchange;
    if (authorizer === undefined) return this.#send(method, exchange, more, body, lastEventId);
    const request = {
      method,
      url,
      signal: abort.signal,
      isAwaited: method === 'POST',
      waitsForPerson: (isWaiting: boolean): void => this.#events.waitsForPerson(id, isWaiting),
    };
    return sendAuthorized(authorizer, request, (authorization) =>
      this.#send(method, exchange, { ...more, ...authorization }, body, lastEventId),
    );
  }

  #send(
    method: 'POST' | 'GET' | 'DELETE',
    { abort, sent: told }: Exchange,
    more: Readonly<Record<string, string>>,
    body?: string,
    lastEventId?: string,
  ): Promise<IncomingMessage> {
    const headers = { ...this.#headers, ...more };
    headers['accept'] =
      method === 'POST' ? 'application/json, text/event-stream' : 'text/event-stream';
    if (lastEventId !== undefined) headers['last-event-id'] = lastEventId;
    return sendRequest({
      method,
      url: this.#options.url,
      agent: this.#agent,
      headers,
      ...(body !== undefined && { body }),
      signal: abort.signal,
      ...(told !== undefined && { told }),
    });
  }

  /** Undefined if it is an answer to the request all the same. */
  async #refused(
    response: IncomingMessage,
    status: number,
    exchange?: Exchange,
  ): Promise<McpError | undefined> {
    const body = await readBody(response, refusalBytesMost);
    // Who is asked to log in, or for another session, is not to read on.
    const mayAnswer = status >= 400 && status < 500 && status !== 401 && status !== 403;
    const isError = mayAnswer && (status !== 404 || this.#session === undefined);
    if (isError && body !== undefined && exchange?.id !== undefined)
      if (isAnswerTo(exchange.id, body)) {
        this.#deliver(body, exchange);
        return undefined;
      }
    const said = body === undefined ? '' : excerpt(body);
    const session = this.#session === undefined ? 'none' : 'begun';
    return describeStatus(this.#options.name, status, session, response.headers, said);
  }

  async #readAnswer(response: IncomingMessage, exchange: Exchange): Promise<void> {
    const { name, maxMessageBytes } = this.#options;
    const type = (response.headers['content-type'] ?? '').toLowerCase();
    if (type.startsWith('text/event-stream')) return this.#readStream(response, exchange);
    if (!type.startsWith('application/json')) {
      response.destroy();
      throw new McpError(
        'ORCH_MCP_RESULT',
        `${name} answered with "${excerpt(type, 80)}" in place of JSON or events. See whether its url is that of its MCP endpoint.`,
      );
    }
    const file = this.#options.spill?.open();
    try {
      const body = await readBody(response, maxMessageBytes, file);
      if (body !== undefined) this.#deliver(body, exchange);
      else this.#takeOversized(file?.end(), exchange);
    } finally {
      file?.abandon();
    }
    if (!exchange.answered) {
      throw new McpError(
        'ORCH_MCP_RESULT',
        `${name} did not answer the request that it was sent. This is a defect of the server.`,
      );
    }
  }

  #deliver(text: string, exchange: Exchange | undefined): void {
    tellWithin(text, this.#options, {
      message: (one) => {
        if (exchange !== undefined && one['method'] === undefined && one['id'] === exchange.id)
          exchange.answered = true;
        this.#events.message(one);
      },
      noise: (noise) => this.#events.noise(noise),
      oversized: (one) => {
        if (exchange !== undefined && one.id === exchange.id) exchange.answered = true;
        this.#events.oversized(one);
      },
    });
  }

  /** The answer to a request was too large for memory. */
  #takeOversized(message: Oversized | undefined, exchange: Exchange): void {
    if (message === undefined) throw this.#tooLarge();
    if ('error' in message) throw message.error;
    exchange.answered = message.id === exchange.id;
    this.#events.oversized(message);
  }

  async #read(
    response: IncomingMessage,
    exchange: Exchange | undefined,
    place: Place,
  ): Promise<StreamEnd> {
    return readEventStream(response, {
      maxEventBytes: mostBytes(this.#options),
      event: (data) => this.#deliver(data, exchange),
      place,
    });
  }

  /** Reads the stream with the answer, and asks for its rest when it breaks off. */
  async #readStream(first: IncomingMessage, exchange: Exchange): Promise<void> {
    const place = firstPlace();
    let response: IncomingMessage | undefined = first;
    for (let inVain = 0; inVain <= resumesMost; inVain += 1) {
      const before: string | undefined = place.lastEventId;
      if (response !== undefined) {
        const end = await this.#read(response, exchange, place);
        if (end === 'too large') throw this.#tooLarge();
      }
      if (exchange.answered || exchange.abort.signal.aborted) return;
      if (place.lastEventId === undefined || this.#isStateless) break;
      if (place.lastEventId !== before) inVain = 0;
      await sleep(place.retryMs, undefined, { signal: exchange.abort.signal });
      response = await this.#resume(exchange, place.lastEventId);
    }
    throw new McpError(
      'ORCH_MCP_CLOSED',
      `The stream of ${this.#options.name} ended before its answer, and ${place.lastEventId === undefined ? 'has no ids to resume it by' : 'could not be resumed'}. Whether the server did what it was asked is not known.`,
    );
  }

  /** Undefined when the server is not there now; throws what it answers else. */
  async #resume(exchange: Exchange, lastEventId: string): Promise<IncomingMessage | undefined> {
    let response: IncomingMessage;
    try {
      response = await this.#fetch('GET', exchange, undefined, lastEventId);
    } catch {
      return undefined;
    }
    const { statusCode = 0 } = response;
    const error = statusCode === 200 ? undefined : await this.#refused(response, statusCode);
    if (error !== undefined) throw error;
    return response;
  }

  #listen(): Promise<void> {
    const exchange = this.#begin(undefined);
    return keepListening({
      signal: exchange.abort.signal,
      ask: (lastEventId, asked) => {
        exchange.sent = asked;
        return this.#fetch('GET', exchange, undefined, lastEventId);
      },
      read: (response, place) => this.#read(response, undefined, place),
      missed: () => this.#events.missed(),
      forgotten: () => {
        if (this.#session === undefined) return false;
        this.#over(describeStatus(this.#options.name, 404, 'begun', {}, ''));
        return true;
      },
      ended: () => this.#finish(exchange),
    });
  }

  #tooLarge(): McpError {
    return tooLarge(this.#options.name, mostBytes(this.#options));
  }

  #over(error: McpError): void {
    if (this.#closing !== undefined) return;
    this.#session = undefined; // there is none to end
    this.#events.closed(error);
  }

  async #end(): Promise<Remains> {
    for (const exchange of [...this.#exchanges]) exchange.abort.abort();
    if (this.#session !== undefined) await this.#farewell();
    this.#agent.destroy();
    return {};
  }

  async #farewell(): Promise<void> {
    const exchange = this.#begin(undefined);
    const timer = setTimeout(() => exchange.abort.abort(), farewellMs);
    try {
      (await this.#fetch('DELETE', exchange)).destroy();
    } catch {
      // It is not there, or does not answer: its session ends by itself.
    } finally {
      clearTimeout(timer);
      this.#finish(exchange);
    }
  }
}
