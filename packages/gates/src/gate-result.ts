import { createHash } from 'node:crypto';

/** The proof of one gate run. */
export interface Receipt {
  readonly commit: string;
  readonly tree: string;
  /** As it ran: a shell line with `/bin/sh -c` before it. */
  readonly argv: readonly string[];
  /** Sorted names only; values never leave the process. */
  readonly environment: readonly string[];
  readonly exit: { readonly code: number | null; readonly signal: string | null };
  readonly durationMs: number;
  /** `sha256:<hex>` of the whole output; see `digestOutput`. */
  readonly output: string;
}

/** A verdict and what it rests on. */
export interface GateResult {
  /** `error`: the gate itself could not run; it counts as failed, and there is nothing to repair in the work. */
  readonly verdict: 'passed' | 'failed' | 'error';
  /** What is needed to repair it, at most 8 KiB of plain text; empty when it passed. */
  readonly findings: string;
  readonly receipt: Receipt;
}

const nothing = createHash('sha256').digest('hex');

/**
 * Digest of a run's output. The two streams have no common order, so it is the digest of two lines, each
 * with the name of a stream and the hex SHA-256 of all its bytes: `stdout <hex>\nstderr <hex>\n`.
 */
export function digestOutput(
  output: { readonly stdout: string; readonly stderr: string } | undefined,
): string {
  const { stdout, stderr } = output ?? { stdout: nothing, stderr: nothing };
  const digest = createHash('sha256').update(`stdout ${stdout}\nstderr ${stderr}\n`).digest('hex');
  return `sha256:${digest}`;
}
