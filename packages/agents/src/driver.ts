import type { ProcessOwner } from '@orch/process';
import type { AgentEvent } from './event.js';

/** Where a turn runs and how long it may take; the same for every driver. */
export interface TurnRequest {
  /** Absolute path of the directory that the agent works in. */
  readonly cwd: string;
  /** The complete environment: nothing is inherited. Drivers add what they document. */
  readonly env: Readonly<Record<string, string>>;
  readonly limits?: TurnLimits;
  /** Values to replace by `[redacted]` in every event. Fewer than 6 characters: left alone. */
  readonly secrets?: readonly string[];
}

export interface TurnLimits {
  /** Longest time. Default: no limit. */
  readonly wallMs?: number;
  /** Longest silence. Default: no limit. */
  readonly idleMs?: number;
  /** Between asking the processes to end and ending them by force. Default 2000. */
  readonly graceMs?: number;
}

export interface TurnContext {
  /** Starts the agent's process, and ends it and all it started for certain. */
  readonly owner: ProcessOwner;
  /** Aborting it is `cancel()`. */
  readonly signal?: AbortSignal;
}

/** A turn that runs. */
export interface Turn {
  /**
   * What happens, as it happens; always ends with exactly one `end` event, and never throws. It can be
   * read once. Leaving the loop early cancels the turn. A reader that is slow slows the agent down.
   */
  readonly events: AsyncIterable<AgentEvent>;
  /** Asks the agent to stop, and ends its processes if it does not. The `end` event still comes. */
  cancel(): void;
  /** Process id; undefined when the program could not be started (the `end` event says why). */
  readonly pid: number | undefined;
}

export interface Capabilities {
  /** A later turn can continue the conversation of an earlier one. */
  readonly continues: boolean;
  /** It can be made to answer with a value that fits a JSON Schema. */
  readonly structuredOutput: boolean;
  readonly reportsCost: boolean;
  readonly reportsDenials: boolean;
  /** It can be stopped in a way that keeps its conversation and its cost. */
  readonly interruptible: boolean;
}

/** Whether a driver can work here. */
export type Detection =
  | {
      readonly available: true;
      /** Absolute path of the program; absent for a driver that needs none. */
      readonly executable?: string;
      readonly version?: string;
      /** Where credentials were found: names and paths, never values. */
      readonly credentials: readonly string[];
      /** What will not work as expected, each with what to do about it. */
      readonly warnings: readonly string[];
    }
  | {
      readonly available: false;
      /** What is missing, where it was looked for, and what to do. */
      readonly reason: string;
    };

/** Our adapter to one kind of agent. */
export interface AgentDriver<Request extends TurnRequest = TurnRequest> {
  readonly name: string;
  readonly capabilities: Capabilities;
  /** Looks for the agent and its credentials in an environment such as `process.env`. Never throws. */
  detect(environment: Readonly<Record<string, string | undefined>>): Promise<Detection>;
  /**
   * Starts one turn. Throws `AgentsError` when the request is not valid; a program that cannot be
   * started is a turn with the outcome `failed`.
   */
  start(request: Request, context: TurnContext): Promise<Turn>;
}
