import { connect as connectSocket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { handlesLeft, openHandles, until } from '../scene.js';
import { gatewayScene, raw, rawClient } from '../gateway/scene.js';

const json = { 'content-type': 'application/json' };

describe('what a web page could send', () => {
  test.each([
    ['a host that was rebound', { host: 'evil.example.com' }],
    ['a host that begins like ours', { host: '127.0.0.1.evil.example.com' }],
    ['no host that is one', { host: 'a b' }],
    ['the origin of another site', { origin: 'https://evil.example.com' }],
    ['the origin of a file', { origin: 'null' }],
    ['the origin of an extension', { origin: 'chrome-extension://localhost' }],
  ])('is refused before the token is looked at: %s', async (_what, headers) => {
    const cleanups: (() => void | Promise<void>)[] = [];
    const scene = await gatewayScene((clean) => cleanups.unshift(clean));
    const { token } = await scene.grant();
    const authorization = `Bearer ${token}`;
    const answer = await raw(scene.url, 'POST', { ...json, authorization, ...headers }, '{}');
    expect(answer.status).toBe(403);
    expect(scene.refusals()).toMatchObject([{ what: 'origin' }]);
    // The control: from this machine it comes as far as its body.
    const own = { ...json, authorization, origin: 'http://localhost:3000' };
    expect((await raw(scene.url, 'POST', own, '{}')).status).toBe(400);
    for (const clean of cleanups) await clean();
  });
});

describe('a request', () => {
  test('that is too large, no JSON, or several at once is refused', async ({ onTestFinished }) => {
    const scene = await gatewayScene(onTestFinished, { limits: { maxRequestBytes: 1000 } });
    const { token } = await scene.grant();
    const headers = { ...json, authorization: `Bearer ${token}` };
    const status = async (body: string) => (await raw(scene.url, 'POST', headers, body)).status;
    const ping = { jsonrpc: '2.0', id: 1, method: 'ping' };
    expect(await status(JSON.stringify({ ...ping, params: { x: 'x'.repeat(2000) } }))).toBe(413);
    expect(await status('{')).toBe(400);
    expect(await status(JSON.stringify([ping]))).toBe(400);
    expect(await status('"__proto__"')).toBe(400);
    expect(await status(JSON.stringify(ping))).toBe(400); // no session
    expect(scene.refusals()).toMatchObject([{ what: 'size', attempt: 'attempt-1' }]);
  });

  test('that comes a byte at a time ends in its time', async ({ onTestFinished }) => {
    const scene = await gatewayScene(onTestFinished, { limits: { requestMs: 300 } });
    const { hostname, port } = new URL(scene.url);
    const socket = connectSocket(Number(port), hostname);
    socket.on('error', () => undefined);
    socket.write('POST /mcp HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 1000\r\n\r\n');
    const drip = setInterval(() => socket.write('x'), 50);
    await new Promise((resolve) => socket.once('close', resolve));
    clearInterval(drip);
  });

  test('too many at once are refused, and the rest are answered', async ({ onTestFinished }) => {
    const scene = await gatewayScene(onTestFinished, { limits: { requestsMost: 2 } });
    const { token } = await scene.grant();
    const agent = await rawClient(scene.url, token);
    const silent = [1, 2].map(() =>
      agent.post('tools/call', { name: 'one__silent', arguments: {} }).catch(() => undefined),
    );
    await until(() => scene.sent('one', 'tools/call').length === 2, 'both to arrive');
    const third = await agent.post('tools/call', { name: 'one__good', arguments: {} });
    expect(third.message).toMatchObject({ error: { code: -32_600 } });
    expect(scene.sent('one', 'tools/call')).toHaveLength(2);
    await scene.gateway.close();
    await Promise.all(silent);
  });

  test('that was taken back is taken back from its server', async ({ onTestFinished }) => {
    const scene = await gatewayScene(onTestFinished);
    const { token } = await scene.grant();
    const agent = await rawClient(scene.url, token);
    const hanging = agent.post('tools/call', { name: 'one__silent', arguments: {} });
    await until(() => scene.sent('one', 'tools/call').length === 1, 'the call to arrive');
    const params = { requestId: 2 };
    const cancel = { jsonrpc: '2.0', method: 'notifications/cancelled', params };
    await raw(scene.url, 'POST', agent.headers, JSON.stringify(cancel));
    await until(() => scene.sent('one', 'notifications/cancelled').length === 1, 'the server');
    expect((await hanging).message).toBeUndefined();
  });

  test('tells its progress as events before its answer', async ({ onTestFinished }) => {
    const scene = await gatewayScene(onTestFinished);
    const { token } = await scene.grant();
    const agent = await rawClient(scene.url, token);
    const answer = await agent.post('tools/call', {
      name: 'one__slow',
      arguments: { steps: 3, everyMs: 5 },
      _meta: { progressToken: 'mine' },
    });
    expect(answer.headers['content-type']).toBe('text/event-stream');
    const told = [...answer.text.matchAll(/"progressToken":"mine","progress":(\d)/g)];
    expect(told.map(([, progress]) => progress)).toEqual(['1', '2', '3']);
    expect(answer.message).toMatchObject({ result: { content: [{ text: 'done' }] } });
  });

  test('whose stream was lost is answered to whoever asks for the rest', async ({
    onTestFinished,
  }) => {
    const scene = await gatewayScene(onTestFinished);
    const { token } = await scene.grant();
    const agent = await rawClient(scene.url, token);
    const controller = new AbortController();
    const params = {
      name: 'one__slow',
      arguments: { steps: 6, everyMs: 50 },
      _meta: { progressToken: 1 },
    };
    const response = await fetch(scene.url, {
      method: 'POST',
      headers: agent.headers,
      body: JSON.stringify({ jsonrpc: '2.0', id: 'lost', method: 'tools/call', params }),
      signal: controller.signal,
    });
    const reader = response.body?.getReader();
    let seen = '';
    while (!seen.includes('"progress":2'))
      seen += Buffer.from((await reader?.read())?.value ?? []).toString();
    controller.abort();
    const last = [...seen.matchAll(/^id: (.*)$/gm)].at(-1)?.[1] ?? '';
    const accept = { accept: 'text/event-stream', 'last-event-id': last };
    const rest = await raw(scene.url, 'GET', { ...agent.headers, ...accept });
    expect(rest.message).toMatchObject({ id: 'lost', result: { content: [{ text: 'done' }] } });
    expect(rest.text).not.toContain('"progress":1,');
    expect(scene.sent('one', 'tools/call')).toHaveLength(1);
  });
});

describe('sessions', () => {
  test('end when they were idle for long, and the oldest makes room', async ({
    onTestFinished,
  }) => {
    const limits = { sessionIdleMs: 200, sessionsMost: 2 };
    const scene = await gatewayScene(onTestFinished, { limits });
    const { token } = await scene.grant();
    const first = await rawClient(scene.url, token);
    await rawClient(scene.url, token);
    expect((await first.post('ping', {})).status).toBe(200);
    const third = await rawClient(scene.url, token);
    const fourth = await rawClient(scene.url, token);
    expect((await first.post('ping', {})).status).toBe(404);
    expect((await third.post('ping', {})).status).toBe(200);
    await sleep(700);
    expect((await fourth.post('ping', {})).status).toBe(404);
  });

  test('leave nothing behind when the gateway is closed', async ({ onTestFinished }) => {
    const before = openHandles();
    const scene = await gatewayScene(onTestFinished);
    const { token } = await scene.grant();
    const agent = await rawClient(scene.url, token);
    const listening = raw(scene.url, 'GET', { ...agent.headers, accept: 'text/event-stream' });
    const hanging = agent.post('tools/call', { name: 'one__silent', arguments: {} });
    await until(() => scene.sent('one', 'tools/call').length === 1, 'the call to arrive');
    await scene.gateway.close();
    await Promise.allSettled([listening, hanging]);
    await scene.hub.close();
    expect(await handlesLeft(before)).toEqual({});
  });
});
