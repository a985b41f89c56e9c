import { readFileSync } from 'node:fs';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createClientEngine, type Verdict } from '../../src/client-engine/index.js';
import { connect, type ClientOptions, type JsonObject, type ServerEvent } from '../../src/index.js';
import { refusal, temporaryDirectory, until, type Cleanup } from '../scene.js';
import { connectToEra } from './era-server.js';

const modern: ClientOptions = { engine: createClientEngine({ protocol: '2026-07-28' }) };
const overHttp = { eras: 'modern', way: 'http' } as const;
const overPipe = { eras: 'modern', way: 'stdio' } as const;
const prefix = 'io.modelcontextprotocol/';

interface Seen {
  readonly message: { readonly params: { readonly _meta: JsonObject } };
  readonly headers: Readonly<Record<string, string>>;
}
const readSeen = (text: string): Seen => JSON.parse(text) as Seen;

test('says with each request who asks, in its envelope and in headers', async (context) => {
  const clientInfo = { name: 'me', version: '3' };
  const era = await connectToEra(overHttp, { ...modern, clientInfo }, {}, context.onTestFinished);
  const { message, headers } = readSeen((await era.call('seen')).text);
  expect(message.params._meta).toMatchObject({
    [`${prefix}protocolVersion`]: '2026-07-28',
    [`${prefix}clientInfo`]: clientInfo,
    [`${prefix}clientCapabilities`]: {},
  });
  expect(headers).toMatchObject({
    'mcp-protocol-version': '2026-07-28',
    'mcp-method': 'tools/call',
    'mcp-name': 'seen',
  });
  expect(headers['mcp-session-id']).toBeUndefined();
});

test('puts marked parameters into headers over HTTP, listed or not', async ({ onTestFinished }) => {
  const era = await connectToEra(overHttp, modern, {}, onTestFinished);
  const args = { region: 'Zürich', deep: { level: 3 }, plain: 'x' };
  const { headers } = readSeen((await era.call('marked', args)).text);
  expect(headers['mcp-param-region']).toBe(
    `=?base64?${Buffer.from('Zürich').toString('base64')}?=`,
  );
  expect(headers['mcp-param-level']).toBe('3');
  expect(headers['mcp-param-plain']).toBeUndefined();
});

test('leaves out tools whose marks are not valid, over HTTP only', async ({ onTestFinished }) => {
  const noises: string[] = [];
  const onEvent = (_name: string, event: ServerEvent): void => {
    if (event.type === 'noise') noises.push(event.text);
  };
  const era = await connectToEra(overHttp, { ...modern, onEvent }, {}, onTestFinished);
  const names = (await era.tools()).map(({ name }) => name);
  expect(names).toContain('marked');
  expect(names).not.toContain('badly_marked');
  expect(noises.join()).toContain('badly_marked');
  expect((await refusal(era.call('badly_marked'))).code).toBe('ORCH_MCP_RESULT');
  const piped = await connectToEra(overPipe, modern, {}, onTestFinished);
  expect((await piped.tools()).map(({ name }) => name)).toContain('badly_marked');
  expect((await piped.call('badly_marked')).text).toBe('never');
});

test('answers in as many rounds as are needed, but not for ever', async ({ onTestFinished }) => {
  const form = {
    method: 'elicitation/create',
    params: { message: 'Go on?', requestedSchema: { type: 'object', properties: {} } },
  };
  const handlers = { fillForm: () => ({ action: 'accept' }) as const };
  const spec = { asks: ['elicitation'], asksPerMinute: 100 } as const;
  const era = await connectToEra(overPipe, { ...modern, handlers }, spec, onTestFinished);
  const answered = await era.call('ask', { questions: { a: form }, rounds: 3 });
  expect(JSON.parse(answered.text)).toEqual({ a: { action: 'accept', content: {} } });
  const endless = await refusal(era.call('ask', { questions: { a: form }, rounds: 1e9 }));
  expect(endless.code).toBe('ORCH_MCP_RESULT');
});

test('takes a result without a type for complete, and refuses types it does not know', async ({
  onTestFinished,
}) => {
  const era = await connectToEra(overPipe, modern, {}, onTestFinished);
  expect((await era.call('untyped_result')).text).toBe('complete');
  expect((await refusal(era.call('unknown_result'))).code).toBe('ORCH_MCP_RESULT');
});

