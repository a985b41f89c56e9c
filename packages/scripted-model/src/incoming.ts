import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { countTurns, firstPrompt, sha256, withoutMarkers } from './conversation.js';
import type { ConversationMessage, ConversationRequest } from './conversation.js';
import type { SelectedDialect } from './dialects/select.js';
import { stringOf } from './json.js';
import type { JsonObject } from './json.js';
import { createTranscript } from './transcript.js';

// Agents send whole conversations, with images: large, but not without bound.
const LARGEST_BODY_BYTES = 128 * 1024 * 1024;

/** The request's body as text. Rejects when it is larger than 128 MiB or the client goes away. */
export async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > LARGEST_BODY_BYTES)
      throw new Error(`the request is larger than ${LARGEST_BODY_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Reads a model request in the terms of no dialect. */
export function readConversation(
  { dialect, model, stream }: SelectedDialect,
  body: JsonObject,
  headers: IncomingHttpHeaders,
): ConversationRequest {
  const transcript = createTranscript();
  dialect.readMessages(body, transcript);
  const { messages } = transcript;
  return {
    dialect: dialect.name,
    model: model ?? stringOf(body['model']),
    stream: stream ?? body['stream'] === true,
    conversation: dialect.readSession(body) ?? sessionHeader(headers) ?? hashOpening(messages),
    messages,
    prompt: withoutMarkers(firstPrompt(messages)),
    tools: dialect.readTools(body),
    turn: countTurns(messages),
  };
}

// Claude Code, Codex (new and old), OpenCode.
const SESSION_HEADERS = [
  'x-claude-code-session-id',
  'session-id',
  'session_id',
  'conversation_id',
  'x-session-id',
];

function sessionHeader(headers: IncomingHttpHeaders): string | undefined {
  for (const name of SESSION_HEADERS) {
    const value = headers[name];
    if (typeof value === 'string' && value !== '') return value;
  }
  return undefined;
}

// Up to and with the first user message: the instructions before it name the directory and so tell
// apart two agents with the same prompt.
function hashOpening(messages: readonly ConversationMessage[]): string {
  const first = messages.findIndex(({ role }) => role === 'user');
  const opening = messages.slice(0, first < 0 ? undefined : first + 1).map(({ text }) => text);
  return `prompt:${sha256(JSON.stringify(opening)).slice(0, 16)}`;
}
