import { createHash } from 'node:crypto';
import type { DialectName } from './dialects/dialect.js';
import { canonicalJson } from './json.js';
import type { Json } from './json.js';
import { mapOutsideMarkers } from './markers.js';

/** A tool call that the model made earlier in the conversation. */
export interface ToolCall {
  readonly tool: string;
  readonly input: Json;
}

/** One message of a conversation, whatever the dialect. */
export interface ConversationMessage {
  /**
   * `user`: what a person or an orchestrator said. `system`: instructions, and what the agent adds
   * by itself (reminders, notifications, environment), even where its dialect calls that user.
   */
  readonly role: 'user' | 'assistant' | 'tool' | 'system';
  readonly text: string;
  /** Calls of an assistant message; empty for other roles. */
  readonly calls: readonly ToolCall[];
  /** An assistant message that the agent made up and no model said: it is not a turn. */
  readonly synthetic: boolean;
}

/** A model request, read: what a fallback gets to decide on its answer. */
export interface ConversationRequest {
  readonly dialect: DialectName;
  readonly model: string;
  readonly stream: boolean;
  /** The agent's session id where it sends one, else `prompt:` and a hash of its first messages. */
  readonly conversation: string;
  /** Oldest first. */
  readonly messages: readonly ConversationMessage[];
  /** The first user message with text, without script markers. */
  readonly prompt: string;
  /** Names of the tools that the model may call. */
  readonly tools: readonly string[];
  /** Answers of the model so far. */
  readonly turn: number;
}

/** How many of these messages a model answered. */
export function countTurns(messages: readonly ConversationMessage[]): number {
  return messages.filter(({ role, synthetic }) => role === 'assistant' && !synthetic).length;
}

// What Claude Code writes as the result of a call that it broke off because whom it asks for permission is gone,
// and, after `--resume`, of one that it never finished.
const BROKEN_OFF =
  /^(?:The user doesn't want to (?:take this action|proceed with this tool use)|\[Tool call interrupted|\[Request interrupted by user)/;

/**
 * How far a script has come: the answers so far, without one whose calls were broken off. A model whose
 * call came to nothing makes it again.
 */
export function countPlayed(messages: readonly ConversationMessage[]): number {
  const brokenOff = messages.filter(
    ({ role, synthetic }, at) =>
      role === 'assistant' &&
      !synthetic &&
      messages[at + 1]?.role === 'tool' &&
      BROKEN_OFF.test(messages[at + 1]?.text ?? ''),
  );
  return countTurns(messages) - brokenOff.length;
}

/** The text of the last message of that role, or the empty string. */
export function lastText(
  messages: readonly ConversationMessage[],
  role: ConversationMessage['role'],
): string {
  return messages.findLast((message) => message.role === role)?.text ?? '';
}

/** The text of the first user message, or the empty string. */
export function firstPrompt(messages: readonly ConversationMessage[]): string {
  return messages.find(({ role }) => role === 'user')?.text ?? '';
}

/** A prompt without the markers that script it. */
export function withoutMarkers(text: string): string {
  return mapOutsideMarkers(
    text,
    (part) => part,
    () => '',
  ).trim();
}

/**
 * Equal for two requests that ask the same question: the texts and tool calls of user, assistant
 * and tools. Not in it: instructions, reminders, reasoning, ids, message boundaries of one speaker.
 */
export function hashQuestion(messages: readonly ConversationMessage[]): string {
  const asked = messages
    .filter(({ role, synthetic }) => role !== 'system' && !synthetic)
    .map(({ role, text, calls }): Json => [
      role,
      text.trim(),
      ...calls.map(({ tool, input }): Json => [tool, input]),
    ]);
  return sha256(canonicalJson(asked));
}

/** The lower-case hexadecimal SHA-256 of a text. */
export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
