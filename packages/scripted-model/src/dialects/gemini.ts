import { isObject, objectsOf, stringOf } from '../json.js';
import type { Json, JsonObject } from '../json.js';
import type { Block } from '../turn.js';
import { isCall } from './dialect.js';
import type { Answer, Dialect } from './dialect.js';
import { cutIntoPieces, EVENT_STREAM, writeEvent } from './sse.js';

const ERROR_STATUSES: Readonly<Record<number, string>> = {
  400: 'INVALID_ARGUMENT',
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
  429: 'RESOURCE_EXHAUSTED',
  503: 'UNAVAILABLE',
  504: 'DEADLINE_EXCEEDED',
};

const STOPS: Readonly<Record<string, string>> = {
  end_turn: 'STOP',
  stop_sequence: 'STOP',
  tool_use: 'STOP',
  max_tokens: 'MAX_TOKENS',
  refusal: 'SAFETY',
};

/** Gemini: `POST .../models/MODEL:generateContent` and `:streamGenerateContent`. */
export const gemini: Dialect = {
  name: 'gemini',
  countMessages: (body) => objectsOf(body['contents']).length,
  readTools: (body) =>
    objectsOf(body['tools']).flatMap((tool) =>
      objectsOf(tool['functionDeclarations']).map((declared) => stringOf(declared['name'])),
    ),
  readSession: () => undefined,

  readMessages(body, transcript) {
    const instructions = body['systemInstruction'] ?? body['system_instruction'];
    if (isObject(instructions)) transcript.addSystem(partsText(instructions['parts']));
    for (const { role, parts } of objectsOf(body['contents'])) {
      if (role === 'model') {
        const said = objectsOf(parts).filter((part) => part['thought'] !== true);
        const calls = said.flatMap(({ functionCall: call }) =>
          isObject(call) ? [{ tool: stringOf(call['name']), input: call['args'] ?? {} }] : [],
        );
        transcript.addAssistant(partsText(said), calls);
      } else {
        for (const part of objectsOf(parts)) {
          const { functionResponse: result } = part;
          if (isObject(result)) transcript.addTool(resultText(result['response']));
          else transcript.addUser(stringOf(part['text']));
        }
      }
    }
  },

  errorType: (status) => ERROR_STATUSES[status] ?? (status < 500 ? 'INVALID_ARGUMENT' : 'INTERNAL'),
  writeError: ({ status, type, message }) => ({ error: { code: status, message, status: type } }),
  writeStreamError: ({ status, type, message }) =>
    writeEvent(undefined, { error: { code: status, message, status: type } }),

  writeAnswer: (answer) => candidate(answer, answer.blocks.map(partOf), true),

  writeStream(answer, _body, url) {
    const parts = answer.blocks.flatMap((block) => {
      if (isCall(block)) return [partOf(block)];
      const text = 'text' in block ? block.text : block.thinking;
      const thought = 'thinking' in block ? { thought: true } : {};
      return cutIntoPieces(text, answer.chunkChars).map((piece) => ({ text: piece, ...thought }));
    });
    // An answer without content still says that it ended.
    const steps = parts.length === 0 ? [[]] : parts.map((part) => [part]);
    const chunks = steps.map((step, index) => candidate(answer, step, index === steps.length - 1));
    if (url.searchParams.get('alt') === 'sse')
      return {
        contentType: EVENT_STREAM,
        pieces: chunks.map((data) => writeEvent(undefined, data)),
      };
    const pieces = chunks.map(
      (data, index) =>
        (index === 0 ? '[' : ',\n') +
        JSON.stringify(data) +
        (index === chunks.length - 1 ? ']' : ''),
    );
    return { contentType: 'application/json', pieces };
  },
};

function partsText(parts: Json | undefined): string {
  return objectsOf(parts)
    .map((part) => stringOf(part['text']))
    .filter((text) => text !== '')
    .join('\n');
}

function resultText(response: Json | undefined): string {
  if (isObject(response)) {
    const { output, error } = response;
    if (typeof output === 'string') return output;
    if (typeof error === 'string') return error;
  }
  return JSON.stringify(response ?? {});
}

function partOf(block: Block): JsonObject {
  if (isCall(block)) {
    const call = { name: block.tool, args: block.input ?? {} };
    return { functionCall: block.id === undefined ? call : { ...call, id: block.id } };
  }
  return 'text' in block ? { text: block.text } : { text: block.thinking, thought: true };
}

function candidate(answer: Answer, parts: readonly JsonObject[], last: boolean): JsonObject {
  const { usage, stop = 'end_turn' } = answer;
  const promptTokenCount =
    usage.input_tokens + usage.cache_creation_input_tokens + usage.cache_read_input_tokens;
  return {
    candidates: [
      {
        index: 0,
        content: { role: 'model', parts },
        ...(last ? { finishReason: STOPS[stop] ?? stop } : {}),
      },
    ],
    modelVersion: answer.model,
    usageMetadata: {
      promptTokenCount,
      cachedContentTokenCount: usage.cache_read_input_tokens,
      candidatesTokenCount: usage.output_tokens,
      totalTokenCount: promptTokenCount + usage.output_tokens,
    },
  };
}
