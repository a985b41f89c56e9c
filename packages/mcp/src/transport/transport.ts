import type { JsonObject } from '../json.js';
import type { McpError } from '../mcp-error.js';

export type RequestId = number | string;

/** What a transport tells of the other side. */
export interface TransportEvents {
  message(message: JsonObject): void;
  /** Something came that is no message. */
  noise(text: string): void;
  /** What the server said unasked until now may have been lost on the way. */
  missed(): void;
  /** This request can get no answer any more; the connection stands. */
  failed(id: RequestId, error: McpError): void;
  /** The connection is over. Told once, and not after `close()`. */
  closed(error: McpError): void;
}

/** What is known of a server that has ended. */
export interface Remains {
  readonly exitCode?: number;
  readonly signal?: string;
  /** The end of what it said on stderr. */
  readonly stderr?: string;
}

/** A way to one server, used once: whoever connects again opens another. */
export interface Transport {
  /**
   * Sends one message, as JSON without line breaks. `id`: it is a request, whose answer is awaited. For other
   * messages, the promise settles when the server has taken it.
   */
  send(text: string, id?: RequestId): Promise<void> | undefined;
  /** Nobody waits for the answer to this request any more. */
  forget(id: RequestId): void;
  /** The handshake is done: from here on the server may speak unasked. */
  ready(protocolVersion: string): void;
  /** Ends the connection, and the server if it is ours; resolves when nothing of it is left. */
  close(): Promise<Remains>;
}

export type OpenTransport = (events: TransportEvents) => Promise<Transport>;

/** A server whose messages pass a wire. */
export interface WiredServer {
  readonly name: string;
  /** Values of its own variables and headers, which belong in no file. */
  readonly secrets: readonly string[];
}

/** What stands between a client and its servers: a recorder, or a replay in the servers' place. */
export type Wire = (server: WiredServer, open: OpenTransport) => OpenTransport;
