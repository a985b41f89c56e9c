/**
 * Who leads a run: a process on this host, told apart from a later one with the same number by its
 * start time and the boot it belongs to.
 */
export interface Owner {
  readonly pid: number;
  readonly startTime: string;
  readonly bootId: string;
  readonly host: string;
}

/** Answers whether the process that wrote an {@link Owner} record still lives. */
export interface Owners {
  readonly self: Owner;
  isAlive(owner: Owner): boolean;
}
