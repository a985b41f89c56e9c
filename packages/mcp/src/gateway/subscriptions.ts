import type { JsonObject } from '../json.js';

interface Shared {
  holders: number;
  /** Resolves when what was begun last for this address is over, however it went. */
  last: Promise<void>;
}

/**
 * Subscriptions of all clients to what they share: the first begins one, and the last ends it. For one address it goes
 * one after another, so that nobody is told of a subscription that another then fails to get. Each client holds an
 * address once, and releases it once.
 */
export class Subscriptions {
  readonly #shared = new Map<string, Shared>();

  /** `begin` is called if nobody holds it. Whoever has gone until it is his turn holds nothing. */
  hold(uri: string, signal: AbortSignal, begin: () => Promise<JsonObject>): Promise<JsonObject> {
    return this.#inTurn(uri, async (shared) => {
      signal.throwIfAborted();
      const result = shared.holders === 0 ? await begin() : {};
      shared.holders += 1;
      return result;
    });
  }

  /** `end` is called if this was the last. */
  release(uri: string, end: () => Promise<JsonObject>): Promise<JsonObject> {
    return this.#inTurn(uri, async (shared) => {
      const isLast = shared.holders === 1;
      shared.holders = Math.max(0, shared.holders - 1);
      return isLast ? await end() : {};
    });
  }

  async #inTurn(uri: string, work: (shared: Shared) => Promise<JsonObject>): Promise<JsonObject> {
    const shared = this.#shared.get(uri) ?? { holders: 0, last: Promise.resolve() };
    this.#shared.set(uri, shared);
    const done = shared.last.then(() => work(shared));
    const over = done.then(
      () => undefined,
      () => undefined,
    );
    shared.last = over;
    try {
      return await done;
    } finally {
      if (shared.last === over && shared.holders === 0) this.#shared.delete(uri);
    }
  }
}
