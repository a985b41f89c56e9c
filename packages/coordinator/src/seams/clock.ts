/** Time, ids and randomness are handed in, so that a whole run can be replayed in virtual time under a seed. */
export interface Clock {
  /** UTC, milliseconds since the epoch. Only for showing. */
  now(): number;
  /** Milliseconds that never go backwards. All durations come from here. */
  monotonic(): number;
}

export interface Ids {
  /** A new run id: 10 characters, time-sorted, lower-case base32. */
  run(now: number): string;
  /** A new session id (UUID). */
  session(): string;
}
