import { isObject, objectsOf, stringOf } from '../json.js';
import type { Json, JsonObject } from '../json.js';
import type { Block } from '../turn.js';
import { isCall } from './dialect.js';
import type { Answer, Dialect } from './dialect.js';
import { openAiErrorType, openAiStop, parseArguments } from './openai.js';
import { cutIntoPieces, EVENT_STREAM, freshId, writeEvent } from './sse.js';

/** OpenAI Responses: `POST .../responses`. */
export const openAiResponses: Dialect = {
  name: 'openai-responses',
  countMessages: (body) => itemsOf(body).length,
  readTools: (body) =>
    objectsOf(body['tools']).map((tool) => stringOf(tool['name']) || stringOf(tool['type'])),
  readSession: ({ client_metadata: client }) =>
    isObject(client) ? stringOf(client['session_id']) || undefined : undefined,

  readMessages(body, transcript) {
    if (stringOf(body['instructions']) !== '') transcript.addSystem(stringOf(body['instructions']));
    for (const item of itemsOf(body)) {
      const type = stringOf(item['type']);
      if (type.endsWith('_call_output')) transcript.addTool(textOf(item['output']));
      else if (type.endsWith('_call'))
        transcript.addAssistant('', [
          {
            tool: stringOf(item['name']) || type,
            input: parseArguments(item['arguments'] ?? item['input']),
          },
        ]);
      else if (type === 'reasoning') transcript.addAssistant('');
      else if (item['role'] === 'assistant') transcript.addAssistant(textOf(item['content']));
      else if (item['role'] === 'user')
        for (const part of partsOf(item['content'])) transcript.addUser(part);
      else transcript.addSystem(textOf(item['content']));
    }
  },

  errorType: openAiErrorType,
  writeError: ({ type, message }) => ({ error: { message, type, param: null, code: type } }),
  writeStreamError({ type, message }) {
    const response = {
      id: freshId('resp_'),
      object: 'response',
      status: 'failed',
      error: { code: type, message },
      output: [],
    };
    return writeEvent('response.failed', { type: 'response.failed', response });
  },

  writeAnswer: (answer, body) =>
    responseOf(answer, freshId('resp_'), endOf(answer), outputOf(answer, customToolsOf(body))),

  writeStream(answer, body) {
    const id = freshId('resp_');
    const output = outputOf(answer, customToolsOf(body));
    const pieces: string[] = [];
    const send = (type: string, data: JsonObject) =>
      pieces.push(writeEvent(type, { type, sequence_number: pieces.length, ...data }));
    const started = responseOf(answer, id, 'in_progress', []);
    send('response.created', { response: started });
    send('response.in_progress', { response: started });
    output.forEach((item, output_index) => {
      const place = { item_id: item['id'] ?? '', output_index };
      send('response.output_item.added', { output_index, item: { ...item, ...openingOf(item) } });
      streamItem(item, answer.chunkChars, (type, data) => send(type, { ...place, ...data }));
      send('response.output_item.done', { output_index, item });
    });
    const end = endOf(answer);
    send(`response.${end}`, { response: responseOf(answer, id, end, output) });
    return { contentType: EVENT_STREAM, pieces };
  },
};

function itemsOf(body: JsonObject): readonly JsonObject[] {
  return typeof body['input'] === 'string'
    ? [{ role: 'user', content: body['input'] }]
    : objectsOf(body['input']);
}

function partsOf(content: Json | undefined): readonly string[] {
  return typeof content === 'string'
    ? [content]
    : objectsOf(content).map((part) => stringOf(part['text']));
}

function textOf(content: Json | undefined): string {
  return partsOf(content).join('\n');
}

// A tool of this type takes one text instead of JSON arguments.
function customToolsOf(body: JsonObject): ReadonlySet<string> {
  const custom = objectsOf(body['tools']).filter((tool) => tool['type'] === 'custom');
  return new Set(custom.map((tool) => stringOf(tool['name'])));
}

function endOf({ stop }: Answer): 'completed' | 'incomplete' {
  return stop !== undefined && ['length', 'content_filter'].includes(openAiStop(stop))
    ? 'incomplete'
    : 'completed';
}

