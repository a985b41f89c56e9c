import type { Json } from '../json.js';
import type { AgentSettings, OutputSpec } from '../graph/graph.js';

/** One attempt, as the coordinator asks an agent to make it. */
export interface AgentRequest {
  readonly run: string;
  /** Instance id: the task's id, or `<id>-<8 hex>` for an item of a fan-out. */
  readonly task: string;
  /** What people read: `fix`, or `fix[412]`. */
  readonly label: string;
  readonly attempt: number;
  /** Name of the workspace. Tasks that continue another's conversation share its workspace and its name. */
  readonly place: string;
  readonly agent: AgentSettings;
  /** The command to run, for a `command` agent: references resolved. */
  readonly argv: readonly string[] | undefined;
  /** The message to send. For a continued session: the findings, or the request to go on. */
  readonly prompt: string;
  /**
   * Findings that a continued conversation must have heard, once. Where an interrupted attempt did not get
   * to send them they are sent instead of `prompt`; a conversation that starts anew gets them after `original`.
   */
  readonly owed?: string;
  /** Absolute path of the prepared workspace; the same for every attempt of a task. */
  readonly workspace: string;
  /**
   * The conversation. `new` starts it under this id; `continue` goes on with it. A driver that
   * cannot find it any more starts anew and says so in {@link AgentEnd.session}.
   */
  readonly session: { readonly id: string; readonly mode: 'new' | 'continue' };
  /** The task's own prompt, for when the conversation to continue is gone. Equal to `prompt` in a first attempt. */
  readonly original: string;
  /** Values of `inputs:` and of the item, offered as `ORCH_INPUT_<NAME>` and `$ORCH_INPUTS/<name>.json`. */
  readonly inputs: { readonly [name: string]: Json };
  /** Extra environment of the plan. Credentials of the agent are added by the driver, not here. */
  readonly env: { readonly [name: string]: string };
  readonly output: OutputSpec | undefined;
  /** Where the result may lie, as git glob pathspecs; not enforced by the agent but by the verdict. */
  readonly writes: readonly string[] | undefined;
  /** Wall-clock limit of the attempt in milliseconds, and the longest silence allowed. */
  readonly timeoutMs: number;
  readonly idleMs: number;
}

/** Something that happened in a running attempt; only for showing. The session file keeps everything. */
export interface AgentProgress {
  readonly kind: 'text' | 'tool' | 'denial' | 'notice' | 'output' | 'usage';
  /** One line, already without control characters. */
  readonly text: string;
  /** Cost of the attempt so far in US dollars, where the driver knows it. */
  readonly usd?: number;
}

/** Tokens of one attempt. */
export interface AgentUsage {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cacheReadTokens: number;
  readonly cacheWriteTokens: number;
}

/** A tool call that was refused. */
export interface AgentDenial {
  readonly tool: string;
  /** The refused input, shortened to one line of at most 200 characters. */
  readonly input: string;
  readonly reason: string;
}

/**
 * How the agent's process ended. This says nothing about the task: the verdict is derived from
 * effects, outputs and gates (`verdict.ts`).
 */
export type AgentOutcome =
  | 'completed'
  | 'failed'
  | 'cancelled'
  | 'timed_out'
  | 'stalled'
  | 'exhausted'
  | 'throttled'
  | 'lost';

/** The end record of an attempt. When a caller holds one, it is durable in the session file. */
export interface AgentEnd {
  readonly outcome: AgentOutcome;
  /** What failed, in one line. Absent when `completed`. */
  readonly error?: string;
  /** Last words of the agent, at most 2,000 characters. Never decides anything. */
  readonly summary: string;
  /** The declared output, not yet checked against its schema. */
  readonly output?: Json;
  readonly denials: readonly AgentDenial[];
  readonly usage: AgentUsage;
  /** US dollars, or `null` when unknown. Unknown is never 0. */
  readonly usd: number | null;
  readonly turns: number;
  /** The session that was really used (it differs from the asked one when that was not found). */
  readonly session: string;
  readonly exit: { readonly code: number | null; readonly signal: string | null };
  readonly durationMs: number;
  /** Version of the agent program, as it reported it. */
  readonly version?: string;
  /** Processes of this attempt that could not be ended. Always 0 unless something is wrong. */
  readonly left: number;
}

/** What an attempt cost. Every attempt has one, however it ended. */
export type AgentSpent = Pick<AgentEnd, 'usage' | 'usd'>;

/** Runs attempts. Implemented by core over the drivers of `@orch/agents`. */
export interface Agent {
  /**
   * Makes one attempt. Resolves only after the end record is durable in the session file.
   * An aborted `signal` ends the processes and resolves with `cancelled`.
   * @throws when the attempt could not be started at all (nothing was asked of the agent).
   */
  run(
    request: AgentRequest,
    context: {
      readonly signal: AbortSignal;
      readonly onProgress: (progress: AgentProgress) => void;
    },
  ): Promise<AgentEnd>;
  /**
   * What an attempt made under an earlier leader left durably: its end record, if it got that far, and
   * the conversation it was really in. `spent` is what the session says it cost, where there is no end record:
   * tokens as far as they were reported, and `usd: null` unless it is certain.
   */
  recover(
    run: string,
    task: string,
    attempt: number,
  ): Promise<{
    readonly end?: AgentEnd;
    readonly session?: string;
    readonly spent?: AgentSpent;
  }>;
  /** Ends every process that a dead leader of this run left behind; resolves with how many there were. */
  reap(run: string): Promise<number>;
  /** Processes of this run that are alive now, and how surely that is known. */
  left(run: string): Promise<{ readonly count: number; readonly level: string }>;
}
