import { describe, expect, it } from 'vitest';
import type { Json } from '../../src/index.js';
import { scripted } from '../conversation-builder.js';
import { startModel } from '../fixtures.js';
import { dataOf, jsonOf, send } from '../raw-client.js';

const says = (role: string, text: string) => ({
  type: 'message',
  role,
  content: [{ type: role === 'assistant' ? 'output_text' : 'input_text', text }],
});
const respond = (url: string, input: Json, more: object = {}) =>
  send(`${url}/v1/responses`, { model: 'm', input, ...more }).answer;

interface Event {
  type: string;
  sequence_number: number;
  output_index: number;
  delta: string;
  item: { type: string; arguments?: string; input?: string };
  response: { status: string; output: object[]; usage: object; incomplete_details: object };
}

describe('OpenAI Responses', () => {
  it('streams reasoning, text and a call with numbered events that add up', async () => {
    const { url } = await startModel();
    const turn = { thinking: 'let me see', text: 'running', tool: 'exec', input: { cmd: 'ls' } };
    const answer = await respond(url, [says('user', scripted([{ ...turn, chunkChars: 3 }]))], {
      stream: true,
    });
    const events = dataOf(answer) as unknown as Event[];
    expect(events.map(({ sequence_number }) => sequence_number)).toEqual([...events.keys()]);
    expect(answer.events.map(({ name }) => name)).toEqual(events.map(({ type }) => type));
    const joined = (type: string) =>
      events
        .filter((event) => event.type === type)
        .map(({ delta }) => delta)
        .join('');
    expect(joined('response.reasoning_summary_text.delta')).toBe('let me see');
    expect(joined('response.output_text.delta')).toBe('running');
    expect(joined('response.function_call_arguments.delta')).toBe('{"cmd":"ls"}');
    const done = events.filter(({ type }) => type === 'response.output_item.done');
    expect(done.map(({ item }) => item.type)).toEqual(['reasoning', 'message', 'function_call']);
    const last = events.at(-1);
    expect(last?.type).toBe('response.completed');
    expect(last?.response.output).toEqual(done.map(({ item }) => item));
    expect(last?.response.usage).toMatchObject({ input_tokens: 100, output_tokens: 20 });
  });

  it('calls a tool of type custom with one text', async () => {
    const { url } = await startModel();
    const prompt = says('user', scripted([{ tool: 'apply_patch', input: { input: '*** Begin' } }]));
    const answer = await respond(url, [prompt], {
      tools: [{ type: 'custom', name: 'apply_patch' }],
    });
    expect(jsonOf(answer)['output']).toMatchObject([
      { type: 'custom_tool_call', name: 'apply_patch', input: '*** Begin' },
    ]);
    const function_ = await respond(url, [prompt], {
      tools: [{ type: 'function', name: 'apply_patch' }],
    });
    expect(jsonOf(function_)['output']).toMatchObject([
      { type: 'function_call', arguments: '{"input":"*** Begin"}' },
    ]);
  });

  it('takes reasoning, text and parallel calls of one answer as one turn', async () => {
    const { url, model } = await startModel();
    const input = [
      says('developer', 'You are X.'),
      says('user', '# AGENTS.md instructions for /w\n\n<INSTRUCTIONS>\nbe kind\n</INSTRUCTIONS>'),
      says('user', '<environment_context>\n<cwd>/w</cwd>\n</environment_context>'),
      says('user', scripted(['one', 'two', 'three: {{lastToolResult}}'], 'the task')),
      { type: 'reasoning', summary: [] },
      says('assistant', 'running'),
      { type: 'function_call', call_id: 'a', name: 'exec', arguments: '{}' },
      { type: 'function_call', call_id: 'b', name: 'exec', arguments: '{}' },
      { type: 'function_call_output', call_id: 'a', output: 'A' },
      { type: 'function_call_output', call_id: 'b', output: 'B' },
      { type: 'custom_tool_call', call_id: 'c', name: 'apply_patch', input: 'x' },
      { type: 'custom_tool_call_output', call_id: 'c', output: [{ type: 'text', text: 'C' }] },
    ];
    const answer = await respond(url, input, {
      client_metadata: { session_id: 'thread-1' },
      instructions: 'Base.',
    });
    expect(jsonOf(answer)).toMatchObject({ output: [{ content: [{ text: 'three: C' }] }] });
    expect(model.requests[0]).toMatchObject({ conversation: 'thread-1', turn: 2, messages: 12 });
    expect(model.requests[0]?.lastUser).toMatch(/^the task/);
    await respond(url, 'a plain text');
    expect(model.requests[1]).toMatchObject({ lastUser: 'a plain text', turn: 0 });
  });

  it('says incomplete when the stop is a limit', async () => {
    const { url } = await startModel();
    const prompt = says('user', scripted([{ text: 'x', stop: 'max_tokens' }]));
    const events = dataOf(await respond(url, [prompt], { stream: true })) as unknown as Event[];
    expect(events.at(-1)).toMatchObject({
      type: 'response.incomplete',
      response: { status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } },
    });
  });

  it('reports errors in its own shape, also inside a stream', async () => {
    const { url } = await startModel();
    const failing = says('user', scripted([{ error: { status: 503 } }]));
    const answer = await respond(url, [failing]);
    expect(answer.status).toBe(503);
    expect(jsonOf(answer)).toMatchObject({ error: { code: 'server_overloaded' } });
    const breaking = says('user', scripted([{ text: 'x', streamError: { message: 'broke' } }]));
    const broken = dataOf(await respond(url, [breaking], { stream: true })) as unknown as Event[];
    expect(broken.at(-1)).toMatchObject({
      type: 'response.failed',
      response: { status: 'failed', error: { message: 'broke' } },
    });
    const invalid = await send(`${url}/v1/responses`, '{').answer;
    expect(invalid.status).toBe(400);
    expect(jsonOf(invalid)).toMatchObject({ error: { type: 'invalid_request_error' } });
  });
});