function responseOf(
  answer: Answer,
  id: string,
  status: string,
  output: readonly JsonObject[],
): JsonObject {
  const { usage } = answer;
  const input_tokens =
    usage.input_tokens + usage.cache_creation_input_tokens + usage.cache_read_input_tokens;
  const reason =
    openAiStop(answer.stop ?? '') === 'length' ? 'max_output_tokens' : 'content_filter';
  return {
    id,
    object: 'response',
    created_at: Math.floor(Date.now() / 1000),
    model: answer.model,
    status,
    error: null,
    incomplete_details: status === 'incomplete' ? { reason } : null,
    output,
    usage:
      status === 'in_progress'
        ? null
        : {
            input_tokens,
            input_tokens_details: { cached_tokens: usage.cache_read_input_tokens },
            output_tokens: usage.output_tokens,
            output_tokens_details: { reasoning_tokens: 0 },
            total_tokens: input_tokens + usage.output_tokens,
          },
  };
}

function outputOf(answer: Answer, customTools: ReadonlySet<string>): readonly JsonObject[] {
  return answer.blocks.map((block) => outputItem(block, customTools));
}

function outputItem(block: Block, customTools: ReadonlySet<string>): JsonObject {
  const status = 'completed';
  if (isCall(block)) {
    const { tool: name, input = {} } = block;
    const call_id = block.id ?? freshId('call_');
    if (customTools.has(name)) {
      const text = isObject(input) ? input['input'] : input;
      return {
        type: 'custom_tool_call',
        id: freshId('ctc_'),
        call_id,
        name,
        input: stringOf(text),
      };
    }
    const call = { call_id, name, arguments: JSON.stringify(input), status };
    return { type: 'function_call', id: freshId('fc_'), ...call };
  }
  if ('thinking' in block) {
    const summary = [{ type: 'summary_text', text: block.thinking }];
    return { type: 'reasoning', id: freshId('rs_'), summary };
  }
  const content = [{ type: 'output_text', text: block.text, annotations: [] }];
  return { type: 'message', id: freshId('msg_'), role: 'assistant', status, content };
}

// What an item lacks when it is announced.
function openingOf(item: JsonObject): JsonObject {
  switch (item['type']) {
    case 'function_call':
      return { arguments: '', status: 'in_progress' };
    case 'custom_tool_call':
      return { input: '' };
    case 'reasoning':
      return { summary: [] };
    default:
      return { content: [], status: 'in_progress' };
  }
}

function streamItem(
  item: JsonObject,
  chunkChars: number | undefined,
  send: (type: string, data: JsonObject) => void,
): void {
  const cut = (text: string) => cutIntoPieces(text, chunkChars);
  switch (item['type']) {
    case 'function_call': {
      const text = stringOf(item['arguments']);
      for (const delta of cut(text)) send('response.function_call_arguments.delta', { delta });
      send('response.function_call_arguments.done', { arguments: text });
      return;
    }
    case 'custom_tool_call': {
      const text = stringOf(item['input']);
      for (const delta of cut(text)) send('response.custom_tool_call_input.delta', { delta });
      send('response.custom_tool_call_input.done', { input: text });
      return;
    }
    case 'reasoning': {
      const [part] = objectsOf(item['summary']);
      const text = stringOf(part?.['text']);
      const summary_index = 0;
      const part_added = { summary_index, part: { type: 'summary_text', text: '' } };
      send('response.reasoning_summary_part.added', part_added);
      for (const delta of cut(text))
        send('response.reasoning_summary_text.delta', { summary_index, delta });
      send('response.reasoning_summary_text.done', { summary_index, text });
      send('response.reasoning_summary_part.done', { summary_index, part: part ?? {} });
      return;
    }
    default: {
      const [part] = objectsOf(item['content']);
      const text = stringOf(part?.['text']);
      const content_index = 0;
      const empty = { type: 'output_text', text: '', annotations: [] };
      send('response.content_part.added', { content_index, part: empty });
      for (const delta of cut(text)) send('response.output_text.delta', { content_index, delta });
      send('response.output_text.done', { content_index, text });
      send('response.content_part.done', { content_index, part: part ?? {} });
    }
  }
}
