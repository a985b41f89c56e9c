import { isObject, objectsOf, stringOf } from '../json.js';
import type { Json, JsonObject } from '../json.js';
import { isCall } from './dialect.js';
import type { Answer, Dialect } from './dialect.js';
import { openAiErrorType, openAiStop, parseArguments } from './openai.js';
import { cutIntoPieces, EVENT_STREAM, freshId, writeEvent } from './sse.js';

/** OpenAI chat completions: `POST .../chat/completions`. */
export const openAiChat: Dialect = {
  name: 'openai-chat',
  countMessages: (body) => objectsOf(body['messages']).length,
  readTools: (body) =>
    objectsOf(body['tools']).map(({ function: described }) =>
      isObject(described) ? stringOf(described['name']) : '',
    ),
  readSession: () => undefined,

  readMessages(body, transcript) {
    for (const message of objectsOf(body['messages'])) {
      const text = textOf(message['content']);
      if (message['role'] === 'assistant')
        transcript.addAssistant(
          text,
          objectsOf(message['tool_calls']).map(({ function: call }) => ({
            tool: isObject(call) ? stringOf(call['name']) : '',
            input: isObject(call) ? parseArguments(call['arguments']) : {},
          })),
        );
      else if (message['role'] === 'tool') transcript.addTool(text);
      else if (message['role'] === 'user')
        for (const part of partsOf(message['content'])) transcript.addUser(part);
      else transcript.addSystem(text);
    }
  },

  errorType: openAiErrorType,
  writeError: ({ type, message }) => ({ error: { message, type, param: null, code: type } }),
  writeStreamError: ({ type, message }) =>
    writeEvent(undefined, { error: { message, type, code: type } }),

  writeAnswer(answer) {
    const calls = callsOf(answer);
    const thinking = thinkingOf(answer);
    const message = {
      role: 'assistant',
      content: textsOf(answer).join('') || null,
      ...(thinking.length > 0 ? { reasoning_content: thinking.join('') } : {}),
      ...(calls.length > 0 ? { tool_calls: calls } : {}),
    };
    return {
      id: freshId('chatcmpl-'),
      object: 'chat.completion',
      created: nowInSeconds(),
      model: answer.model,
      choices: [{ index: 0, message, logprobs: null, finish_reason: finishReason(answer) }],
      usage: usageOf(answer),
    };
  },

  writeStream(answer, body) {
    const head = {
      id: freshId('chatcmpl-'),
      object: 'chat.completion.chunk',
      created: nowInSeconds(),
      model: answer.model,
    };
    const pieces: string[] = [];
    const send = (delta: JsonObject, finish: string | null = null) => {
      const choices = [{ index: 0, delta, logprobs: null, finish_reason: finish }];
      pieces.push(writeEvent(undefined, { ...head, choices }));
    };
    const cut = (text: string) => cutIntoPieces(text, answer.chunkChars);
    send({ role: 'assistant', content: '' });
    for (const text of thinkingOf(answer))
      for (const reasoning_content of cut(text)) send({ reasoning_content });
    for (const text of textsOf(answer)) for (const content of cut(text)) send({ content });
    callsOf(answer).forEach(({ id, type, function: call }, index) => {
      const opening = { index, id, type, function: { name: call.name, arguments: '' } };
      send({ tool_calls: [opening] });
      for (const part of cut(call.arguments))
        send({ tool_calls: [{ index, function: { arguments: part } }] });
    });
    send({}, finishReason(answer));
    // As the real endpoint does: without being asked it reports no usage in a stream.
    const options = body['stream_options'];
    if (isObject(options) && options['include_usage'] === true)
      pieces.push(writeEvent(undefined, { ...head, choices: [], usage: usageOf(answer) }));
    pieces.push('data: [DONE]\n\n');
    return { contentType: EVENT_STREAM, pieces };
  },
};

function partsOf(content: Json | undefined): readonly string[] {
  return typeof content === 'string'
    ? [content]
    : objectsOf(content).map((part) => stringOf(part['text']));
}

function textOf(content: Json | undefined): string {
  return partsOf(content).join('\n');
}

function textsOf({ blocks }: Answer): readonly string[] {
  return blocks.flatMap((block) => ('text' in block ? [block.text] : []));
}

function thinkingOf({ blocks }: Answer): readonly string[] {
  return blocks.flatMap((block) => ('thinking' in block ? [block.thinking] : []));
}

function callsOf({ blocks }: Answer) {
  return blocks.filter(isCall).map(({ tool, input, id }) => ({
    id: id ?? freshId('call_'),
    type: 'function',
    function: { name: tool, arguments: JSON.stringify(input ?? {}) },
  }));
}

function finishReason({ stop, blocks }: Answer): string {
  if (stop === undefined) return blocks.some(isCall) ? 'tool_calls' : 'stop';
  return openAiStop(stop);
}

function usageOf({ usage }: Answer): JsonObject {
  // OpenAI counts cached tokens as part of the prompt, Anthropic beside it.
  const prompt_tokens =
    usage.input_tokens + usage.cache_creation_input_tokens + usage.cache_read_input_tokens;
  return {
    prompt_tokens,
    completion_tokens: usage.output_tokens,
    total_tokens: prompt_tokens + usage.output_tokens,
    prompt_tokens_details: { cached_tokens: usage.cache_read_input_tokens },
    completion_tokens_details: { reasoning_tokens: 0 },
  };
}

function nowInSeconds(): number {
  return Math.floor(Date.now() / 1000);
}
