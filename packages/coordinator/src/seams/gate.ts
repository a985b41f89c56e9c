import type { GateSpec } from '../graph/graph.js';

/** The proof of one gate run. */
export interface Receipt {
  readonly commit: string;
  readonly tree: string;
  readonly argv: readonly string[];
  /** Names only; values never leave the process. */
  readonly environment: readonly string[];
  readonly exit: { readonly code: number | null; readonly signal: string | null };
  readonly durationMs: number;
  /** `sha256:<hex>` of the whole output. */
  readonly output: string;
}

export interface GateResult {
  /** `error`: the gate itself could not run; it counts as failed, and nothing is sent back to the agent. */
  readonly verdict: 'passed' | 'failed' | 'error';
  /** What the agent (or a person) needs to repair it: the decisive excerpt, at most 8 KiB. */
  readonly findings: string;
  readonly receipt: Receipt;
}

/** Runs one gate on one checked-out commit. Implemented by `@orch/gates`, adapted by core. */
export interface Gate {
  check(
    request: {
      readonly run: string;
      readonly gate: GateSpec;
      readonly commit: string;
      readonly tree: string;
      /** Absolute path of a checkout of `commit`. */
      readonly path: string;
      /** What is being checked, for people: a task's label or a merge. */
      readonly subject: string;
    },
    context: { readonly signal: AbortSignal },
  ): Promise<GateResult>;
}
