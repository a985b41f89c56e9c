import type { AttemptMode } from '../state/event.js';
import type { AttemptState } from '../state/state.js';

/**
 * The message that brings a failed gate's findings back to the conversation that caused them. It names
 * the attempt, so that no two of a task are the same.
 */
export function repairPrompt({ attempt, gates }: AttemptState): string {
  const findings = Object.entries(gates)
    .filter(([, { result }]) => result.verdict === 'failed')
    .map(
      ([gate, { result }]) =>
        `Check "${gate}" (${result.receipt.argv.join(' ')}) failed:\n\n${result.findings.trim() || '(it printed nothing)'}`,
    );
  return [
    `Your result (attempt ${attempt}) was checked and did not pass. Repair the cause in the files of this directory; leave the checks as they are.`,
    ...findings,
  ].join('\n\n');
}

/**
 * The findings that the conversation has to have heard before the next attempt of this mode goes on: those
 * that a repair sends, and those that an interrupted repair may not have got to send.
 */
export function owedFindings(
  attempts: readonly AttemptState[],
  mode: AttemptMode,
): string | undefined {
  let last = attempts.length - 1;
  if (mode === 'continue') {
    while (attempts[last]?.mode === 'continue') last -= 1;
    if (attempts[last]?.mode !== 'repair') return undefined;
    last -= 1;
  } else if (mode !== 'repair') return undefined;
  const checked = attempts[last];
  return checked && repairPrompt(checked);
}

/** The message that lets an interrupted conversation go on. */
export const continuePrompt =
  'You were interrupted. What you changed so far is still in this directory. Go on from where you stopped and finish the task.';
