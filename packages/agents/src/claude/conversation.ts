import { initializeLine, interruptLine, promptLine } from './control.js';
import type { Interpreter } from './interpreter.js';

/** What the conversation needs of the process. */
export interface Line {
  write(text: string): void;
  /** No more input: the agent finishes what it has and exits. */
  closeStdin(): void;
  /** Ends the process and all it started. */
  end(): void;
}

export interface Opening {
  readonly prompt: string;
  readonly trusted: boolean;
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
  /** The process runs. */
  begin(): void;
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
  interpreter: Pick<Interpreter, 'readiness' | 'answered' | 'background'>,
  options: Opening & Patience,
): Conversation {
  let timer: NodeJS.Timeout | undefined;
  let waitingFor: 'exit' | 'shells' | 'agents' | 'another turn' | undefined;
  let prompted = false;
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
    closeStdin();
    wait('exit', options.lingerMs, end);
  }

  function closeStdin(): void {
    if (!stdinClosed) line.closeStdin();
    stdinClosed = true;
  }

  return {
    begin() {
      if (stopped === undefined) line.write(initializeLine(options.trusted));
    },
    proceed() {
      if (over) return;
      if (stopped === 'cancelled') {
        if (interpreter.answered) closeStdin();
        return;
      }
      if (interpreter.readiness === 'refused') {
        finish();
        return;
      }
      if (interpreter.readiness === 'ready' && !prompted) {
        prompted = true;
        line.write(promptLine(options.prompt));
      }
      const { background } = interpreter;
      if (!interpreter.answered) wait(undefined);
      else if (background.onlyShells) wait('shells', options.backgroundMs, end);
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
      if (!prompted || interpreter.answered) {
        line.end();
        return;
      }
      // Asked politely it writes down its conversation and its cost.
      line.write(interruptLine());
      timer = setTimeout(() => line.end(), options.interruptMs);
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