test('listens again when the stream of changes ends', async ({ onTestFinished }) => {
  const events: ServerEvent[] = [];
  const onEvent = (_name: string, event: ServerEvent): void => void events.push(event);
  const era = await connectToEra(overHttp, { ...modern, onEvent }, {}, onTestFinished);
  const listeners = async (): Promise<number> => Number((await era.call('listeners')).text);
  while ((await listeners()) === 0);
  await era.call('hang_up');
  while ((await listeners()) === 0);
  const before = (await era.tools())[0]?.description;
  await era.call('change');
  await until(() => events.some(({ type }) => type === 'changed'), 'the change is told');
  expect((await era.tools())[0]?.description).not.toBe(before);
});

test('keeps a list for as long as its server says', async ({ onTestFinished }) => {
  const listsAfter = async (ERA_TTL_MS: string): Promise<number> => {
    const era = await connectToEra(
      { ...overPipe, env: { ERA_TTL_MS } },
      modern,
      {},
      onTestFinished,
    );
    for (let time = 0; time < 3; time += 1) {
      await era.tools();
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    return Number((await era.call('lists')).text);
  };
  expect(await listsAfter('0')).toBe(3);
  expect(await listsAfter('60000')).toBe(1);
});

test('starts a server anew that ends when it is asked for its protocol, and keeps that in mind', async ({
  onTestFinished,
}) => {
  const ERA_STARTS = join(temporaryDirectory(onTestFinished), 'starts');
  const starts = (): number => readFileSync(ERA_STARTS, 'utf8').split('\n').length - 1;
  const verdicts = new Map<string, Verdict>();
  const options = { engine: createClientEngine({ verdicts }) };
  const fragile = { eras: 'fragile', way: 'stdio', env: { ERA_STARTS } } as const;
  const first = await connectToEra(fragile, options, {}, onTestFinished);
  expect((await first.ready()).protocolVersion).toBe('2025-11-25');
  expect(starts()).toBe(2);
  expect([...verdicts.values()]).toMatchObject([{ era: 'legacy' }]);
  await connectToEra(fragile, options, {}, onTestFinished);
  expect(starts()).toBe(3);
  // A day later it may be another.
  for (const server of verdicts.keys()) verdicts.set(server, { era: 'legacy', at: 0 });
  await connectToEra(fragile, options, {}, onTestFinished);
  expect(starts()).toBe(5);
});

test('takes a server that does not answer over a pipe for one of the past', async (context) => {
  const options = { engine: createClientEngine({ probeMs: 300 }) };
  const server = { eras: 'mute', way: 'stdio' } as const;
  const era = await connectToEra(server, options, {}, context.onTestFinished);
  expect((await era.ready()).protocolVersion).toBe('2025-11-25');
});

test('a server that must speak 2026-07-28 and does not is not connected', async (context) => {
  for (const way of ['stdio', 'http'] as const) {
    const connecting = connectToEra({ eras: 'legacy', way }, modern, {}, context.onTestFinished);
    expect((await refusal(connecting)).code).toBe('ORCH_MCP_START');
  }
});

test.for([
  { status: 401, code: 'ORCH_MCP_AUTH' },
  { status: 503, code: 'ORCH_MCP_START' },
])('a refusal with $status is none of the protocol', async ({ status, code }, context) => {
  let requests = 0;
  const url = await respond(context.onTestFinished, () => {
    requests += 1;
    return status;
  });
  const connecting = connect({ type: 'http', url }, { engine: createClientEngine() });
  expect((await refusal(connecting)).code).toBe(code);
  expect(requests).toBe(1);
});

test('nothing of connections that failed is left to wait for', async ({ onTestFinished }) => {
  const timers = (): number =>
    process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
  const url = await respond(onTestFinished, () => 503);
  const before = timers();
  const options = { engine: createClientEngine() };
  for (let time = 0; time < 10; time += 1) await refusal(connect({ type: 'http', url }, options));
  // Other timers of this process come and go.
  expect(timers() - before).toBeLessThan(5);
});

test('refuses a protocol that it does not know', async () => {
  const create = (): Promise<unknown> =>
    Promise.resolve().then(() => createClientEngine({ protocol: '2024-11-05' as 'legacy' }));
  expect((await refusal(create())).code).toBe('ORCH_MCP_SPEC');
});

async function respond(onTestFinished: Cleanup, status: () => number): Promise<string> {
  const server = createServer((_request, response) => response.writeHead(status()).end('no'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`;
}
