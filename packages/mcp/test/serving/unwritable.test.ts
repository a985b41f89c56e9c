import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { describe, expect, test } from 'vitest';
import type { JsonObject } from '../../src/index.js';
import { RpcError, type McpService } from '../../src/gateway/index.js';
import { gatewayScene, raw, rawClient } from '../gateway/scene.js';
import type { Cleanup } from '../scene.js';

/** JSON that can be read, and nests too deep to be written. */
const deep = JSON.parse('['.repeat(50_000) + ']'.repeat(50_000)) as JsonObject[string];
const elicitation = { elicitation: {} };

/** A service whose tools say such things, each in its own way; `say` is what it says unasked. */
function deepService() {
  const listeners = new Set<Parameters<McpService['listen']>[0]>();
  const service: McpService = {
    info: { name: 'deep', version: '1' },
    capabilities: { tools: {}, logging: {} },
    async request(method, { name }, exchange) {
      if (method !== 'tools/call') return {};
      if (name === 'result') return { content: [], structuredContent: deep };
      if (name === 'error') throw new RpcError(-32_000, 'It failed.', { deep });
      if (name === 'log') exchange.log('error', deep);
      if (name === 'ask')
        await exchange.ask({
          it: { method: 'elicitation/create', params: { message: 'x', deep } },
        });
      return { content: [{ type: 'text', text: 'well' }] };
    },
    listen(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
  const say = (data: JsonObject[string]): void => {
    for (const listener of listeners) listener({ type: 'log', level: 'error', data });
  };
  return { service, say };
}

async function scene(onTestFinished: Cleanup) {
  const { service, say } = deepService();
  const whole = await gatewayScene(onTestFinished, { servers: {}, services: { deep: service } });
  return { ...whole, say, token: (await whole.grant()).token };
}

/** A client of lines, and what it hears. */
async function lines({ gateway, token }: Awaited<ReturnType<typeof scene>>) {
  const [input, output] = [new PassThrough(), new PassThrough()];
  void gateway.serve({ input, output, token });
  let heard = '';
  output.on('data', (chunk: Buffer) => (heard += chunk.toString()));
  const messages = (): JsonObject[] =>
    heard
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as JsonObject);
  let id = 0;
  const ask = async (method: string, params: JsonObject): Promise<JsonObject> => {
    const own = (id += 1);
    input.write(`${JSON.stringify({ jsonrpc: '2.0', id: own, method, params })}\n`);
    for (;;) {
      const answer = messages().find((message) => message['id'] === own);
      if (answer !== undefined) return answer;
      await once(output, 'data');
    }
  };
  await ask('initialize', { protocolVersion: '2025-11-25', capabilities: elicitation });
  return { ask, messages };
}

type Call = (name: string) => Promise<JsonObject | undefined>;
const version = '2026-07-28';
const _meta = {
  'io.modelcontextprotocol/protocolVersion': version,
  'io.modelcontextprotocol/clientCapabilities': elicitation,
  'io.modelcontextprotocol/logLevel': 'error',
};
const ways: [string, (of: Awaited<ReturnType<typeof scene>>) => Promise<Call>][] = [
  [
    'over lines, with a session',
    async (of) => {
      const { ask } = await lines(of);
      return (name) => ask('tools/call', { name: `deep__${name}` });
    },
  ],
  [
    'over lines, without',
    async (of) => {
      const { ask } = await lines(of);
      return (name) => ask('tools/call', { name: `deep__${name}`, _meta });
    },
  ],
  [
    'over HTTP, with a session',
    async ({ url, token }) => {
      const { post } = await rawClient(url, token, elicitation);
      return async (name) => (await post('tools/call', { name: `deep__${name}` })).message;
    },
  ],
  [
    'over HTTP, without',
    ({ url, token }) =>
      Promise.resolve(async (name) => {
        const params = { name: `deep__${name}`, arguments: {}, _meta };
        const headers = {
          authorization: `Bearer ${token}`,
          'mcp-protocol-version': version,
          'mcp-method': 'tools/call',
          'mcp-name': params.name,
        };
        const message = { jsonrpc: '2.0', id: 1, method: 'tools/call', params };
        return (await raw(url, 'POST', headers, JSON.stringify(message))).message;
      }),
  ],
];

describe('what nests too deep to be written', () => {
  test.for(ways)(
    'is answered with an error in its place, %s',
    async ([, open], { onTestFinished }) => {
      const call = await open(await scene(onTestFinished));
      const unwritable = {
        error: { code: -32_603, message: expect.stringContaining('too deep') as string },
      };
      expect(await call('result')).toMatchObject(unwritable);
      expect(await call('error')).toMatchObject(unwritable);
      expect(await call('ask')).toMatchObject(unwritable);
      // What is only told is left out.
      expect(await call('log')).toMatchObject({ result: { content: [{ text: 'well' }] } });
    },
  );

  test('is left out of what is said unasked, and what comes after it is said', async ({
    onTestFinished,
  }) => {
    const of = await scene(onTestFinished);
    const { ask, messages } = await lines(of);
    await ask('logging/setLevel', { level: 'info' });
    await ask('tools/call', { name: 'deep__any' }); // who uses nothing of it hears nothing of it
    for (const data of [deep, 'next']) of.say(data);
    await ask('ping', {});
    const said = messages().filter(({ method }) => method === 'notifications/message');
    expect(said).toMatchObject([{ params: { data: 'next' } }]);
  });
});
