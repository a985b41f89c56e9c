/**
 * Where tokens and registrations are kept, as texts under keys. Its texts are secrets.
 *
 * `fileTokenStore(path)` is one for all processes of a user; a keychain can be another.
 */
export interface TokenStore {
  get(key: string): Promise<string | undefined>;
  /** Undefined: nothing is kept any more. */
  set(key: string, value: string | undefined): Promise<void>;
  /** Runs `work` while nobody else who uses this store, in any process, runs under the same key. */
  exclusively<T>(key: string, work: () => Promise<T>, signal?: AbortSignal): Promise<T>;
}

/** Lets one after the other in, by key, in this process. */
export class Turnstile {
  readonly #last = new Map<string, Promise<unknown>>();

  async pass<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(key) ?? Promise.resolve();
    const mine = before.then(work, work);
    const settled = mine.catch(() => undefined);
    this.#last.set(key, settled);
    try {
      return await mine;
    } finally {
      if (this.#last.get(key) === settled) this.#last.delete(key);
    }
  }
}

/** Keeps tokens as long as the process lives. */
export function memoryTokenStore(): TokenStore {
  const kept = new Map<string, string>();
  const turnstile = new Turnstile();
  return {
    get: (key) => Promise.resolve(kept.get(key)),
    set(key, value) {
      if (value === undefined) kept.delete(key);
      else kept.set(key, value);
      return Promise.resolve();
    },
    exclusively: (key, work) => turnstile.pass(key, work),
  };
}
