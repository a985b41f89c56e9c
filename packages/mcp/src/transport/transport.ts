import type { JsonObject } from '../json.js';
import type { McpError } from '../mcp-error.js';
import type { Oversized, SpillPlace } from '../spill/spill.js';

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
  /** A person is asked before this request can be made, and their time is not the server's. */
  waitsForPerson(id: RequestId | undefined, isWaiting: boolean): void;
  /** The connection is over. Told once, and not after `close()`. */
  closed(error: McpError): void;
}

/** What the transports of this package tell besides. */
export interface WireEvents extends TransportEvents {
  /** A message came that is too large for memory. */
  oversized(message: Oversized): void;
}

/** How much a transport takes. */
export interface WireLimits {
  /** A larger message is not taken into memory. */
  readonly maxMessageBytes: number;
  /** Where it is put in place of that; without it, it is refused. */
  readonly spill: SpillPlace | undefined;
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
   * messages, the promise settles when the server has taken it. `headers` are for transports that have any.
   */
  send(
    text: string,
    id?: RequestId,
    headers?: Readonly<Record<string, string>>,
  ): Promise<void> | undefined;
  /** Nobody waits for the answer to this request any more. */
  forget(id: RequestId): void;
  /** The handshake is done: from here on the server may speak unasked, if what was agreed on has sessions. */
  ready(protocolVersion: string, isStateless: boolean): void;
  /** After `ready`, where it has to ask for what the server says unasked: settles when it was answered, or has waited for that. */
  readonly listening?: Promise<void> | undefined;
  /** Each request has a stream of its own, whose end tells the server that nobody waits; and headers. */
  readonly hasStreams?: boolean;
  /** Ends the connection, and the server if it is ours; resolves when nothing of it is left. */
  close(): Promise<Remains>;
}

export type OpenTransport = (events: TransportEvents) => Promise<Transport>;

/** A server whose messages pass a wire. */
export interface WiredServer {
  readonly name: string;
  /** Values of its own variables and headers, which belong in no file. */
  readonly secrets: readonly string[];
  /** Tells values that become known later: tokens, and headers that a program prints. */
  onSecret?(listener: (value: string) => void): void;
}

/** Opens a transport of this package. An aborted signal: nobody wants it any more, ready or not. */
export type OpenWire = (events: WireEvents, signal?: AbortSignal) => Promise<Transport>;

/** What stands between a client and its servers: a recorder, or a replay in the servers' place. */
export type Wire = (server: WiredServer, open: OpenWire) => OpenWire;

/** The same transport, but for what is given. */
export const changedTransport = (
  transport: Transport,
  change: Partial<Pick<Transport, 'send' | 'close'>>,
): Transport => ({
  send: (text, id, headers) => transport.send(text, id, headers),
  forget: (id) => transport.forget(id),
  ready: (protocolVersion, isStateless) => transport.ready(protocolVersion, isStateless),
  get hasStreams() {
    return transport.hasStreams ?? false;
  },
  close: () => transport.close(),
  ...change,
});
