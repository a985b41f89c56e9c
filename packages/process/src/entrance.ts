/** Lets so many in at once, first come, first served. */
export interface Entrance {
  /** Resolves when it is our turn; each is followed by one `leave`. */
  enter(): Promise<void> | undefined;
  leave(): void;
}

export function createEntrance(atOnce: number): Entrance {
  const outside: (() => void)[] = [];
  let inside = 0;
  return {
    enter() {
      if (inside >= atOnce) return new Promise((resolve) => outside.push(resolve));
      inside += 1;
      return undefined;
    },
    leave() {
      const next = outside.shift();
      if (next === undefined) inside -= 1;
      else next();
    },
  };
}
