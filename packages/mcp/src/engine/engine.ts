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
  /** Writes a message to the server; settles when it is taken. Requests have ids below 1000. */
  readonly send: (message: JsonObject) => Promise<void>;
}

/**
 * What knows the protocol's handshake and answers the server's own requests. Calls do not go through it. One
 * is made for each connection.
 */
export interface Engine {
  handshake(options: HandshakeOptions): Promise<Handshake>;
  /** A message of the server that answers none of our calls. */
  receive(message: JsonObject): void;
  close(): Promise<void>;
}

export type CreateEngine = () => Promise<Engine>;
