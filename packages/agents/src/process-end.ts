import { ProcessError, type Ended, type OwnedProcess } from '@orch/process';
import type { TurnContext } from './driver.js';
import type { Notice, TurnEnded } from './event.js';
import { noUsage } from './usage.js';

export function isAborted(context: TurnContext): boolean {
  return context.signal?.aborted === true;
}

/** How a process ended, and what went wrong besides: its end may be known although it was not recorded. */
export async function settle(
  running: OwnedProcess,
): Promise<{ readonly ended: Ended; readonly problem?: Notice }> {
  try {
    return { ended: await running.ended };
  } catch (error) {
    const known = ProcessError.isInstance(error) ? error.details['ended'] : undefined;
    const problem: Notice = { kind: 'notice', level: 'error', text: String(error) };
    return { ended: isEnded(known) ? known : unknownEnd, problem };
  }
}

const nothing = { text: '', bytes: 0, truncated: false, sha256: '' };

const unknownEnd: Ended = {
  reason: 'cancelled',
  code: null,
  signal: null,
  durationMs: 0,
  stdout: nothing,
  stderr: nothing,
  survivors: [],
};

function isEnded(value: unknown): value is Ended {
  return typeof value === 'object' && value !== null && 'reason' in value && 'survivors' in value;
}

/** The end of a turn whose process could not be started: nothing ran, so nothing was spent. */
export function endOfUnstarted(error: unknown): TurnEnded {
  const cancelled = ProcessError.isInstance(error) && error.code === 'ORCH_PROCESS_CANCELLED';
  const message = error instanceof Error ? error.message : String(error);
  return {
    kind: 'end',
    outcome: cancelled ? 'cancelled' : 'failed',
    error: { reason: cancelled ? 'cancelled' : 'not_started', message },
    summary: '',
    denials: [],
    usage: noUsage,
    usd: 0,
    turns: 0,
    exit: { code: null, signal: null },
    durationMs: 0,
    left: 0,
  };
}
