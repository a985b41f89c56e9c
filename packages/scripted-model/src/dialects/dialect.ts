import type { Json, JsonObject } from '../json.js';
import type { Transcript } from '../transcript.js';
import type { Block, Usage } from '../turn.js';

/** The wire formats that are spoken. */
export type DialectName = 'anthropic' | 'openai-chat' | 'openai-responses' | 'gemini';

/** An answer with nothing left to decide but its wire form. */
export interface Answer {
  readonly model: string;
  readonly blocks: readonly Block[];
  /** As scripted: in Anthropic's words or the dialect's own; undefined = what the blocks imply. */
  readonly stop: string | undefined;
  readonly usage: Usage;
  /** Longest streamed piece in characters; undefined = whole blocks. */
  readonly chunkChars: number | undefined;
}

/** A streamed answer: what is written, piece after piece. */
interface StreamedAnswer {
  readonly contentType: string;
  readonly pieces: readonly string[];
}

/** An error in no dialect. */
export interface AnswerError {
  readonly status: number;
  readonly type: string;
  readonly message: string;
}

/** One wire format: how its requests are read and its answers written. */
export interface Dialect {
  readonly name: DialectName;
  /** Adds the request's messages to the transcript. */
  readMessages(body: JsonObject, transcript: Transcript): void;
  /** How many messages the request carries, as its dialect counts them. */
  countMessages(body: JsonObject): number;
  /** Names of the tools offered. */
  readTools(body: JsonObject): readonly string[];
  /** The agent's own name for the conversation, when the body carries one. */
  readSession(body: JsonObject): string | undefined;
  /** The error type that belongs to an HTTP status. */
  errorType(status: number): string;
  writeError(error: AnswerError): JsonObject;
  writeAnswer(answer: Answer, body: JsonObject): Json;
  writeStream(answer: Answer, body: JsonObject, url: URL): StreamedAnswer;
  /** The piece that reports an error inside a stream. */
  writeStreamError(error: AnswerError): string;
}

/** Whether a block is a tool call. */
export function isCall(block: Block): block is Extract<Block, { tool: string }> {
  return 'tool' in block;
}
