import type { TurnError, TurnErrorReason, TurnOutcome } from '../event.js';
import { oneLine } from '../excerpt.js';
import { asList, asNumber, asString, type JsonObject } from '../json.js';
import { reasonOfResult, wasStopped, type FailureSigns } from './failure.js';

/** How the process of a turn ended, and whether that was our doing. */
export interface ClaudeExit {
  /**
   * `exited`: by itself. `lingered`: it had answered, and was ended because it did not exit.
   * The others: ended by us before it had answered.
   */
  readonly by: 'exited' | 'lingered' | 'cancelled' | 'timed_out' | 'stalled' | 'output_limit';
  readonly code: number | null;
  readonly signal: string | null;
  readonly durationMs: number;
  /** Processes that could not be ended. */
  readonly left: number;
  /** End of what it wrote to stderr. */
  readonly stderr: string;
}

export interface Evidence extends FailureSigns {
  /** The last result event. */
  readonly result: JsonObject | undefined;
  /** A conversation began (its `init` event came). */
  readonly began: boolean;
  /** A hook forbade the prompt. */
  readonly promptBlocked: boolean;
  /** The turn was to continue an earlier one. */
  readonly continuing: boolean;
  /** The last output was half a line. */
  readonly cut: boolean;
  readonly resetsAtMs: number | undefined;
}

export interface Verdict {
  readonly outcome: TurnOutcome;
  readonly error?: TurnError;
}

/** Decides how a turn ended. */
export function judge(evidence: Evidence, exit: ClaudeExit): Verdict {
  switch (exit.by) {
    case 'cancelled':
      return { outcome: 'cancelled', error: { reason: 'cancelled', message: 'It was cancelled.' } };
    case 'timed_out':
      return {
        outcome: 'timed_out',
        error: { reason: 'wall_time', message: 'It ran longer than allowed.' },
      };
    case 'stalled':
      return {
        outcome: 'stalled',
        error: { reason: 'idle_time', message: 'It was silent for longer than allowed.' },
      };
    case 'output_limit':
      return failed('output_limit', 'It wrote a longer line than allowed.');
    case 'exited':
    case 'lingered':
      return evidence.result === undefined
        ? judgeSilence(evidence, exit)
        : judgeResult(evidence.result, evidence, exit);
  }
}

/** No result came: never a success, whatever the exit code. */
function judgeSilence(evidence: Evidence, exit: ClaudeExit): Verdict {
  const where = evidence.began ? 'before its result' : 'before it began';
  const cut = evidence.cut ? ' Its last line was cut off.' : '';
  const said = exit.stderr.trim() === '' ? '' : ` It wrote: ${oneLine(exit.stderr, 500)}`;
  const killer = exit.by === 'exited' ? killedBy(exit) : undefined;
  if (killer !== undefined) {
    const message = `Claude Code was killed ${where}, by ${killer} from outside.${cut}${said}`;
    return { outcome: 'lost', error: { reason: 'killed', message } };
  }
  const reason = exit.code === 0 ? 'no_result' : 'exit';
  return failed(reason, `Claude Code ended ${where} (${exitWords(exit)}).${cut}${said}`);
}

const signalsOfOthers = { SIGHUP: 129, SIGINT: 130, SIGQUIT: 131, SIGKILL: 137, SIGTERM: 143 };

/** The signal that somebody else sent: Claude Code catches some of them and ends with 128 and the number. */
function killedBy({ code, signal }: ClaudeExit): string | undefined {
  return Object.entries(signalsOfOthers).find(
    ([name, ended]) => signal === name || code === ended,
  )?.[0];
}

function judgeResult(result: JsonObject, evidence: Evidence, exit: ClaudeExit): Verdict {
  const said = asList(result['errors']).map((text) => asString(text) ?? '');
  const message = oneLine(asString(result['result']) ?? said.join('; '), 1000);
  if (result['is_error'] === true || result['subtype'] !== 'success') {
    if (evidence.continuing && !evidence.began) return failed('session_missing', message);
    return judgeError(reasonOfResult(result, evidence), message, result, evidence);
  }
  if (exit.by === 'exited' && exit.code !== 0) {
    return failed('exit', `Claude Code answered, but ended with ${exitWords(exit)}: ${message}`);
  }
  if (wasStopped(result) || evidence.promptBlocked) {
    const terminal = asString(result['terminal_reason']) ?? 'the prompt was blocked';
    return failed('stopped', `It was stopped before it was done (${terminal}). ${message}`.trim());
  }
  return { outcome: 'completed' };
}

function judgeError(
  reason: TurnErrorReason,
  message: string,
  result: JsonObject,
  evidence: Evidence,
): Verdict {
  const status = asNumber(result['api_error_status']);
  const error: TurnError = {
    reason,
    message,
    ...(status === undefined ? {} : { status }),
    ...(evidence.resetsAtMs === undefined ? {} : { resetsAtMs: evidence.resetsAtMs }),
  };
  if (reason === 'max_turns' || reason === 'max_usd') return { outcome: 'exhausted', error };
  if (reason === 'rate_limit' || reason === 'overloaded') return { outcome: 'throttled', error };
  return { outcome: 'failed', error };
}

function failed(reason: TurnErrorReason, message: string): Verdict {
  return { outcome: 'failed', error: { reason, message } };
}

function exitWords(exit: ClaudeExit): string {
  return exit.signal === null ? `exit code ${exit.code ?? 'unknown'}` : `signal ${exit.signal}`;
}
