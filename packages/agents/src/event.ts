import type { Json } from './json.js';

/** What every event may carry besides its own fields. */
export interface EventOrigin {
  /**
   * The driver's own event, with secrets replaced. Several events may come from one of the driver's;
   * the first of them carries it, so that a record of all `raw` values is the whole stream, once.
   */
  readonly raw?: Json;
  /** Id of the tool call that started the sub-agent which this event belongs to. Absent on the main thread. */
  readonly parent?: string;
}

/** The agent is up. Sent once a turn, before anything it says. */
export interface SessionStarted extends EventOrigin {
  readonly kind: 'session.started';
  /** Hand it to a later turn to continue the conversation. */
  readonly session: string;
  readonly model?: string;
  /** Version of the agent program. */
  readonly version?: string;
  /** Names of the tools that the agent has. */
  readonly tools?: readonly string[];
  /** Name of the credential in use, never its value. */
  readonly credential?: string;
}

export interface TextWritten extends EventOrigin {
  readonly kind: 'text';
  readonly text: string;
}

export interface ThinkingWritten extends EventOrigin {
  readonly kind: 'thinking';
  readonly text: string;
}

export interface ToolCalled extends EventOrigin {
  readonly kind: 'tool.called';
  readonly id: string;
  readonly name: string;
  readonly input: Json;
}

export interface ToolReturned extends EventOrigin {
  readonly kind: 'tool.returned';
  /** Id of the `tool.called` event that it answers. */
  readonly id: string;
  readonly failed: boolean;
  readonly text: string;
}

/** A tool call was refused. The turn goes on. */
export interface Denied extends EventOrigin {
  readonly kind: 'denied';
  readonly tool: string;
  readonly input: Json;
  readonly reason: string;
  /** `plan`: no rule allows it; `rule`: a rule forbids it; `agent`: the agent refused, and did not say why. */
  readonly by: 'plan' | 'rule' | 'agent';
}

/** Tokens of one message of the model, reported once for each message. */
export interface UsageReported extends EventOrigin, Usage {
  readonly kind: 'usage';
  readonly messageId: string;
  readonly model: string;
}

export interface Usage {
  readonly inputTokens: number;
  /** In a `usage` event a lower bound: the message may not be finished. The totals in `end` are exact. */
  readonly outputTokens: number;
  readonly cacheReadTokens: number;
  readonly cacheWriteTokens: number;
}

/** The model could not be reached, or refused; the agent asks again by itself. */
export interface Retrying extends EventOrigin {
  readonly kind: 'retrying';
  /** 1 for the first repetition. */
  readonly attempt: number;
  readonly reason: string;
  readonly delayMs: number;
  /** HTTP status; null when there was no answer at all. */
  readonly status: number | null;
}

/** Something worth a line in a log. `debug`: kept for completeness only. */
export interface Notice extends EventOrigin {
  readonly kind: 'notice';
  readonly level: 'debug' | 'info' | 'warning' | 'error';
  readonly text: string;
}

/** One line of output that is not part of the conversation. */
export interface OutputWritten extends EventOrigin {
  readonly kind: 'output';
  readonly stream: 'stdout' | 'stderr';
  /** The line, without its line end. */
  readonly text: string;
  /** Present when `text` is a part of the line only: the rest is in another event, or left out (a notice says so). */
  readonly part?: 'start' | 'end';
}

/**
 * How a turn ended:
 * - `completed`: the agent answered. Whether it did what was asked is not decided here.
 * - `failed`: it could not be started, broke, or the model refused it; `error` says which.
 * - `cancelled`: by `cancel()`, the signal, or the owner.
 * - `timed_out`: it ran longer than `wallMs`.
 * - `stalled`: it was silent for longer than `idleMs`.
 * - `exhausted`: it used up its turns or its budget.
 * - `throttled`: the provider's limit or overload outlasted the agent's own repetitions.
 * - `lost`: an agent with a conversation was killed by a signal that nobody here sent; it can be continued.
 */
export type TurnOutcome =
  | 'completed'
  | 'failed'
  | 'cancelled'
  | 'timed_out'
  | 'stalled'
  | 'exhausted'
  | 'throttled'
  | 'lost';

/**
 * Why a turn did not complete.
 *
 * `not_started`, `no_result` (the agent ended without an answer), `exit` (exit code or signal), `killed` (a
 * signal from outside), `session_missing` (nothing to continue), `authentication`, `billing`, `rate_limit`, `overloaded`,
 * `server`, `network`, `model_not_found`, `invalid_request`, `refused` (by the model),
 * `max_output_tokens`, `max_turns`, `max_usd`, `structured_output` (never valid), `stopped` (by a hook
 * of a trusted project), `output` (a command's output is not what it should be), `output_limit` (more
 * output than allowed), `cancelled`, `wall_time`, `idle_time`, `unknown`.
 */
export type TurnErrorReason =
  | 'not_started'
  | 'no_result'
  | 'exit'
  | 'killed'
  | 'session_missing'
  | 'authentication'
  | 'billing'
  | 'rate_limit'
  | 'overloaded'
  | 'server'
  | 'network'
  | 'model_not_found'
  | 'invalid_request'
  | 'refused'
  | 'max_output_tokens'
  | 'max_turns'
  | 'max_usd'
  | 'structured_output'
  | 'stopped'
  | 'output'
  | 'output_limit'
  | 'cancelled'
  | 'wall_time'
  | 'idle_time'
  | 'unknown';

export interface TurnError {
  readonly reason: TurnErrorReason;
  /** For people. Nothing may be decided from its words. */
  readonly message: string;
  /** HTTP status of the model's answer, where that is what failed. */
  readonly status?: number;
  /** When the provider's limit is lifted, as it says itself. Milliseconds since 1970. */
  readonly resetsAtMs?: number;
}

export interface Denial {
  readonly tool: string;
  /** One line, at most 200 characters. */
  readonly input: string;
  readonly reason: string;
}

/** The last event of every turn; there is exactly one. */
export interface TurnEnded extends EventOrigin {
  readonly kind: 'end';
  readonly outcome: TurnOutcome;
  /** Present unless the outcome is `completed`. */
  readonly error?: TurnError;
  /** The last thing the agent said, at most 2,000 characters. Prose: nothing may be decided from it. */
  readonly summary: string;
  /** The structured output. Absent when there was none, even if one was asked for. */
  readonly output?: Json;
  /** Every refused tool call, once. */
  readonly denials: readonly Denial[];
  /** Tokens of this turn, sub-agents included; a lower bound when the agent was ended before its result. */
  readonly usage: Usage;
  /** List-price estimate for this turn, sub-agents included; null when it is not known. */
  readonly usd: number | null;
  /** Messages of the model, as the agent counts them. */
  readonly turns: number;
  /** Absent when the agent never came up. */
  readonly session?: string;
  readonly exit: { readonly code: number | null; readonly signal: string | null };
  readonly durationMs: number;
  readonly version?: string;
  /** Processes of this turn that could not be ended. Normally 0. */
  readonly left: number;
}

/** One thing that happened in a turn. */
export type AgentEvent =
  | SessionStarted
  | TextWritten
  | ThinkingWritten
  | ToolCalled
  | ToolReturned
  | Denied
  | UsageReported
  | Retrying
  | Notice
  | OutputWritten
  | TurnEnded;
