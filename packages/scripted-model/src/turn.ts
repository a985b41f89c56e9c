import type { Json } from './json.js';

/** Text that the model says. */
export interface TextBlock {
  readonly text: string;
}

/** Reasoning that the model shows. `signature` is what Anthropic attaches to it. */
export interface ThinkingBlock {
  readonly thinking: string;
  readonly signature?: string;
}

/** A tool call. `id` is drawn at random when it is not given. */
export interface ToolBlock {
  readonly tool: string;
  readonly input?: Json;
  readonly id?: string;
}

/** One block of an answer. */
export type Block = TextBlock | ThinkingBlock | ToolBlock;

/** Tokens of one answer. Names are Anthropic's; other dialects get the same numbers under theirs. */
export interface Usage {
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly cache_creation_input_tokens: number;
  readonly cache_read_input_tokens: number;
}

/** A fault of one turn: on the first `times` attempts (default: on every one). */
export interface Fault {
  readonly times?: number;
}

/** An answer with an HTTP error status instead of content. */
export interface ErrorFault extends Fault {
  /** 400 to 599; default 500. */
  readonly status?: number;
  /** The dialect's error type; default: the one that belongs to the status. */
  readonly type?: string;
  readonly message?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** An error event inside the stream, after that many pieces (default 1). */
export interface StreamErrorFault extends Fault {
  readonly after?: number;
  readonly type?: string;
  readonly message?: string;
}

/** The connection is destroyed after that many pieces (default 0: before the first byte). */
export interface CutFault extends Fault {
  readonly after?: number;
}

/** Where an answer is withheld until that many distinct conversations have a request open at once. */
export interface BarrierPoint {
  readonly name: string;
  readonly parties: number;
}

/**
 * One answer of the model. `thinking`, `text` and `tool`/`input`/`id` are short for one block each,
 * in this order; `blocks` says the same at length and replaces them.
 *
 * In every text, tool input, error message, file and barrier name these are replaced:
 * `{{lastToolResult}}`, `{{prompt}}` (first user message, markers removed), `{{model}}`, `{{turn}}`,
 * `{{env:NAME}}`, `{{match:REGEX}}` (first group, sought in the last tool result, then everywhere).
 */
export interface TurnDetails {
  readonly text?: string;
  readonly thinking?: string;
  readonly tool?: string;
  readonly input?: Json;
  readonly id?: string;
  readonly blocks?: readonly Block[];
  /** Default `tool_use` when a tool is called, else `end_turn`. Mapped to the dialect's word. */
  readonly stop?: string;
  readonly usage?: Partial<Usage>;
  /** Extra response headers. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Withheld until this file exists (absolute path). */
  readonly waitFor?: { readonly file: string };
  readonly barrier?: BarrierPoint;
  /** Pause before anything is sent. */
  readonly delayMs?: number;
  /** Pause after the headers. */
  readonly firstByteMs?: number;
  /** Length of a streamed piece; default: one piece per block. */
  readonly chunkChars?: number;
  /** Pause after each streamed piece. */
  readonly chunkMs?: number;
  readonly error?: ErrorFault;
  readonly streamError?: StreamErrorFault;
  readonly cut?: CutFault;
  /** Never answered, until the client goes away. */
  readonly hang?: boolean | Fault;
}

/** One answer: its text, its blocks, or everything about it. */
export type Turn = string | readonly Block[] | TurnDetails;

/** The answers of a conversation, in order. */
export type Script = Turn | readonly Turn[] | { readonly turns: readonly Turn[] };

/** A named script; `match` (a regular expression) selects it for a user message without a marker. */
export type Scenario = Script | { readonly match?: string; readonly turns: readonly Turn[] };

/** What a scenarios file holds. */
export interface ScenarioFile {
  readonly scenarios?: Readonly<Record<string, Scenario>>;
  /** For conversations that no marker, match or fallback covers. */
  readonly default?: Script;
}
