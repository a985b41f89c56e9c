import { isObject, objectsOf, stringOf } from '../json.js';
import type { Json, JsonObject } from '../json.js';
import type { Block } from '../turn.js';
import { isCall } from './dialect.js';
import type { Answer, Dialect } from './dialect.js';
import { cutIntoPieces, EVENT_STREAM, freshId, writeEvent } from './sse.js';

const ERROR_TYPES: Readonly<Record<number, string>> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  402: 'billing_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  504: 'timeout_error',
  529: 'overloaded_error',
};

/** Anthropic Messages: `POST /v1/messages`. */
export const anthropic: Dialect = {
  name: 'anthropic',
  countMessages: (body) => objectsOf(body['messages']).length,
  readTools: (body) => objectsOf(body['tools']).map((tool) => stringOf(tool['name'])),
  readSession,

  readMessages(body, transcript) {
    const instructions = textOf(body['system']);
    if (instructions !== '') transcript.addSystem(instructions);
    for (const { role, content } of objectsOf(body['messages'])) {
      const blocks = typeof content === 'string' ? [textBlock(content)] : objectsOf(content);
      if (role === 'assistant') {
        if (blocks.length === 0) transcript.addAssistant('');
        for (const block of blocks)
          if (block['type'] === 'tool_use')
            transcript.addAssistant('', [
              { tool: stringOf(block['name']), input: block['input'] ?? {} },
            ]);
          else transcript.addAssistant(stringOf(block['text']));
      } else {
        for (const block of blocks)
          if (block['type'] === 'tool_result') transcript.addTool(textOf(block['content']));
          else if (role === 'system') transcript.addSystem(textOf(block));
          else transcript.addUser(textOf(block));
      }
    }
  },

  errorType: (status) => ERROR_TYPES[status] ?? 'api_error',
  writeError: ({ type, message }) => ({
    type: 'error',
    error: { type, message },
    request_id: freshId('req_'),
  }),
  writeStreamError: ({ type, message }) =>
    writeEvent('error', { type: 'error', error: { type, message } }),

  writeAnswer: (answer) => ({
    ...messageHead(answer),
    content: answer.blocks.map(contentBlock),
    stop_reason: stopReason(answer),
    usage: { ...answer.usage },
  }),

  writeStream(answer) {
    const pieces: string[] = [];
    const send = (type: string, data: JsonObject) =>
      pieces.push(writeEvent(type, { type, ...data }));
    const message = {
      ...messageHead(answer),
      content: [],
      stop_reason: null,
      usage: { ...answer.usage, output_tokens: 1 },
    };
    send('message_start', { message });
    answer.blocks.map(contentBlock).forEach((block, index) => {
      const { opening, deltas } = streamBlock(block, answer.chunkChars);
      send('content_block_start', { index, content_block: opening });
      for (const delta of deltas) send('content_block_delta', { index, delta });
      send('content_block_stop', { index });
    });
    const delta = { stop_reason: stopReason(answer), stop_sequence: null };
    send('message_delta', { delta, usage: { ...answer.usage } });
    send('message_stop', {});
    return { contentType: EVENT_STREAM, pieces };
  },
};

function textBlock(text: string): JsonObject {
  return { type: 'text', text };
}

function textOf(content: Json | undefined): string {
  if (typeof content === 'string') return content;
  if (isObject(content)) return stringOf(content['text']);
  return objectsOf(content).map(textOf).join('\n');
}

// Claude Code sends a JSON text, older versions a name that ends in the session.
function readSession(body: JsonObject): string | undefined {
  const user = isObject(body['metadata']) ? stringOf(body['metadata']['user_id']) : '';
  try {
    const parsed = JSON.parse(user) as Json;
    const session = isObject(parsed) ? stringOf(parsed['session_id']) : '';
    if (session !== '') return session;
  } catch {
    // Not JSON: the older form, or a name of somebody else's making.
  }
  return /_session_([\w-]+)$/.exec(user)?.[1];
}

function messageHead(answer: Answer): JsonObject {
  return {
    id: freshId('msg_'),
    type: 'message',
    role: 'assistant',
    model: answer.model,
    stop_sequence: null,
  };
}

function stopReason({ stop, blocks }: Answer): string {
  return stop ?? (blocks.some(isCall) ? 'tool_use' : 'end_turn');
}

function contentBlock(block: Block): JsonObject {
  if (isCall(block))
    return {
      type: 'tool_use',
      id: block.id ?? freshId('toolu_'),
      name: block.tool,
      input: block.input ?? {},
    };
  if ('thinking' in block)
    return { type: 'thinking', thinking: block.thinking, signature: block.signature ?? 'c2ln' };
  return textBlock(block.text);
}

function streamBlock(
  block: JsonObject,
  chunkChars: number | undefined,
): { opening: JsonObject; deltas: readonly JsonObject[] } {
  const pieces = (text: string) => cutIntoPieces(text, chunkChars);
  switch (block['type']) {
    case 'tool_use':
      return {
        opening: { ...block, input: {} },
        deltas: pieces(JSON.stringify(block['input'])).map((partial_json) => ({
          type: 'input_json_delta',
          partial_json,
        })),
      };
    case 'thinking':
      return {
        opening: { type: 'thinking', thinking: '', signature: '' },
        deltas: [
          ...pieces(stringOf(block['thinking'])).map((thinking) => ({
            type: 'thinking_delta',
            thinking,
          })),
          { type: 'signature_delta', signature: block['signature'] ?? '' },
        ],
      };
    default:
      return {
        opening: textBlock(''),
        deltas: pieces(stringOf(block['text'])).map((text) => ({ type: 'text_delta', text })),
      };
  }
}
