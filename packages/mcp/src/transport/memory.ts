import { isJsonObject } from '../json.js';
import { McpError } from '../mcp-error.js';
import { tellMessages } from './message-text.js';
import type { OpenTransport, Remains, Transport, TransportEvents } from './transport.js';

type Message = Readonly<Record<string, unknown>>;

/**
 * The server's end of a connection in memory. It has the form of the SDK's own transports, so a server of the SDK is
 * connected to it as it is.
 */
export interface MemoryEnd {
  start(): Promise<void>;
  /** Tells the client. Rejects with `ORCH_MCP_CLOSED` once either end is closed, and with `_SPEC` for what is no JSON. */
  send(message: object): Promise<void>;
  /** Ends the connection: the client's calls are refused, and its next one connects anew. */
  close(): Promise<void>;
  /** The client said something. Until it is set, what came is kept. */
  onmessage?: ((message: Message) => void) | undefined;
  /** Either end was closed. */
  onclose?: (() => void) | undefined;
  onerror?: ((error: Error) => void) | undefined;
}

/**
 * A way to a server within this process. For each connection, `serve` is given a new end of its own. Messages pass as
 * JSON, so neither side holds an object of the other; the server's come a turn of the event loop later, so a server
 * that is always at work starves no timer.
 *
 * ```ts
 * const hub = createMcpHub({ servers: { own: { type: 'custom', open: inMemory((end) => server().connect(end)) } } });
 * ```
 */
export const inMemory =
  (serve: (end: MemoryEnd) => void | Promise<void>): OpenTransport =>
  (events) => {
    const link = new Link(events);
    link.serve(serve);
    return Promise.resolve(link);
  };

const neverMs = 2 ** 31 - 1;

class Link implements Transport {
  readonly #events: TransportEvents;
  readonly #end: MemoryEnd;
  #hear: MemoryEnd['onmessage'];
  /** What the server said, until the next turn. */
  #said: string[] = [];
  #heard: string[] = [];
  #isClosed = false;
  /** Keeps this process alive, as any other connection does. */
  readonly #alive = setInterval(() => undefined, neverMs);

  constructor(events: TransportEvents) {
    this.#events = events;
    const handler = (): MemoryEnd['onmessage'] => this.#hear;
    const setHandler = (hear: MemoryEnd['onmessage']): void => {
      this.#hear = hear;
      this.#handOver();
    };
    this.#end = {
      get onmessage() {
        return handler();
      },
      set onmessage(hear) {
        setHandler(hear);
      },
      start: () => Promise.resolve(),
      send: (message) => this.#tell(message),
      close: () => {
        this.#broke('its server closed it');
        return Promise.resolve();
      },
    };
  }

  serve(serve: (end: MemoryEnd) => void | Promise<void>): void {
    const failed = (cause: unknown): void => {
      this.#broke(cause instanceof Error ? cause.message : 'it could not be served', cause);
    };
    try {
      Promise.resolve(serve(this.#end)).catch(failed);
    } catch (cause) {
      failed(cause);
    }
  }

  send(text: string): undefined {
    if (this.#isClosed) return;
    this.#heard.push(text);
    if (this.#heard.length === 1) queueMicrotask(() => this.#handOver());
  }

  forget(): void {
    // An answer that comes all the same is dropped by its id.
  }

  ready(): void {
    // It may speak unasked from its start.
  }

  close(): Promise<Remains> {
    this.#over();
    return Promise.resolve({});
  }

  #handOver(): void {
    const hear = this.#hear;
    if (this.#isClosed || hear === undefined) return;
    const heard = this.#heard;
    this.#heard = [];
    for (const text of heard) {
      try {
        hear(JSON.parse(text) as Message);
      } catch (error) {
        this.#end.onerror?.(error instanceof Error ? error : new Error(String(error)));
      }
    }
  }

  #tell(message: object): Promise<void> {
    if (this.#isClosed) return Promise.reject(this.#closed('it is closed'));
    if (!isJsonObject(message))
      return Promise.reject(new McpError('ORCH_MCP_SPEC', 'A message must be a JSON object.'));
    let text: string;
    try {
      text = JSON.stringify(message);
    } catch (cause) {
      return Promise.reject(
        new McpError('ORCH_MCP_SPEC', 'A message was not sent, because it is no JSON.', { cause }),
      );
    }
    this.#said.push(text);
    if (this.#said.length === 1) setImmediate(() => this.#deliver());
    return Promise.resolve();
  }

  #deliver(): void {
    const said = this.#said;
    this.#said = [];
    for (const text of said) if (!this.#isClosed) tellMessages(text, this.#events);
  }

  #broke(why: string, cause?: unknown): void {
    if (this.#isClosed) return;
    this.#deliver(); // what it said before stands
    if (!this.#over()) return;
    this.#events.closed(this.#closed(why, cause));
  }

  #over(): boolean {
    if (this.#isClosed) return false;
    this.#isClosed = true;
    clearInterval(this.#alive);
    this.#end.onclose?.();
    return true;
  }

  #closed(why: string, cause?: unknown): McpError {
    return new McpError('ORCH_MCP_CLOSED', `The connection in memory is over: ${why}.`, {
      ...(cause !== undefined && { cause }),
    });
  }
}
