/** Where a sync takes no longer than this, it is quicker to sync twice while others are encoded than once after all. */
const quickMs = 1;

/** How long it takes to write and sync a group. */
export class SyncPace {
  #leastMs = Infinity;

  /** What one took. The least that was seen of late counts, as what is noticed late seems to have taken longer. */
  note(tookMs: number): void {
    this.#leastMs = Math.min(this.#leastMs * 1.1, tookMs);
  }

  /** Whether it is as quick as encoding, as far as is known. */
  get isQuick(): boolean {
    return this.#leastMs <= quickMs;
  }
}
