import type { Socket } from 'node:net';
import type { IncomingMessage } from 'node:http';
import type { RawData, WebSocket } from 'ws';
import { excerpt } from '../json.js';
import { McpError, type McpErrorCode } from '../mcp-error.js';
import { broke, tooLarge } from './failure.js';
import { describeStatus, readBody } from './http-answer.js';
import { sendAuthorized, type HttpAuthorizer } from './http-auth.js';
import { mostBytes, tellMessages } from './message-text.js';
import type { Remains, Transport, WireEvents, WireLimits } from './transport.js';

export interface WebSocketOptions extends WireLimits {
  readonly name: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly heartbeatMs: number;
  readonly authorizer: HttpAuthorizer | undefined;
}

/** As the SDK's own WebSocket transport has it; the protocol itself does not name one. */
const subprotocol = 'mcp';
/** How long a server may take to answer that it is over. */
const farewellMs = 500;

/** Connects to a server, a message a frame. */
export async function openWebSocket(
  options: WebSocketOptions,
  events: WireEvents,
): Promise<Transport> {
  const { WebSocket } = await import('ws');
  const { url, headers } = options;
  const dial: Dial = (authorization) =>
    new WebSocket(url, [subprotocol], {
      headers: { ...headers, ...authorization },
      maxPayload: mostBytes(options),
      followRedirects: false,
      // What is small on the way may be large when it is unpacked.
      perMessageDeflate: false,
    });
  return new WebSocketTransport(dial, options, events);
}

/** Asks for an upgrade, with these headers besides its own. */
type Dial = (authorization: Readonly<Record<string, string>>) => WebSocket;

/** What a server means by the code with which it closes; what is not here is an end as any other. */
const meanings: Readonly<Record<number, { readonly code: McpErrorCode; readonly todo: string }>> = {
  1002: { code: 'ORCH_MCP_RESULT', todo: 'It took a frame for one that is not of the protocol.' },
  1003: { code: 'ORCH_MCP_RESULT', todo: 'It does not take text. See whether its url is right.' },
  1007: { code: 'ORCH_MCP_RESULT', todo: 'It took a message for one that is not well-formed.' },
  1009: { code: 'ORCH_MCP_TOO_LARGE', todo: 'What it was sent is too large for it. Send less.' },
  // Of the registered 3000 to 3999, and what servers use in their place for the status of HTTP.
  3000: { code: 'ORCH_MCP_AUTH', todo: 'Correct its headers.authorization.' },
  3003: { code: 'ORCH_MCP_AUTH', todo: 'Correct what the token may do.' },
  4401: { code: 'ORCH_MCP_AUTH', todo: 'Correct its headers.authorization.' },
  4403: { code: 'ORCH_MCP_AUTH', todo: 'Correct what the token may do.' },
};

class WebSocketTransport implements Transport {
  readonly #dial: Dial;
  /** Of the last attempt. */
  #socket: WebSocket | undefined;
  readonly #opening = new AbortController();
  readonly #options: WebSocketOptions;
  readonly #events: WireEvents;
  /** What was sent before the connection stood. */
  #waiting: string[] | undefined = [];
  /** Under the frames. */
  #stream: Socket | undefined;
  #corked = false;
  #heartbeat: NodeJS.Timeout | undefined;
  #isOver = false;
  #closing: Promise<Remains> | undefined;

  constructor(dial: Dial, options: WebSocketOptions, events: WireEvents) {
    this.#dial = dial;
    this.#options = options;
    this.#events = events;
    void this.#open();
  }

