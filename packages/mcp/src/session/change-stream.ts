import { setTimeout as sleep } from 'node:timers/promises';
import type { Listening, Stateless } from '../engine/engine.js';
import { isJsonObject, type JsonObject } from '../json.js';

export interface ChangeStreamOptions {
  readonly stateless: Stateless;
  readonly capabilities: JsonObject;
  missed(): void;
}

const firstRetryMs = 1000;
const longestRetryMs = 30_000;

/** The one stream on which a server tells of changes that it was asked to tell of; opened again when it breaks. */
export class ChangeStream {
  readonly #options: ChangeStreamOptions;
  readonly #over = new AbortController();
  #uris: readonly string[] = [];
  #current: Listening | undefined;
  /** Whoever opens the stream waits for who opened it before. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: ChangeStreamOptions) {
    this.#options = options;
  }

  /** Nobody waits for it: a server that does not offer it has lists that are kept for as long as it says. */
  begin(): void {
    this.follow([]).catch(() => undefined);
  }

  /** Resolves with the addresses that the server will tell of. Rejects with what the server answered. */
  follow(uris: readonly string[]): Promise<readonly string[]> {
    this.#uris = uris;
    const turn = this.#turn.then(() => this.#open());
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  close(): void {
    this.#over.abort();
    this.#current?.close();
    this.#current = undefined;
  }

  #isOver(): boolean {
    return this.#over.signal.aborted;
  }

  async #open(): Promise<readonly string[]> {
    const before = this.#current;
    const filter = { ...this.#lists(), ...(this.#uris.length > 0 && { uris: this.#uris }) };
    if (this.#isOver()) return [];
    if (Object.keys(filter).length === 0) {
      this.#current = undefined;
      before?.close();
      return [];
    }
    const opened = await this.#options.stateless.listen(filter);
    // The new one is there before the old one goes, so that nothing is missed between them.
    this.#current = opened;
    before?.close();
    if (this.#isOver()) opened.close();
    void opened.ended.then(() => this.#reopen(opened));
    return opened.uris;
  }

  async #reopen(ended: Listening): Promise<void> {
    for (let retryMs = firstRetryMs; this.#current === ended; retryMs *= 2) {
      const wait = Math.min(longestRetryMs, retryMs) * (0.75 + Math.random() / 2);
      await sleep(wait, undefined, { signal: this.#over.signal, ref: false }).catch(
        () => undefined,
      );
      if (this.#isOver() || this.#current !== ended) return;
      await this.follow(this.#uris).then(
        () => this.#options.missed(),
        () => undefined,
      );
    }
  }

  #lists(): Record<string, true> {
    const wanted: Record<string, true> = {};
    for (const list of ['tools', 'prompts', 'resources']) {
      const capability = this.#options.capabilities[list];
      if (isJsonObject(capability) && capability['listChanged'] === true) wanted[list] = true;
    }
    return wanted;
  }
}
