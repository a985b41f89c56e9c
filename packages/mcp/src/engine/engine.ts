import type { JsonObject } from '../json.js';

/** What the client answers to the server's own requests. */
export interface ClientAnswers {
  /** What is declared to the server. */
  readonly capabilities: JsonObject;
  /** All other methods are refused. */
  readonly methods: readonly string[];
  /** Rejects with an error whose `code` and `message` are those of the JSON-RPC answer. */
  answer(method: string, params: JsonObject, signal: AbortSignal): Promise<JsonObject>;
}

/** Who the server is and what it can do, as it said in the handshake. */
export interface Handshake {
  readonly protocolVersion: string;
  readonly serverInfo: { readonly name: string; readonly version: string; readonly title?: string };
  readonly capabilities: JsonObject;
  readonly instructions?: string;
}

export interface HandshakeOptions {
  readonly clientInfo: { readonly name: string; readonly version: string };
  readonly answers: ClientAnswers;
  readonly timeoutMs: number;
  /** The server, for what is kept of it: its name, and where it is or what it is. */
  readonly server: string;
  /** Each request has a stream of its own, as over HTTP; else one channel is shared by all. */
  readonly hasStreams: boolean;
  /** Writes a message to the server; settles when it is taken. Requests have ids below 1000, or texts as ids. */
  readonly send: (message: JsonObject) => Promise<void>;
  /** Nobody waits for the answer to this request any more. */
  readonly forget: (id: number | string) => void;
}

/** Of what a server shall tell. */
export interface ListenTo {
  readonly tools?: true;
  readonly prompts?: true;
  readonly resources?: true;
  readonly uris?: readonly string[];
}

/** A server tells of changes. */
export interface Listening {
  /** The resources that it really tells of. */
  readonly uris: readonly string[];
  /** Resolves when it no longer does. */
  readonly ended: Promise<void>;
  close(): void;
}

/** What a protocol without sessions needs, since 2026-07-28. */
export interface Stateless {
  /** Goes into `_meta` of every request. */
  readonly envelope: JsonObject;
  /** Resolves when the server has agreed; its notifications come as messages. */
  listen(to: ListenTo): Promise<Listening>;
}

/**
 * What knows the protocol's handshake and answers the server's own requests. Calls do not go through it. One
 * is made for each connection.
 */
export interface Engine {
  handshake(options: HandshakeOptions): Promise<Handshake>;
  /** A message of the server that answers none of our calls. */
  receive(message: JsonObject): void;
  /** A request of the engine gets no answer. False: the connection is no good without it. Default: false. */
  failed?(id: number | string, error: Error): boolean;
  /** After the handshake: what was agreed on has no sessions. */
  readonly stateless?: Stateless | undefined;
  /** The handshake failed: whether it is another one if it is made anew, with a new connection. Default: false. */
  mayTryAgain?(error: Error): boolean;
  close(): Promise<void>;
}

export type CreateEngine = () => Promise<Engine>;
