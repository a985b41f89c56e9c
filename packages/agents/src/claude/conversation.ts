import type { Interpreter } from './interpreter.js';

/** What the conversation needs of the process. */
export interface Line {
  write(text: string): void;
  /** No more input: the agent finishes what it has and exits. */
  closeStdin(): void;
  /** Ends the process and all it started. */
  end(): void;
}

export interface Patience {
  /** After its last answer, until the agent exits. */
  readonly lingerMs: number;
  /** After its last answer, for shell commands that still run. */
  readonly backgroundMs: number;
  /** After a request to stop. */
  readonly interruptMs: number;
}

/** Decides when a conversation is over. Every turn ends because of it, or because the process does. */
export interface Conversation {
  /** To be called after each line that the agent wrote. */
  proceed(): void;
  cancel(): void;
  /** The process has ended. */
  close(): void;
  /** What we did to end it, if anything. */
  readonly stopped: 'cancelled' | 'lingered' | undefined;
}

/** A turn that the end of a background task starts comes at once; without one, nothing comes. */
const quietMs = 1000;

export function createConversation(
  line: Line,
  interpreter: Pick<Interpreter, 'answered' | 'background'>,
  patience: Patience,
): Conversation {
  let timer: NodeJS.Timeout | undefined;
  let waitingFor: 'exit' | 'shells' | 'agents' | 'another turn' | undefined;
  let over = false;
  let stdinClosed = false;
  let stopped: Conversation['stopped'];

  function wait(what: typeof waitingFor, ms?: number, then?: () => void): void {
    if (waitingFor === what) return;
    waitingFor = what;
    clearTimeout(timer);
    if (ms !== undefined && then !== undefined) timer = setTimeout(then, ms);
  }

  function end(): void {
    stopped ??= 'lingered';
    line.end();
  }

  function finish(): void {
    if (!stdinClosed) line.closeStdin();
    stdinClosed = true;
    wait('exit', patience.lingerMs, end);
  }

  return {
    proceed() {
      if (over) return;
      if (stopped === 'cancelled') {
        if (interpreter.answered && !stdinClosed) {
          stdinClosed = true;
          line.closeStdin();
        }
        return;
      }
      const { background } = interpreter;
      if (!interpreter.answered) wait(undefined);
      else if (background.onlyShells) wait('shells', patience.backgroundMs, end);
      else if (background.running > 0) wait('agents');
      else if (background.everRan && !stdinClosed) wait('another turn', quietMs, finish);
      else finish();
    },
    cancel() {
      // Once it is only its exit that is awaited, its answer stands.
      if (over || stopped !== undefined) return;
      if (waitingFor === 'exit') {
        end();
        return;
      }
      stopped = 'cancelled';
      clearTimeout(timer);
      if (interpreter.answered) {
        line.end();
        return;
      }
      // Asked politely it writes down its conversation and its cost.
      const request = {
        type: 'control_request',
        request_id: 'cancel',
        request: { subtype: 'interrupt' },
      };
      line.write(`${JSON.stringify(request)}\n`);
      timer = setTimeout(() => line.end(), patience.interruptMs);
    },
    close() {
      over = true;
      clearTimeout(timer);
    },
    get stopped() {
      return stopped;
    },
  };
}
