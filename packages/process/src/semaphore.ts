/** Lets so many in at once, first come, first served. */
export interface Semaphore {
  /** Resolves when it is our turn; each is followed by one `release`. */
  acquire(): Promise<void> | undefined;
  release(): void;
}

export function createSemaphore(atOnce: number): Semaphore {
  const outside: (() => void)[] = [];
  let inside = 0;
  return {
    acquire() {
      if (inside >= atOnce) return new Promise((resolve) => outside.push(resolve));
      inside += 1;
      return undefined;
    },
    release() {
      const next = outside.shift();
      if (next === undefined) inside -= 1;
      else next();
    },
  };
}
