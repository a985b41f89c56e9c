import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createScriptedModel } from '../src/index.js';
import type { Json, LoggedRequest } from '../src/index.js';
import { ask, assistant, scripted, system } from './conversation-builder.js';
import { toolResult, toolUse, user } from './conversation-builder.js';
import { freshDirectory, startModel } from './fixtures.js';
import { jsonOf, send } from './raw-client.js';

const SECRET = 'sk-very-secret-0123456789';

describe('the request log', () => {
  it('holds a request in its file while the answer is still withheld', async () => {
    const log = join(freshDirectory(), 'requests.jsonl');
    const { url, model, received } = await startModel({ log });
    const open = ask(url, [user(scripted([{ hang: true }]))]);
    await received(() => true);
    const lines = readFileSync(log, 'utf8').trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line) as LoggedRequest)).toEqual(model.requests);
    expect(model.requests).toMatchObject([
      {
        id: 1,
        method: 'POST',
        url: '/v1/messages?beta=true',
        dialect: 'anthropic',
        model: 'm',
        stream: false,
        turn: 0,
        attempt: 1,
        conversation: 'session-1',
        auth: 'none',
        messages: 1,
        tools: [],
        lastTool: '',
      },
    ]);
    expect(model.requests[0]).not.toHaveProperty('finished');
    expect(open.settled()).toBe(false);
  });

  it('refuses a file that cannot be opened', () => {
    const log = join(freshDirectory(), 'missing', 'requests.jsonl');
    expect(() => createScriptedModel({ log })).toThrow(
      expect.objectContaining({ code: 'ORCH_SCRIPTED_MODEL_LOG_FAILED' }) as Error,
    );
  });

  it('gives equal prompt hashes to the same question only', async () => {
    const { url, model } = await startModel();
    const base = [user('task'), toolUse('Read', { a: 1, b: 2 }), toolResult('A')];
    const hash = async (messages: readonly Json[], session = 's') => {
      await ask(url, messages, { session }).answer;
      return model.requests.at(-1)?.promptHash;
    };
    const expected = await hash(base);
    expect(expected).toMatch(/^[\da-f]{64}$/);
    const reminder = user([
      { type: 'text', text: '<system-reminder>\nnew date\n</system-reminder>\n' },
      { type: 'text', text: 'task', cache_control: { type: 'ephemeral' } },
    ]);
    const same = [
      await hash(base, 'another session'),
      await hash([reminder, system('env'), ...base.slice(1)]),
      await hash([...base, assistant('No response requested.')]),
      await hash([user('task'), toolUse('Read', { b: 2, a: 1 }), toolResult('A')]),
    ];
    expect(same).toEqual(same.map(() => expected));
    const different = [
      await hash(base.slice(0, 1)),
      await hash([user('task 2'), ...base.slice(1)]),
      await hash([user('task'), toolUse('Read', { a: 2, b: 2 }), toolResult('A')]),
      await hash([user('task'), toolUse('Read', { a: 1, b: 2 }), toolResult('B')]),
      await hash([...base, user('continue')]),
    ];
    expect(new Set([expected, ...different]).size).toBe(different.length + 1);
    const firsts = model.requests.map(({ firstPromptHash }) => firstPromptHash);
    expect(new Set(firsts).size).toBe(2);
  });

  it('never writes a credential down, wherever it comes from', async () => {
    const log = join(freshDirectory(), 'requests.jsonl');
    const { url, model } = await startModel({ log, record: 'full' });
    const messages = [user(`my key is ${SECRET}`), toolUse('Bash'), toolResult(`KEY=${SECRET}`)];
    const ways: readonly Record<string, string>[] = [
      { 'x-api-key': SECRET },
      { authorization: `Bearer ${SECRET}` },
      { 'x-goog-api-key': SECRET },
    ];
    for (const headers of ways)
      await ask(url, messages, { headers, body: { metadata: { key: SECRET } } }).answer;
    const gemini = { contents: [{ role: 'user', parts: [{ text: SECRET }] }] };
    await send(`${url}/v1beta/models/g:generateContent?key=${SECRET}`, gemini).answer;
    await send(`${url}/nowhere?key=${SECRET}`).answer;
    expect(model.requests.map(({ auth }) => auth)).toEqual([
      'x-api-key',
      'authorization',
      'x-goog-api-key',
      'x-goog-api-key',
    ]);
    const written = readFileSync(log, 'utf8') + JSON.stringify([model.requests, model.others]);
    expect(written).not.toContain(SECRET);
    expect(written).toContain('my key is [credential]');
    // Control: the same text is kept when it is nobody's credential.
    await ask(url, messages).answer;
    expect(readFileSync(log, 'utf8')).toContain(SECRET);
  });

  it('keeps bodies only when it is told to', async () => {
    const full = await startModel({ record: 'full' });
    const summary = await startModel();
    for (const { url } of [full, summary]) await ask(url, [user('MARK')]).answer;
    expect(full.model.requests[0]?.body).toMatchObject({ messages: [{ content: 'MARK' }] });
    expect(summary.model.requests[0]).not.toHaveProperty('body');
  });

  it('cuts excerpts at 300 characters', async () => {
    const { url, model } = await startModel();
    await ask(url, [user('u'.repeat(400)), toolUse('X'), toolResult('t'.repeat(400))]).answer;
    expect(model.requests[0]).toMatchObject({
      lastUser: 'u'.repeat(300),
      lastTool: 't'.repeat(300),
    });
  });

  it('keeps what is no model request apart', async () => {
    const { url, model } = await startModel();
    expect((await send(url, undefined, { method: 'HEAD' }).answer).status).toBe(200);
    const models = jsonOf(await send(`${url}/v1/models`).answer);
    expect(models).toMatchObject({ data: [{ id: 'scripted' }] });
    expect(jsonOf(await send(`${url}/v1/models/m-1`).answer)).toMatchObject({ id: 'm-1' });
    const body = { messages: [user('count me')] };
    const counted = await send(`${url}/v1/messages/count_tokens`, body).answer;
    expect(jsonOf(counted)).toEqual({ input_tokens: Math.ceil(JSON.stringify(body).length / 4) });
    const tokens = await send(`${url}/v1beta/models/m:countTokens`, body).answer;
    expect(jsonOf(tokens)).toHaveProperty('totalTokens');
    expect((await send(`${url}/v2/nothing`, {}).answer).status).toBe(404);
    expect(model.requests).toEqual([]);
    expect(model.others.map(({ method, status }) => `${method} ${status}`)).toEqual([
      'HEAD 200',
      'GET 200',
      'GET 200',
      'POST 200',
      'POST 200',
      'POST 404',
    ]);
  });
});

