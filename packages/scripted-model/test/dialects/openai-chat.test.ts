import { describe, expect, it } from 'vitest';
import type { Json } from '../../src/index.js';
import { scripted } from '../conversation-builder.js';
import { startModel } from '../fixtures.js';
import { dataOf, jsonOf, send } from '../raw-client.js';

const user = (content: Json) => ({ role: 'user', content });
const chat = (url: string, messages: readonly Json[], more: object = {}) =>
  send(`${url}/v1/chat/completions`, { model: 'm', messages, ...more }).answer;

interface Chunk {
  choices: {
    delta: {
      content?: string;
      reasoning_content?: string;
      tool_calls?: { index: number; id?: string; function: { name?: string; arguments: string } }[];
    };
    finish_reason: string | null;
  }[];
  usage?: object;
}

const TURN = {
  blocks: [
    { thinking: 'let me see' },
    { text: 'two at once' },
    { tool: 'read', input: { path: 'a' }, id: 'call_a' },
    { tool: 'read', input: { path: 'b' } },
  ],
  usage: { input_tokens: 10, cache_read_input_tokens: 5, output_tokens: 2 },
};

describe('OpenAI chat completions', () => {
  it('streams text, reasoning and several tool calls as deltas that add up', async () => {
    const { url } = await startModel();
    const answer = await chat(url, [user(scripted([{ ...TURN, chunkChars: 3 }]))], {
      stream: true,
      stream_options: { include_usage: true },
    });
    expect(answer.headers['content-type']).toBe('text/event-stream');
    expect(answer.events.at(-1)?.data).toBe('[DONE]');
    const chunks = dataOf(answer) as unknown as Chunk[];
    const deltas = chunks.flatMap(({ choices }) => choices.map(({ delta }) => delta));
    expect(deltas.map(({ content }) => content ?? '').join('')).toBe('two at once');
    expect(deltas.map((delta) => delta.reasoning_content ?? '').join('')).toBe('let me see');
    const calls = new Map<number, { id: string; name: string; arguments: string }>();
    for (const call of deltas.flatMap(({ tool_calls = [] }) => tool_calls)) {
      const known = calls.get(call.index) ?? { id: '', name: '', arguments: '' };
      known.id += call.id ?? '';
      known.name += call.function.name ?? '';
      known.arguments += call.function.arguments;
      calls.set(call.index, known);
    }
    expect(calls.get(0)).toEqual({ id: 'call_a', name: 'read', arguments: '{"path":"a"}' });
    expect(calls.get(1)).toMatchObject({ name: 'read', arguments: '{"path":"b"}' });
    expect(chunks.at(-2)?.choices[0]?.finish_reason).toBe('tool_calls');
    expect(chunks.at(-1)).toMatchObject({
      choices: [],
      usage: { prompt_tokens: 15, completion_tokens: 2, total_tokens: 17 },
    });
  });

  it('reports no usage in a stream that did not ask for it', async () => {
    const { url } = await startModel();
    const answer = await chat(url, [user(scripted(['hi']))], { stream: true });
    expect(dataOf(answer).every((chunk) => !('usage' in chunk))).toBe(true);
  });

  it('gives the same answer whole, with stops in its own words', async () => {
    const { url } = await startModel();
    expect(jsonOf(await chat(url, [user(scripted([TURN]))]))).toMatchObject({
      object: 'chat.completion',
      choices: [
        {
          message: {
            role: 'assistant',
            content: 'two at once',
            tool_calls: [{ id: 'call_a', type: 'function' }, { type: 'function' }],
          },
          finish_reason: 'tool_calls',
        },
      ],
      usage: { prompt_tokens: 15, prompt_tokens_details: { cached_tokens: 5 } },
    });
    const cut = await chat(url, [user(scripted([{ text: 'x', stop: 'max_tokens' }]))]);
    expect(jsonOf(cut)).toMatchObject({ choices: [{ finish_reason: 'length' }] });
  });

  it('counts turns over tool messages, and names the session of the header', async () => {
    const { url, model } = await startModel();
    const messages = [
      { role: 'system', content: 'You are X.' },
      user([{ type: 'text', text: scripted([{ tool: 'read' }, 'got {{lastToolResult}}']) }]),
      {
        role: 'assistant',
        content: null,
        tool_calls: [{ id: 'c', type: 'function', function: { name: 'read', arguments: '{}' } }],
      },
      { role: 'tool', tool_call_id: 'c', content: 'the file' },
    ];
    const tools = [{ type: 'function', function: { name: 'read' } }];
    const body = { model: 'm', messages, tools };
    const headers = { 'x-session-id': 'ses_1', authorization: 'Bearer secret-token' };
    const answer = await send(`${url}/v1/chat/completions`, body, { headers }).answer;
    expect(jsonOf(answer)).toMatchObject({ choices: [{ message: { content: 'got the file' } }] });
    expect(model.requests[0]).toMatchObject({
      dialect: 'openai-chat',
      conversation: 'ses_1',
      turn: 1,
      messages: 4,
      tools: ['read'],
      auth: 'authorization',
    });
  });

  it('reads a marker that its agent quoted as a JSON string', async () => {
    const { url } = await startModel();
    const quoted = JSON.stringify(scripted([{ text: 'a "quoted"\nanswer' }]));
    expect(jsonOf(await chat(url, [user(quoted)]))).toMatchObject({
      choices: [{ message: { content: 'a "quoted"\nanswer' } }],
    });
  });

  it('reports errors in its own shape, also inside a stream', async () => {
    const { url } = await startModel();
    const limited = await chat(url, [
      user(scripted([{ error: { status: 429, message: 'slow' } }])),
    ]);
    expect(limited.status).toBe(429);
    expect(jsonOf(limited)).toMatchObject({
      error: { message: 'slow', type: 'rate_limit_exceeded' },
    });
    const turn = { text: 'abc', streamError: { after: 1, message: 'broke' } };
    const broken = await chat(url, [user(scripted([turn]))], { stream: true });
    expect(dataOf(broken)).toHaveLength(2);
    expect(dataOf(broken)[1]).toMatchObject({ error: { message: 'broke', type: 'server_error' } });
    const invalid = await send(`${url}/v1/chat/completions`, '[1]').answer;
    expect(invalid.status).toBe(400);
    expect(jsonOf(invalid)).toMatchObject({ error: { type: 'invalid_request_error' } });
  });
});
