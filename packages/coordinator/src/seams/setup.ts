import type { SetupSpec } from '../graph/graph.js';

/** Makes a fresh clone usable (`workspace.setup`). Runs without provider credentials. */
export interface Setup {
  run(
    request: { readonly run: string; readonly path: string; readonly setup: SetupSpec },
    context: { readonly signal: AbortSignal },
  ): Promise<{ readonly ok: true } | { readonly ok: false; readonly findings: string }>;
}
