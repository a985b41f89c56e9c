import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { expect, test } from 'vitest';
import { connect, createMcpHub, inMemory, type MemoryEnd } from '../../src/index.js';
import { handlesLeft, openHandles, refusal, until, type Cleanup } from '../scene.js';

const text = (value: string) => ({ content: [{ type: 'text' as const, text: value }] });

/** A server of the official SDK, one for each connection. */
function counting() {
  const servers: McpServer[] = [];
  const open = inMemory((end) => {
    const server = new McpServer({ name: 'own', version: '1' });
    const number = servers.push(server);
    server.registerTool('number', {}, () => text(String(number)));
    server.registerTool('fails', {}, () => {
      throw new Error('out of order');
    });
    return server.connect(end);
  });
  return { open, servers };
}

/** A server by hand, with the end that it was given last. */
async function byHand(
  onTestFinished: Cleanup,
  answer: (message: Record<string, unknown>, end: MemoryEnd) => void,
) {
  const ends: MemoryEnd[] = [];
  const open = inMemory((end) => {
    ends.push(end);
    end.onmessage = (message) => {
      const { id, method, params = {} } = message;
      const { protocolVersion } = params as { protocolVersion?: string };
      const serverInfo = { name: 'hand', version: '1' };
      const result = { protocolVersion, capabilities: { tools: {} }, serverInfo };
      if (method === 'initialize') void end.send({ jsonrpc: '2.0', id, result });
      else if (method === 'tools/call') answer(message, end);
    };
  });
  const server = await connect({ type: 'custom', open }, { restart: { delayMs: 1 } });
  onTestFinished(() => server.close());
  return { server, ends };
}

test('a server of the SDK within this process is a server of a hub as any other', async () => {
  const before = openHandles();
  const { open } = counting();
  const hub = createMcpHub({
    servers: { own: { type: 'custom', open, tools: { deny: ['fails'] } } },
  });
  const { items } = await hub.tools();
  expect(items.map(({ qualifiedName }) => qualifiedName)).toEqual(['own__number']);
  expect(await hub.call('own__number')).toMatchObject({ text: '1' });
  expect(await refusal(hub.call('own__fails'))).toMatchObject({ code: 'ORCH_MCP_REFUSED' });
  await hub.close();
  expect(await handlesLeft(before)).toEqual({});
});

test('after its server closed it, the next connection has a new server', async () => {
  const { open, servers } = counting();
  const server = await connect({ type: 'custom', open }, { restart: { delayMs: 1 } });
  expect(await server.call('number')).toMatchObject({ text: '1' });
  await servers[0]?.close();
  await until(() => server.state === 'backoff', 'the end to be noticed');
  expect(await server.call('number')).toMatchObject({ text: '2' });
  await server.close();
  expect(servers[1]?.isConnected()).toBe(false);
});

test('a server that cannot be served is one that could not be started', async () => {
  for (const fail of [() => Promise.reject(new Error('no disk')), () => brokenAtOnce()]) {
    const error = await refusal(connect({ type: 'custom', open: inMemory(fail) }));
    expect(error).toMatchObject({ code: 'ORCH_MCP_START' });
    expect(error.message).toContain('no disk');
  }
});

function brokenAtOnce(): void {
  throw new Error('no disk');
}

test('what came before its server was there is kept for it', async () => {
  const open = inMemory(async (end) => {
    await new Promise((resolve) => setTimeout(resolve, 50));
    await new McpServer({ name: 'late', version: '1' }).connect(end);
  });
  const server = await connect({ type: 'custom', open });
  expect((await server.ready()).serverInfo.name).toBe('late');
  await server.close();
});

test('no side holds an object of the other', async ({ onTestFinished }) => {
  const sent = text('first');
  const heard: Record<string, unknown>[] = [];
  const { server } = await byHand(onTestFinished, (message, end) => {
    heard.push(message);
    void end.send({ jsonrpc: '2.0', id: message['id'], result: sent });
    (sent.content[0] as { text: string }).text = 'changed';
  });
  const given = { deep: { value: 1 } };
  const result = await server.call('any', given);
  expect(result.text).toBe('first');
  given.deep.value = 2;
  expect(heard[0]).toMatchObject({ params: { arguments: { deep: { value: 1 } } } });
});

test('a call that its server never answers ends in its time', async ({ onTestFinished }) => {
  const { server } = await byHand(onTestFinished, () => undefined);
  const error = await refusal(server.call('any', {}, { timeoutMs: 100 }));
  expect(error).toMatchObject({ code: 'ORCH_MCP_TIMEOUT' });
});

test('a server that is at work for ever starves no timer', async ({ onTestFinished }) => {
  const { server } = await byHand(onTestFinished, ({ id }, end) => {
    void end.send({ jsonrpc: '2.0', id, result: text('again') });
  });
  const fired = new AbortController();
  setTimeout(() => fired.abort(), 50);
  for (let round = 0; round < 1_000_000 && !fired.signal.aborted; round += 1)
    await server.call('any');
  expect(fired.signal.aborted).toBe(true);
});

test('calls that run when its server closes it are refused, and what it said before stands', async ({
  onTestFinished,
}) => {
  const { server, ends } = await byHand(onTestFinished, ({ id, params }, end) => {
    const { name } = params as { name: string };
    if (name === 'answered') void end.send({ jsonrpc: '2.0', id, result: text('well') });
    else void end.close();
  });
  const [answered, error] = await Promise.all([
    server.call('answered'),
    refusal(server.call('closes')),
  ]);
  expect(answered.text).toBe('well');
  expect(error).toMatchObject({ code: 'ORCH_MCP_CLOSED' });
  await expect(ends[0]?.send({ jsonrpc: '2.0', method: 'late' })).rejects.toMatchObject({
    code: 'ORCH_MCP_CLOSED',
  });
});

test('what is no JSON is refused at the side that sends it', async ({ onTestFinished }) => {
  const refused: Promise<unknown>[] = [];
  const { server } = await byHand(onTestFinished, ({ id }, end) => {
    for (const wrong of [{ big: 1n }, []]) refused.push(refusal(end.send(wrong)));
    void end.send({ jsonrpc: '2.0', id, result: text('well') });
  });
  await server.call('any');
  expect(refused).toHaveLength(2);
  for (const one of refused) expect(await one).toMatchObject({ code: 'ORCH_MCP_SPEC' });
});

test('a way that never opens ends in its time, and is closed when it opens all the same', async () => {
  let finish: () => void = () => undefined;
  const opening = new Promise<void>((resolve) => (finish = resolve));
  let closed = 0;
  const error = await refusal(
    connect({
      type: 'custom',
      startMs: 100,
      async open() {
        await opening;
        return {
          send: () => undefined,
          forget: () => undefined,
          ready: () => undefined,
          close() {
            closed += 1;
            return Promise.resolve({});
          },
        };
      },
    }),
  );
  expect(error).toMatchObject({ code: 'ORCH_MCP_START' });
  expect(closed).toBe(0);
  finish();
  await until(() => closed === 1, 'the late way to be closed');
});
