import { cancelRun, readRun } from '@orch/core/status';
import { exitCode } from '../exit-codes.js';
import type { Screen } from '../render/screen.js';
import { pickRun } from './pick-task.js';

const answerMs = 10_000;
const lookMs = 100;

/** `orch cancel [RUN]`: asks the leader to stop for good, and waits until it has heard. */
export async function cancelCommand(
  screen: Screen,
  wanted: string | undefined,
  flags: { readonly json?: boolean },
): Promise<number> {
  const {
    root,
    record: { run },
  } = await pickRun(wanted);
  const cancelled = await cancelRun(root, run, process.env['USER'] ?? 'a person');
  if (!cancelled) {
    if (flags.json) screen.json({ run, cancelled });
    else
      screen.line(
        `Run ${run} is not running: there is nothing to cancel. Look with: orch status ${run}`,
      );
    return exitCode.ok;
  }
  const heard = await isHeard(root, run);
  if (flags.json)
    screen.json({ run, cancelled: heard !== 'gone', acknowledged: heard === 'heard' });
  else if (heard === 'gone')
    screen.line(
      `Run ${run} stopped before it heard: there is nothing to cancel any more, and a resume is not cancelled by this. Look with: orch status ${run}`,
    );
  else if (heard === 'heard')
    screen.line(`Run ${run} is being cancelled: its agents end, their work is kept.`);
  else
    screen.line(
      `Asked run ${run} to cancel; it has not answered yet. Look with: orch status ${run}`,
    );
  return exitCode.ok;
}

async function isHeard(root: string, run: string): Promise<'heard' | 'gone' | 'silent'> {
  for (const until = performance.now() + answerMs; performance.now() < until;) {
    const { state, led } = await readRun(root, run);
    if (state.cancelled !== undefined) return 'heard';
    if (!led) return 'gone';
    await new Promise((resolve) => setTimeout(resolve, lookMs));
  }
  return 'silent';
}
