import { describe, expect, it } from 'vitest';
import { assistant, scripted, system, toolResult, toolUse, user } from '../conversation-builder.js';
import { ask } from '../conversation-builder.js';
import type { JsonObject } from '../../src/index.js';
import { startModel } from '../fixtures.js';
import { dataOf, jsonOf, send } from '../raw-client.js';

const TURN = {
  thinking: 'let me see',
  text: 'writing',
  tool: 'Write',
  input: { file_path: '/x', content: 'hi' },
  usage: { input_tokens: 7, cache_read_input_tokens: 3 },
};

describe('Anthropic Messages', () => {
  it('streams thinking, text and a tool call as the real endpoint does', async () => {
    const { url } = await startModel();
    const answer = await ask(url, [user(scripted([{ ...TURN, chunkChars: 4 }]))], { stream: true })
      .answer;
    expect(answer.status).toBe(200);
    expect(answer.headers['content-type']).toBe('text/event-stream');
    expect(answer.headers['request-id']).toMatch(/^req_/);
    for (const { name, data } of answer.events)
      expect((JSON.parse(data) as { type: string }).type).toBe(name);

    const events = dataOf(answer) as unknown as {
      type: string;
      index: number;
      message: object;
      content_block: { type: string };
      delta: Record<string, string>;
      usage: object;
    }[];
    expect(events[0]?.message).toMatchObject({
      role: 'assistant',
      model: 'm',
      content: [],
      stop_reason: null,
      usage: { input_tokens: 7, output_tokens: 1 },
    });
    const joined = (index: number, key: string) =>
      events
        .filter((event) => event.type === 'content_block_delta' && event.index === index)
        .map(({ delta }) => delta[key] ?? '')
        .join('');
    expect(joined(0, 'thinking')).toBe('let me see');
    expect(joined(0, 'signature')).not.toBe('');
    expect(joined(1, 'text')).toBe('writing');
    expect(JSON.parse(joined(2, 'partial_json'))).toEqual(TURN.input);
    expect(
      events
        .filter(({ type }) => type === 'content_block_start')
        .map(({ content_block }) => content_block.type),
    ).toEqual(['thinking', 'text', 'tool_use']);
    expect(events.at(-2)).toMatchObject({
      type: 'message_delta',
      delta: { stop_reason: 'tool_use' },
      usage: { input_tokens: 7, output_tokens: 20, cache_read_input_tokens: 3 },
    });
    expect(events.at(-1)?.type).toBe('message_stop');
  });

  it('gives the same answer whole when no stream is asked for', async () => {
    const { url } = await startModel();
    const answer = await ask(url, [user(scripted([TURN]))]).answer;
    expect(jsonOf(answer)).toMatchObject({
      type: 'message',
      content: [
        { type: 'thinking', thinking: 'let me see' },
        { type: 'text', text: 'writing' },
        { type: 'tool_use', name: 'Write', input: TURN.input },
      ],
      stop_reason: 'tool_use',
      usage: { input_tokens: 7, output_tokens: 20 },
    });
  });

  it('takes the stop reason from the turn when it says one', async () => {
    const { url } = await startModel();
    const answer = await ask(url, [user(scripted([{ text: 'x', stop: 'max_tokens' }]))]).answer;
    expect(jsonOf(answer)['stop_reason']).toBe('max_tokens');
    const plain = await ask(url, [user(scripted([{ text: 'x' }]))]).answer;
    expect(jsonOf(plain)['stop_reason']).toBe('end_turn');
  });

  it('reads sessions from both forms of user_id, else from a header, else hashes the prompt', async () => {
    const { model, url } = await startModel();
    const body = (metadata: JsonObject) => ({ model: 'm', messages: [user('hi')], metadata });
    const path = `${url}/v1/messages`;
    const uuid = '11111111-1111-4111-8111-111111111111';
    await ask(url, [user('hi')], { session: uuid }).answer;
    await send(path, body({ user_id: `user_abc_account__session_${uuid}` })).answer;
    await send(path, body({}), { headers: { 'x-claude-code-session-id': uuid } }).answer;
    await send(path, body({ user_id: 'a person' })).answer;
    const names = model.requests.map(({ conversation }) => conversation);
    expect(names.slice(0, 3)).toEqual([uuid, uuid, uuid]);
    expect(names[3]).toMatch(/^prompt:[\da-f]{16}$/);
  });

  it('tells users, agents, tools and system messages apart', async () => {
    const { url, model } = await startModel({ record: 'full' });
    let roles: unknown;
    const other = await startModel({
      fallback: ({ messages }) => {
        roles = messages.map(({ role, text, calls }) => [role, text, ...calls]);
        return 'read';
      },
    });
    const messages = [
      user([
        { type: 'text', text: '<system-reminder>\nbe kind\n</system-reminder>\n' },
        { type: 'text', text: 'do it' },
      ]),
      system([{ type: 'text', text: '# Environment' }]),
      toolUse('Read', { file_path: 'a' }),
      toolResult('content of a'),
      assistant('done'),
    ];
    await ask(other.url, messages, { body: { system: [{ type: 'text', text: 'You are X.' }] } })
      .answer;
    expect(roles).toEqual([
      ['system', 'You are X.'],
      ['system', '<system-reminder>\nbe kind\n</system-reminder>'],
      ['user', 'do it'],
      ['system', '# Environment'],
      ['assistant', '', { tool: 'Read', input: { file_path: 'a' } }],
      ['tool', 'content of a'],
      ['assistant', 'done'],
    ]);
    await ask(url, messages).answer;
    expect(model.requests[0]).toMatchObject({ lastUser: 'do it', lastTool: 'content of a' });
  });

  it('reports errors in its own shape, with the type that belongs to the status', async () => {
    const { url } = await startModel();
    const types = new Map<number, unknown>();
    for (const status of [400, 401, 403, 404, 413, 429, 500, 529]) {
      const answer = await ask(url, [user(scripted([{ error: { status } }]))]).answer;
      expect(answer.status).toBe(status);
      const { type, error } = jsonOf(answer) as unknown as {
        type: string;
        error: { type: string };
      };
      expect(type).toBe('error');
      types.set(status, error.type);
    }
    expect(Object.fromEntries(types)).toEqual({
      400: 'invalid_request_error',
      401: 'authentication_error',
      403: 'permission_error',
      404: 'not_found_error',
      413: 'request_too_large',
      429: 'rate_limit_error',
      500: 'api_error',
      529: 'overloaded_error',
    });
    const broken = await send(`${url}/v1/messages`, '{"model": "m", "messages": [}').answer;
    expect(broken.status).toBe(400);
    expect(jsonOf(broken)).toMatchObject({
      type: 'error',
      error: { type: 'invalid_request_error' },
    });
    expect(broken.text).toContain('line 1, column 29');
  });

  it('reports an error inside a stream after the pieces before it', async () => {
    const { url } = await startModel();
    const turn = {
      text: 'abcdef',
      chunkChars: 1,
      streamError: { after: 3, type: 'overloaded_error' },
    };
    const answer = await ask(url, [user(scripted([turn]))], { stream: true }).answer;
    expect(answer.events.map(({ name }) => name)).toEqual([
      'message_start',
      'content_block_start',
      'content_block_delta',
      'error',
    ]);
    expect(dataOf(answer).at(-1)).toMatchObject({ error: { type: 'overloaded_error' } });
  });
});
