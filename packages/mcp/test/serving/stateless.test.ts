import { describe, expect, test } from 'vitest';
import type { JsonObject } from '../../src/index.js';
import { RpcError, type McpService } from '../../src/gateway/index.js';
import { gatewayScene, raw } from '../gateway/scene.js';

/** A service that asks its client before it answers. */
const asking: McpService = {
  info: { name: 'asking', version: '1' },
  capabilities: {},
  async request(_method, { arguments: args }, exchange) {
    const { name } = await exchange.ask({
      name: { method: 'elicitation/create', params: { message: 'Who?' } },
    });
    return { content: [{ type: 'text', text: JSON.stringify([args, name]) }] };
  },
  listen: () => () => undefined,
};

const version = '2026-07-28';

function client(url: string, token: string) {
  return async (params: JsonObject, headers = {}): Promise<JsonObject> => {
    const _meta = {
      'io.modelcontextprotocol/protocolVersion': version,
      'io.modelcontextprotocol/clientCapabilities': { elicitation: {} },
    };
    const call = { name: 'asking__tool', arguments: { n: 1 }, ...params, _meta };
    const message = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: call };
    const sent = {
      authorization: `Bearer ${token}`,
      'mcp-protocol-version': version,
      'mcp-method': 'tools/call',
      'mcp-name': call.name,
      ...headers,
    };
    const answer = await raw(url, 'POST', sent, JSON.stringify(message));
    return answer.message ?? { status: answer.status };
  };
}

describe('the state of a request with questions', () => {
  test('is good for the same caller and request alone, and only as it was given', async ({
    onTestFinished,
  }) => {
    const scene = await gatewayScene(onTestFinished, { servers: {}, services: { asking } });
    const first = client(scene.url, (await scene.grant()).token);
    const second = client(scene.url, (await scene.grant()).token);
    const { result } = await first({});
    const { requestState, resultType } = result as { requestState: string; resultType: string };
    expect(resultType).toBe('input_required');
    const inputResponses = { name: { action: 'accept', content: { name: 'Ann' } } };
    const again = { requestState, inputResponses };
    expect(await first(again)).toMatchObject({ result: { resultType: 'complete' } });
    const refused = { error: { code: -32_602 } };
    expect(await second(again)).toMatchObject(refused);
    expect(await first({ ...again, arguments: { n: 2 } })).toMatchObject(refused);
    for (const changed of [`${requestState}A`, `${requestState}.`, '', requestState.slice(4)])
      expect(await first({ ...again, requestState: changed })).toMatchObject(refused);
  });
});

test('a header that says another tool than the body is refused', async ({ onTestFinished }) => {
  const scene = await gatewayScene(onTestFinished);
  const call = client(scene.url, (await scene.grant()).token);
  const params = { name: 'one__good', arguments: {} };
  expect(await call(params, { 'mcp-name': 'one__pid' })).toMatchObject({
    error: { code: -32_020 },
  });
  expect(scene.sent('one', 'tools/call')).toEqual([]);
  expect(await call(params)).toMatchObject({ result: { resultType: 'complete' } });
});

test('an error that is none of the client’s business tells it nothing', async ({
  onTestFinished,
}) => {
  const failing: McpService = {
    ...asking,
    request: () => Promise.reject(new Error('password is hunter2')),
  };
  const scene = await gatewayScene(onTestFinished, { servers: {}, services: { failing } });
  const call = client(scene.url, (await scene.grant()).token);
  const params = { name: 'failing__tool' };
  const answer = await call(params, { 'mcp-name': 'failing__tool' });
  expect(answer).toMatchObject({ error: { code: -32_603 } });
  expect(JSON.stringify(answer)).not.toContain('hunter2');
  expect(new RpcError(1, 'known').message).toBe('known');
});