  send(text: string): undefined {
    if (this.#waiting !== undefined) {
      this.#waiting.push(text);
      return;
    }
    // One write for all that is sent in one turn: a write costs more than a message.
    if (!this.#corked && this.#stream !== undefined) {
      this.#corked = true;
      this.#stream.cork();
      queueMicrotask(() => queueMicrotask(() => this.#uncork()));
    }
    this.#socket?.send(text, ignore); // that it can send no more is told by its end
  }

  forget(): void {
    // An answer that comes all the same is dropped by its id.
  }

  ready(): void {
    // It may speak unasked from its start.
  }

  close(): Promise<Remains> {
    this.#closing ??= this.#end();
    return this.#closing;
  }

  /** Asks for the upgrade until it is not challenged any more. */
  async #open(): Promise<void> {
    const { authorizer, url } = this.#options;
    const attempt = (authorization: Readonly<Record<string, string>>): Promise<IncomingMessage> =>
      this.#attempt(authorization);
    try {
      const response =
        authorizer === undefined
          ? await attempt({})
          : await sendAuthorized(authorizer, this.#request(url), attempt);
      if (response.statusCode !== 101) await this.#refused(response);
    } catch (error) {
      this.#failed(error as Error);
    }
  }

  #request(url: URL): Parameters<typeof sendAuthorized>[1] {
    const asked = new URL(url);
    asked.protocol = asked.protocol.replace(/^ws/, 'http');
    return {
      method: 'GET',
      url: asked,
      signal: this.#opening.signal,
      isAwaited: true,
      waitsForPerson: (isWaiting) => this.#events.waitsForPerson(undefined, isWaiting),
    };
  }

  /** Resolves with the head of the answer: 101 if the connection stands. */
  #attempt(authorization: Readonly<Record<string, string>>): Promise<IncomingMessage> {
    if (this.#closing !== undefined) return Promise.reject(new Error('it was given up'));
    this.#socket?.terminate();
    const socket = this.#dial(authorization);
    this.#socket = socket;
    return new Promise((resolve, reject) => {
      let fail = reject;
      socket.on('upgrade', (response) => {
        this.#stream = response.socket;
        fail = (error: Error) => this.#failed(error);
        resolve(response);
      });
      socket.on('open', () => this.#opened());
      socket.on('message', (data, isBinary) => this.#heard(data, isBinary));
      socket.on('unexpected-response', (_request, response) => resolve(response));
      socket.on('error', (error) => fail(error));
      socket.on('close', (code, reason) => {
        // Another may have taken its place.
        if (this.#socket === socket && this.#stream !== undefined)
          this.#ended(code, reason.toString());
      });
    });
  }

  #uncork(): void {
    this.#corked = false;
    this.#stream?.uncork();
  }

  #opened(): void {
    const waiting = this.#waiting ?? [];
    this.#waiting = undefined;
    for (const text of waiting) this.send(text);
    let read = -1;
    // A connection of which the other end is gone is silent for ever, if nobody asks.
    this.#heartbeat = setInterval(() => {
      const now = this.#stream?.bytesRead ?? 0;
      if (now === read) {
        const ms = this.#options.heartbeatMs;
        this.#failed(new Error(`it did not answer a ping for ${ms} ms`));
      } else this.#socket?.ping();
      read = now;
    }, this.#options.heartbeatMs).unref();
  }

  #heard(data: RawData, isBinary: boolean): void {
    const { maxMessageBytes, spill } = this.#options;
    if (isBinary || !Buffer.isBuffer(data)) this.#events.noise('a binary frame');
    else if (spill !== undefined && data.length > maxMessageBytes)
      this.#events.oversized(spill.put(data));
    else tellMessages(data.toString(), this.#events);
  }

  async #refused(response: IncomingMessage): Promise<void> {
    const { name } = this.#options;
    const body = await readBody(response, 4096).catch(() => undefined);
    const said = body === undefined ? '' : excerpt(body);
    this.#over(describeStatus(name, response.statusCode ?? 0, 'none', response.headers, said));
  }

  #failed(error: Error & { readonly code?: string }): void {
    const { name } = this.#options;
    const { code = '' } = error;
    if (McpError.isInstance(error)) this.#over(error);
    else if (code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH')
      this.#over(tooLarge(name, mostBytes(this.#options)));
    else if (code.startsWith('WS_ERR_'))
      this.#over(
        new McpError(
          'ORCH_MCP_RESULT',
          `${name} sent what is not of the WebSocket protocol (${excerpt(error.message)}). This is a defect of the server, or of what is between.`,
          { cause: error },
        ),
      );
    else this.#over(broke(name, error));
  }

  #ended(closeCode: number, reason: string): void {
    const { name } = this.#options;
    const said = reason === '' ? '' : `: ${excerpt(reason)}`;
    const { code, todo } = meanings[closeCode] ?? {
      code: 'ORCH_MCP_CLOSED',
      todo: 'It is connected again for the next call.',
    };
    const how = closeCode === 1006 ? 'without a word' : `with code ${closeCode}${said}`;
    const message = `${name} closed the connection ${how}. ${todo}`;
    this.#over(new McpError(code, message, { details: { closeCode, reason: excerpt(reason) } }));
  }

  /** Once only: what comes after the first failure is its consequence. */
  #over(error: McpError): void {
    if (this.#isOver || this.#closing !== undefined) return;
    this.#isOver = true;
    this.#events.closed(error);
  }

  async #end(): Promise<Remains> {
    clearInterval(this.#heartbeat);
    this.#opening.abort();
    const socket = this.#socket;
    if (socket === undefined || socket.readyState === socket.CLOSED) return {};
    const closed = new Promise((resolve) => socket.once('close', resolve));
    if (this.#isOver || socket.readyState === socket.CONNECTING) socket.terminate();
    else {
      if (this.#corked) this.#uncork();
      socket.close(1000);
    }
    const timer = setTimeout(() => socket.terminate(), farewellMs);
    await closed;
    clearTimeout(timer);
    return {};
  }
}

function ignore(): void {
  // Told elsewhere.
}
