import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { describe, expect, test } from 'vitest';
import type { JsonObject } from '../../src/index.js';
import type { GatewayOptions, McpService } from '../../src/gateway/index.js';
import { refusal, until, type Cleanup } from '../scene.js';
import { gatewayScene, raw, rawClient } from './scene.js';

const stateless = '2026-07-28';

const statelessHeaders = (token: string, name: string, method = 'tools/call') => ({
  authorization: `Bearer ${token}`,
  'mcp-protocol-version': stateless,
  'mcp-method': method,
  'mcp-name': name,
});

const statelessRequest = (method: string, params: JsonObject): JsonObject => {
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': stateless,
    'io.modelcontextprotocol/clientCapabilities': {},
  };
  return { jsonrpc: '2.0', id: 1, method, params: { ...params, _meta } };
};

const statelessCall = (name: string): JsonObject =>
  statelessRequest('tools/call', { name, arguments: {} });

/**
 * Sends the headers and ten bytes, and resolves when the token was looked at, which the server says by `100 Continue`.
 * What it resolves with sends the rest, and resolves with the status and the session that was begun.
 */
async function slowPost(
  url: string,
  headers: Readonly<Record<string, string | string[]>>,
  message: JsonObject,
) {
  const body = JSON.stringify(message);
  const sent = request(url, {
    method: 'POST',
    agent: false,
    headers: { ...headers, expect: '100-continue', 'content-length': Buffer.byteLength(body) },
  });
  const answered = once(sent, 'response');
  sent.flushHeaders();
  await once(sent, 'continue');
  sent.write(body.slice(0, 10));
  return async () => {
    sent.end(body.slice(10));
    const [response] = (await answered) as [IncomingMessage];
    response.resume();
    return { status: response.statusCode, session: response.headers['mcp-session-id'] };
  };
}

describe('a grant that ends while the body is still on its way', () => {
  test.each([
    ['tools/call', 'one__good', { name: 'one__good', arguments: {} }],
    ['resources/read', 'mcp://one/file:///a', { uri: 'mcp://one/file:///a' }],
  ])('lets no %s in, without a session', async (method, name, params) => {
    const cleanups: (() => void | Promise<void>)[] = [];
    const scene = await gatewayScene((clean) => cleanups.unshift(clean));
    const { grant, token } = await scene.grant();
    const headers = statelessHeaders(token, name, method);
    // The control: the same request, and nobody ends the grant.
    const before = await slowPost(scene.url, headers, statelessRequest(method, params));
    expect(await before()).toMatchObject({ status: 200 });
    expect(scene.sent('one', method)).toHaveLength(1);
    const rest = await slowPost(scene.url, headers, statelessRequest(method, params));
    await grant.revoke();
    expect(await rest()).toMatchObject({ status: 401 });
    expect(scene.sent('one', method)).toHaveLength(1);
    expect(scene.refusals()).toEqual([
      { type: 'refused', attempt: 'attempt-1', what: 'token', why: 'it was revoked' },
    ]);
    for (const clean of cleanups) await clean();
  });

  test.each([
    ['call', { id: 9, method: 'tools/call', params: { name: 'one__good', arguments: {} } }],
    ['notification', { method: 'notifications/cancelled', params: { requestId: 1 } }],
  ])('lets no %s in, in a session', async (_what, message) => {
    const cleanups: (() => void | Promise<void>)[] = [];
    const scene = await gatewayScene((clean) => cleanups.unshift(clean));
    const { grant, token } = await scene.grant();
    const agent = await rawClient(scene.url, token);
    const rest = await slowPost(scene.url, agent.headers, { jsonrpc: '2.0', ...message });
    await grant.revoke();
    expect(await rest()).toMatchObject({ status: 401 });
    expect(scene.sent('one', 'tools/call')).toEqual([]);
    for (const clean of cleanups) await clean();
  });

  test('begins no session', async ({ onTestFinished }) => {
    const scene = await gatewayScene(onTestFinished);
    const { grant, token } = await scene.grant();
    const params = { protocolVersion: '2025-11-25', capabilities: {} };
    const message = { jsonrpc: '2.0', id: 1, method: 'initialize', params };
    const headers = { authorization: `Bearer ${token}` };
    const rest = await slowPost(scene.url, headers, message);
    await grant.revoke();
    expect(await rest()).toEqual({ status: 401, session: undefined });
  });
});

