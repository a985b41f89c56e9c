import type { GateResult } from '../seams/gate.js';

/** The message that brings a failed gate's findings back to the conversation that caused them. */
export function repairPrompt(
  failed: readonly { readonly gate: string; readonly result: GateResult }[],
): string {
  const findings = failed.map(
    ({ gate, result }) =>
      `Check "${gate}" (${result.receipt.argv.join(' ')}) failed:\n\n${result.findings.trim() || '(it printed nothing)'}`,
  );
  return [
    'Your result was checked and did not pass. Repair the cause in the files of this directory; leave the checks as they are.',
    ...findings,
  ].join('\n\n');
}

/** The message that lets an interrupted conversation go on. */
export const continuePrompt =
  'You were interrupted. What you changed so far is still in this directory. Go on from where you stopped and finish the task.';
