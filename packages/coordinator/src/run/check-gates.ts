import type { GateSpec } from '../graph/graph.js';
import type { GateResult } from '../seams/gate.js';
import type { GateCheck } from '../state/state.js';
import type { RunContext } from './context.js';
import { gateKey } from './work-key.js';

type Context = Pick<RunContext, 'graph' | 'journal' | 'workspace' | 'gate' | 'setup'>;

export interface GateRun {
  readonly gate: string;
  readonly result: GateResult;
}

/**
 * Runs the named gates on one commit, in order, all of them, so that an agent gets every finding at
 * once. A gate that answered for this very tree before is not run again. `stopped`: `signal` was aborted
 * while a gate ran, so that it says nothing.
 */
export async function checkGates(
  context: Context,
  subject: {
    readonly gates: readonly string[];
    readonly commit: string;
    readonly tree: string;
    readonly base: string;
    /** Name of the checkout directory. */
    readonly name: string;
    readonly subject: string;
    readonly known: readonly GateCheck[];
    readonly signal: AbortSignal;
    readonly record: (
      gate: string,
      key: string,
      result: GateResult,
      reused: boolean,
    ) => Promise<void>;
  },
): Promise<readonly GateRun[] | 'stopped'> {
  const results: GateRun[] = [];
  const baseTree = await context.workspace.tree(subject.base);
  for (const id of subject.gates) {
    const gate = context.graph.gates[id];
    if (!gate) throw new Error(`gate ${id} is not in the plan`);
    const key = gateKey(gate, { tree: subject.tree, baseTree }, context.graph.setup);
    const known = subject.known.find(
      (check) => check.key === key && check.result.verdict === 'passed',
    );
    const result = known?.result ?? (await runGate(context, gate, subject));
    if (subject.signal.aborted && !known) return 'stopped';
    await subject.record(id, key, result, known !== undefined);
    results.push({ gate: id, result });
  }
  return results;
}

async function runGate(
  context: Context,
  gate: GateSpec,
  subject: {
    readonly commit: string;
    readonly tree: string;
    readonly base: string;
    readonly name: string;
    readonly subject: string;
    readonly signal: AbortSignal;
  },
): Promise<GateResult> {
  const { run } = context.journal.state();
  const { signal } = subject;
  const checkout = await context.workspace.checkout({
    run,
    name: subject.name,
    commit: subject.commit,
    ...(gate.protect.length > 0 ? { protect: { base: subject.base, globs: gate.protect } } : {}),
  });
  if (context.graph.setup) {
    const ready = await context.setup.run(
      { run, path: checkout.path, setup: context.graph.setup },
      { signal },
    );
    if (!ready.ok)
      return couldNotRun(
        gate,
        subject,
        `workspace.setup failed in the checkout: ${ready.findings}`,
      );
  }
  return context.gate.check(
    {
      run,
      gate,
      commit: subject.commit,
      tree: subject.tree,
      path: checkout.path,
      subject: subject.subject,
    },
    { signal },
  );
}

const couldNotRun = (
  gate: GateSpec,
  subject: { readonly commit: string; readonly tree: string },
  findings: string,
): GateResult => ({
  verdict: 'error',
  findings,
  receipt: {
    commit: subject.commit,
    tree: subject.tree,
    argv: gate.command.argv,
    environment: [],
    exit: { code: null, signal: null },
    durationMs: 0,
    output: `sha256:${'0'.repeat(64)}`,
  },
});
