import type { AgentOutcome } from '../seams/agent.js';

/**
 * How a task ended. Attempts can also be `throttled` or `lost`. `error`: something around the agent broke
 * (its workspace, a gate's machinery), so that nothing is known about its work.
 */
export type TaskVerdict =
  | 'succeeded'
  | 'no_effect'
  | 'denied'
  | 'out_of_scope'
  | 'gate_failed'
  | 'conflicted'
  | 'tampered'
  | 'exhausted'
  | 'stalled'
  | 'timed_out'
  | 'cancelled'
  | 'failed'
  | 'error'
  | 'skipped';

/** What is known about one finished attempt. */
export interface Evidence {
  readonly outcome: AgentOutcome;
  readonly error?: string | undefined;
  readonly effect: 'diff' | 'none';
  readonly files: number;
  readonly outside: readonly string[];
  readonly writesOutside: 'fail' | 'warn';
  readonly denials: readonly { readonly tool: string; readonly input: string }[];
  readonly denialsPolicy: 'fail_if_unverified' | 'fail' | 'ignore';
  /** Absent when the task declares no output. */
  readonly output?: { readonly ok: boolean; readonly problems: readonly string[] } | undefined;
  readonly gates: readonly {
    readonly id: string;
    readonly verdict: 'passed' | 'failed' | 'error';
  }[];
  readonly tampered: readonly string[];
  /** What a person may want to know, whatever the verdict. */
  readonly noted: readonly string[];
}

export interface Judgement {
  readonly verdict: TaskVerdict | 'throttled' | 'lost';
  readonly reasons: readonly string[];
  readonly warnings: readonly string[];
}

/**
 * Derives the verdict of an attempt. Nothing an agent says enters here.
 *
 * Precedence, first that applies:
 * 1. `tampered`: the user's repository was changed by somebody during the attempt
 * 2. how the process ended: `cancelled timed_out stalled exhausted throttled lost failed`
 * 3. `out_of_scope`: the diff leaves `writes` (with `writes_outside: fail`)
 * 4. `denied`: a tool call was refused and the effect, the output or a gate is missing (or `denials: fail`)
 * 5. `no_effect`: the declared effect or output is not there
 * 6. `gate_failed`: a gate did not pass
 * 7. `succeeded`
 *
 * `effect: none` needs an output that fits or a gate that passed; without either it is `no_effect`,
 * unless neither was declared and the process itself is the effect (a command that exits 0).
 */
export function judge(evidence: Evidence): Judgement {
  const warnings = [...evidence.noted];
  const end = (verdict: Judgement['verdict'], ...reasons: string[]): Judgement => ({
    verdict,
    reasons,
    warnings,
  });

  if (evidence.tampered.length > 0) return end('tampered', ...evidence.tampered);
  if (evidence.outcome !== 'completed') {
    return end(
      evidence.outcome,
      evidence.error ?? `the agent's process ended: ${evidence.outcome}`,
    );
  }
  if (evidence.outside.length > 0) {
    const what = `changed outside \`writes\`: ${evidence.outside.slice(0, 5).join(', ')}${more(evidence.outside.length, 5)}`;
    if (evidence.writesOutside === 'fail') return end('out_of_scope', what);
    warnings.push(what);
  }

  const missing: string[] = [];
  if (evidence.effect === 'diff' && evidence.files === 0) missing.push('no file was changed');
  if (evidence.output && !evidence.output.ok) {
    missing.push(...evidence.output.problems.map((problem) => `output: ${problem}`));
  }
  const red = evidence.gates.filter((gate) => gate.verdict !== 'passed');
  const failedGates = red.map((gate) =>
    gate.verdict === 'error' ? `gate ${gate.id} could not run` : `gate ${gate.id} failed`,
  );
  const unverified = [...missing, ...failedGates];
  const refused = evidence.denials.map((denial) =>
    `refused: ${denial.tool} ${denial.input}`.trimEnd(),
  );

  if (refused.length > 0 && evidence.denialsPolicy !== 'ignore') {
    if (evidence.denialsPolicy === 'fail' || unverified.length > 0)
      return end('denied', ...refused, ...unverified);
    warnings.push(...refused);
  }
  if (missing.length > 0) return end('no_effect', ...missing, ...failedGates);
  if (failedGates.length > 0) return end('gate_failed', ...failedGates);
  return end('succeeded');
}

const more = (length: number, shown: number): string =>
  length > shown ? ` and ${length - shown} more` : '';
