import { ProcessError, type Ended, type OwnedProcess } from '@orch/process';
import type { TurnContext } from './driver.js';
import type { AgentEvent, Notice, TurnEnded } from './event.js';
import type { EventQueue } from './event-queue.js';
import { noUsage } from './usage.js';

export function isAborted(context: TurnContext): boolean {
  return context.signal?.aborted === true;
}

/**
 * Says the last of a turn when its process has ended: what `tell` makes of that end. Whatever comes of `tell`, there
 * is an end event and nothing after it, because a reader would wait for it for ever.
 */
export async function sayEnd(
  running: Pick<OwnedProcess, 'ended'>,
  queue: Pick<EventQueue<AgentEvent>, 'push' | 'close'>,
  tell: (ended: Ended) => TurnEnded | Promise<TurnEnded>,
): Promise<void> {
  const { ended, problem } = await settle(running);
  let end: TurnEnded;
  try {
    end = await tell(ended);
  } catch (error) {
    end = endOfUntold(error, ended);
  }
  if (problem !== undefined) void queue.push(problem);
  void queue.push(end);
  queue.close();
}

/** How a process ended, and what went wrong besides: its end may be known although it was not recorded. */
async function settle(
  running: Pick<OwnedProcess, 'ended'>,
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

/** The end of a turn that ran, and of which nothing else can be told: nobody knows what it cost. */
function endOfUntold(error: unknown, ended: Ended): TurnEnded {
  return {
    kind: 'end',
    outcome: 'failed',
    error: { reason: 'unknown', message: `What it came to cannot be told: ${messageOf(error)}` },
    summary: '',
    denials: [],
    usage: noUsage,
    usd: null,
    turns: 0,
    exit: { code: ended.code, signal: ended.signal },
    durationMs: ended.durationMs,
    left: ended.survivors.length,
  };
}

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

/** The end of a turn whose process could not be started: nothing ran, so nothing was spent. */
export function endOfUnstarted(error: unknown): TurnEnded {
  const cancelled = ProcessError.isInstance(error) && error.code === 'ORCH_PROCESS_CANCELLED';
  return {
    kind: 'end',
    outcome: cancelled ? 'cancelled' : 'failed',
    error: { reason: cancelled ? 'cancelled' : 'not_started', message: messageOf(error) },
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