describe('control from another process', () => {
  it('shows requests and what is open, replaces scenarios, and resets', async () => {
    const { url, model, received } = await startModel();
    const hanging = ask(url, [user(scripted([{ hang: true }]))], { session: 'h' });
    await received(() => true);
    await expect.poll(() => model.open[0]?.waiting).toBe('hang');
    const open = JSON.parse((await send(`${url}/__open`).answer).text) as object[];
    expect(open).toMatchObject([{ conversation: 'h', waiting: 'hang' }]);
    const requests = JSON.parse((await send(`${url}/__requests`).answer).text) as object[];
    expect(requests).toEqual(model.requests);
    const scenarios = { default: ['from outside'] };
    expect((await send(`${url}/__scenarios`, scenarios).answer).status).toBe(200);
    expect((await ask(url, [user('x')]).answer).text).toContain('from outside');
    expect((await send(`${url}/__reset`, {}).answer).status).toBe(200);
    expect((await send(`${url}/__requests`).answer).text).toBe('[]');
    // What is still open is not forgotten.
    expect((await send(`${url}/__open`).answer).text).toContain('"conversation":"h"');
    hanging.leave();
    await expect(hanging.answer).rejects.toThrow();
  });

  it('refuses scenarios that are not valid and keeps the old ones', async () => {
    const { url, model } = await startModel({ scenarios: { default: 'old' } });
    const refused = await send(`${url}/__scenarios`, { default: [{ txt: 'x' }] }).answer;
    expect([refused.status, refused.text]).toEqual([
      400,
      expect.stringContaining('default[0].txt'),
    ]);
    expect((await send(`${url}/__scenarios`, '{').answer).status).toBe(400);
    expect(() => model.setScenarios({ scenarios: { 'a b': 'x' } })).toThrow(
      expect.objectContaining({ code: 'ORCH_SCRIPTED_MODEL_SCRIPT_INVALID' }) as Error,
    );
    expect((await ask(url, [user('x')]).answer).text).toContain('old');
    expect((await send(`${url}/__nothing`).answer).status).toBe(404);
  });
});
