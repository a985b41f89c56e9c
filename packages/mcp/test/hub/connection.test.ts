import { mkdirSync, rmSync } from 'node:fs';
import { expect, test } from 'vitest';
import { connect, inMemory } from '../../src/index.js';
import { SpillPlace, spilledOf } from '../../src/spill/spill.js';
import type { WireEvents } from '../../src/transport/transport.js';
import { nestedLog } from '../faults/nested.js';
import { refusal, temporaryDirectory, type Cleanup } from '../scene.js';

/** A server that answers calls from its second connection on, and what the ways to it can tell. */
async function scene(onTestFinished: Cleanup) {
  const wires: WireEvents[] = [];
  const open = inMemory((end) => {
    const number = wires.length;
    end.onmessage = ({ id, method, params = {} }) => {
      const { protocolVersion } = params as { protocolVersion?: string };
      const serverInfo = { name: 'hand', version: '1' };
      if (method === 'initialize') {
        const result = { protocolVersion, capabilities: { tools: {} }, serverInfo };
        void end.send({ jsonrpc: '2.0', id, result });
      } else if (method === 'tools/call' && number > 1)
        void end.send({ jsonrpc: '2.0', id, result: { content: [] } });
    };
  });
  const server = await connect(
    { type: 'custom', open, secrets: ['fake-secret'] },
    {
      restart: { delayMs: 1 },
      wire: (_server, bare) => (events, signal) => {
        wires.push(events);
        return bare(events, signal);
      },
    },
  );
  onTestFinished(() => server.close());
  return { server, wires };
}

test('a message that cannot be taken in ends its connection and no more, whatever it came by', async ({
  onTestFinished,
}) => {
  const { server, wires } = await scene(onTestFinished);
  const call = refusal(server.call('any'));
  wires[0]?.message(JSON.parse(nestedLog) as object as Record<string, never>);
  expect(await call).toMatchObject({ code: 'ORCH_MCP_RESULT' });
  expect((await call).message).toContain('server sent a message that cannot be taken in');
  expect(await server.call('any')).toMatchObject({ isError: false });
});

test('so does an answer in a file that cannot be let go of', async ({ onTestFinished }) => {
  const { server, wires } = await scene(onTestFinished);
  const directory = temporaryDirectory(onTestFinished);
  const limits = { maxMessageBytes: 1, maxBytes: 1000 };
  const place = new SpillPlace({ name: 'server', directory, ...limits });
  const late = place.put(Buffer.from('{"jsonrpc":"2.0","id":7000,"result":{"content":[]}}'));
  const path = 'result' in late ? (spilledOf(late.result)?.path ?? '') : '';
  rmSync(path);
  mkdirSync(path);
  const call = refusal(server.call('any'));
  wires[0]?.oversized(late);
  expect(await call).toMatchObject({ code: 'ORCH_MCP_RESULT' });
  expect(await server.call('any')).toMatchObject({ isError: false });
});