/** A service whose description of a tool is waited for, and whose calls end only with their signal. */
async function describedScene(onTestFinished: Cleanup, options: Partial<GatewayOptions> = {}) {
  let describe: () => void = () => undefined;
  const described = new Promise<void>((resolve) => (describe = resolve));
  const waits: string[] = [];
  const calls: string[] = [];
  const aborted: string[] = [];
  const slow: McpService = {
    info: { name: 'slow', version: '1' },
    capabilities: { tools: {} },
    async request(_method, params, { signal }) {
      const name = params['name'] as string;
      calls.push(name);
      if (name === 'quick') return { content: [] };
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
      aborted.push(name);
      return { content: [] };
    },
    async describeTool(name) {
      waits.push(name);
      if (name !== 'quick') await described;
      return undefined;
    },
    listen: () => () => undefined,
  };
  const scene = await gatewayScene(onTestFinished, {
    servers: {},
    services: { slow },
    ...options,
  });
  const { grant, token } = await scene.grant();
  const call = (name: string) => {
    const body = JSON.stringify(statelessCall(`slow__${name}`));
    return raw(scene.url, 'POST', statelessHeaders(token, `slow__${name}`), body);
  };
  return {
    ...scene,
    grantAnother: () => scene.grant(),
    grant,
    token,
    call,
    describe,
    waits,
    calls,
    aborted,
  };
}

describe('a grant that ends while the tool is being described', () => {
  test('lets no call in', async ({ onTestFinished }) => {
    const scene = await describedScene(onTestFinished);
    const answer = scene.call('hangs');
    await until(() => scene.waits.length === 1, 'the description to be asked for');
    await scene.grant.revoke();
    scene.describe();
    expect((await answer).status).toBe(401);
    expect((await answer).headers['www-authenticate']).toBe('Bearer');
    expect(scene.calls).toEqual([]);
    expect(scene.refusals()).toMatchObject([{ attempt: 'attempt-1', why: 'it was revoked' }]);
  });

  test('ends the calls that come of it, whatever was answered meanwhile', async ({
    onTestFinished,
  }) => {
    const scene = await describedScene(onTestFinished);
    const answer = scene.call('hangs');
    await until(() => scene.waits.length === 1, 'the description to be asked for');
    expect((await scene.call('quick')).status).toBe(200);
    scene.describe();
    await until(() => scene.calls.includes('hangs'), 'the call');
    await scene.grant.revoke();
    await until(() => scene.aborted.includes('hangs'), 'the end of the call');
    await answer;
  });
});

test('a client that goes while the tool is being described calls nothing', async ({
  onTestFinished,
}) => {
  const scene = await describedScene(onTestFinished);
  const gone = new AbortController();
  const answer = fetch(scene.url, {
    method: 'POST',
    headers: statelessHeaders(scene.token, 'slow__hangs'),
    body: JSON.stringify(statelessCall('slow__hangs')),
    signal: gone.signal,
  }).catch(() => undefined);
  await until(() => scene.waits.length === 1, 'the description to be asked for');
  gone.abort();
  await answer;
  // What is asked of the same endpoint now is heard after the end of that connection.
  expect((await scene.call('quick')).status).toBe(200);
  scene.describe();
  expect((await scene.call('quick')).status).toBe(200);
  expect(scene.calls).toEqual(['quick', 'quick']);
});

describe('a gateway that is being closed', () => {
  test('lets nobody in, with a token or without', async ({ onTestFinished }) => {
    const anonymous = { tools: { allow: ['*'] } };
    const scene = await describedScene(onTestFinished, { anonymous });
    const { authorization: _none, ...headers } = statelessHeaders('', 'slow__quick');
    const begin = (more = {}) =>
      slowPost(scene.url, { ...headers, ...more }, statelessCall('slow__quick'));
    // The control: whoever comes without a token is let in here.
    expect(await (await begin())()).toMatchObject({ status: 200 });
    // Their files are long in going.
    for (let n = 0; n < 100; n += 1) await scene.grantAnother();
    const rests = [await begin(), await begin({ authorization: `Bearer ${scene.token}` })];
    const closed = scene.gateway.close();
    await Promise.allSettled(rests.map((rest) => rest()));
    await closed;
    expect(scene.calls).toEqual(['quick']);
  });

  test('grants nothing more, and does not listen', async ({ onTestFinished }) => {
    const scene = await gatewayScene(onTestFinished);
    const granting = refusal(scene.grant());
    await scene.gateway.close();
    expect(await granting).toMatchObject({ code: 'ORCH_MCP_CLOSED' });
    expect(await refusal(scene.grant())).toMatchObject({ code: 'ORCH_MCP_CLOSED' });
    expect(await refusal(scene.gateway.listen())).toMatchObject({ code: 'ORCH_MCP_CLOSED' });
  });
});
