import type { JsonObject } from '../json.js';
import type { Progress } from '../protocol/peer.js';

/** Whether what somebody writes may be believed. What is derived from untrusted is untrusted. */
export type Trust = 'trusted' | 'untrusted';

/** Who asks. */
export interface Caller {
  /** Of the run's attempt, or of whoever else was let in. */
  readonly attempt: string;
  readonly trust: Trust;
}

/** What a service asks of the client: `sampling/createMessage`, `elicitation/create` or `roots/list`. */
export interface Ask {
  readonly method: string;
  readonly params: JsonObject;
}

/** One request that is being answered. */
export interface Exchange {
  readonly caller: Caller;
  /** Aborted when the client gives up, goes away, or may no longer ask. */
  readonly signal: AbortSignal;
  /** What the client said that it can do. */
  readonly clientCapabilities: JsonObject;
  /** Told to the client if it wants to know, and left out while it does not keep up. */
  progress(progress: Progress): void;
  /** A log message of this request; the same holds. */
  log(level: string, data: JsonObject[string], logger?: string): void;
  /**
   * Asks the client, all at once; resolves with its answers by the same keys. With the protocol of 2026-07-28 the
   * request ends with the questions and is made again with the answers, so what stands before this call is done
   * again. Keys must be the same each time, and of one request no two the same. Throws `RpcError` when the client
   * did not declare the capability.
   */
  ask<Key extends string>(asks: Readonly<Record<Key, Ask>>): Promise<Record<Key, JsonObject>>;
  /** Breaks the connection off; the client comes back for the rest. Only over HTTP, and not with 2026-07-28. */
  disconnect(): void;
}

/** What a service says unasked. */
export type ServiceEvent =
  | { readonly type: 'changed'; readonly list: 'tools' | 'resources' | 'prompts' }
  | { readonly type: 'updated'; readonly uri: string }
  | {
      readonly type: 'log';
      readonly level: string;
      readonly logger?: string;
      readonly data: JsonObject[string];
    };

/** What is served to a client: the protocol's methods, without its handshakes and transports. */
export interface McpService {
  readonly info: { readonly name: string; readonly version: string };
  readonly instructions?: string;
  readonly capabilities: JsonObject;
  /**
   * Throws `RpcError`, or `McpError`, whose message the client gets. Who has no prompts, say, throws `rpcCode.method` for
   * their list; among several services that is an empty one.
   */
  request(method: string, params: JsonObject, exchange: Exchange): Promise<JsonObject>;
  /** The tool, if it is known without much ado. */
  describeTool?(name: string): Promise<JsonObject | undefined>;
  /** Returns what ends the listening. */
  listen(listener: (event: ServiceEvent) => void): () => void;
}

/** Codes of JSON-RPC and of the protocol. */
export const rpcCode = {
  parse: -32_700,
  request: -32_600,
  method: -32_601,
  params: -32_602,
  internal: -32_603,
  /** Of the protocol until 2025-11-25; later ones say `params`. */
  resource: -32_002,
  headers: -32_020,
  capability: -32_021,
  version: -32_022,
} as const;

/** An answer that is an error, with its JSON-RPC code. */
export class RpcError extends Error {
  override readonly name = 'RpcError';
  readonly code: number;
  readonly data: JsonObject | undefined;

  constructor(code: number, message: string, data?: JsonObject) {
    super(message);
    this.code = code;
    this.data = data;
  }
}

const capabilityOf: Readonly<Record<string, string>> = {
  'sampling/createMessage': 'sampling',
  'elicitation/create': 'elicitation',
  'roots/list': 'roots',
};

/** Throws when the client did not say that it can answer one of these. */
export function requireCapabilities(asks: Readonly<Record<string, Ask>>, has: JsonObject): void {
  for (const { method } of Object.values(asks)) {
    const capability = capabilityOf[method];
    if (capability === undefined)
      throw new RpcError(rpcCode.internal, `${method} cannot be asked of a client.`);
    if (has[capability] !== undefined) continue;
    throw new RpcError(
      rpcCode.capability,
      `This needs a client that declares ${capability}; this one does not.`,
      { requiredCapabilities: { [capability]: {} } },
    );
  }
}
