/** `modern`: the protocol without sessions, of 2026-07-28. `legacy`: all before it, which begin with `initialize`. */
export type Era = 'legacy' | 'modern';

/** Of which era a server turned out to be. */
export interface Verdict {
  readonly era: Era;
  /** ms since 1970. */
  readonly at: number;
}

/** Where verdicts are kept, by server. A `Map` is one; so is whatever writes them to a file. */
export interface Verdicts {
  get(server: string): Verdict | undefined;
  set(server: string, verdict: Verdict): unknown;
}

const dayMs = 86_400_000;

/** A server of the past may be of the present tomorrow: such a verdict holds for a day. */
export function isKnownLegacy(verdict: Verdict | undefined): boolean {
  if (verdict?.era !== 'legacy') return false;
  const age = Date.now() - verdict.at;
  return age >= 0 && age < dayMs;
}
