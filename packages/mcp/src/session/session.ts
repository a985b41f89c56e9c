import type { JsonObject } from '../json.js';
import type { Peer, RequestOptions } from '../protocol/peer.js';

/** Whatever asks a server something. */
export interface Requests {
  request(method: string, params: JsonObject, options?: RequestOptions): Promise<JsonObject>;
}

/** What is asked of a server over one connection, in the way of the protocol that was agreed on. */
export interface Session extends Requests {
  /** Resolves when the server shows that it is there. */
  ping(options?: RequestOptions): Promise<void>;
  setLogLevel(level: string, options?: RequestOptions): Promise<void>;
  /** Its changes are told from now on. */
  watch(uri: string, options?: RequestOptions): Promise<void>;
  unwatch(uri: string, options?: RequestOptions): Promise<void>;
  close(): void;
}

/** Of the revisions that begin with `initialize`: what was asked for once holds for the session. */
export class StatefulSession implements Session {
  readonly #peer: Peer;

  constructor(peer: Peer) {
    this.#peer = peer;
  }

  request(method: string, params: JsonObject, options?: RequestOptions): Promise<JsonObject> {
    return this.#peer.request(method, params, options);
  }

  async ping(options?: RequestOptions): Promise<void> {
    await this.#peer.request('ping', {}, options);
  }

  async setLogLevel(level: string, options?: RequestOptions): Promise<void> {
    await this.#peer.request('logging/setLevel', { level }, options);
  }

  async watch(uri: string, options?: RequestOptions): Promise<void> {
    await this.#peer.request('resources/subscribe', { uri }, options);
  }

  async unwatch(uri: string, options?: RequestOptions): Promise<void> {
    await this.#peer.request('resources/unsubscribe', { uri }, options);
  }

  close(): void {
    // Nothing of it is open.
  }
}
