import { expect, test } from 'vitest';
import type { JsonObject } from '../../src/json.js';
import { McpError } from '../../src/mcp-error.js';
import { firstId, Peer } from '../../src/protocol/peer.js';
import type { RequestId, Transport } from '../../src/transport/transport.js';
import { refusal } from '../scene.js';

/** A peer, and what it wrote: nothing is answered unless the test does so. */
function scene(timeoutMs = 60_000) {
  const sent: { readonly text: string; readonly id: RequestId | undefined }[] = [];
  const peer = new Peer({
    name: 'quiet',
    timeoutMs,
    totalMs: 60_000,
    notified: () => undefined,
    other: () => undefined,
    timedOut: () => undefined,
  });
  const transport: Pick<Transport, 'send' | 'forget'> = {
    send: (text, id) => {
      sent.push({ text, id });
      return undefined;
    },
    forget: () => undefined,
  };
  peer.speakOver(transport as Transport);
  const answer = (id: RequestId | undefined, result: JsonObject): void =>
    peer.receive({ jsonrpc: '2.0', id: id ?? null, result });
  return { peer, sent, answer };
}

const messages = (sent: readonly { readonly text: string }[]): unknown[] =>
  sent.map(({ text }) => JSON.parse(text) as unknown);

test('a request carries its parameters and a token of progress beside what they say of themselves', () => {
  const { peer, sent } = scene();
  void peer.request('ping', {});
  void peer.request('tools/call', { name: 'a"b', arguments: { list: [{}, '}'] } });
  void peer.request('tools/list', { cursor: 'x', _meta: { trace: 1, progressToken: 'theirs' } });
  void peer.request('odd\n"method"', { _meta: null });
  expect(messages(sent)).toEqual([
    {
      jsonrpc: '2.0',
      id: firstId,
      method: 'ping',
      params: { _meta: { progressToken: firstId } },
    },
    {
      jsonrpc: '2.0',
      id: firstId + 1,
      method: 'tools/call',
      params: {
        name: 'a"b',
        arguments: { list: [{}, '}'] },
        _meta: { progressToken: firstId + 1 },
      },
    },
    {
      jsonrpc: '2.0',
      id: firstId + 2,
      method: 'tools/list',
      params: { cursor: 'x', _meta: { trace: 1, progressToken: firstId + 2 } },
    },
    {
      jsonrpc: '2.0',
      id: firstId + 3,
      method: 'odd\n"method"',
      params: { _meta: { progressToken: firstId + 3 } },
    },
  ]);
  expect(sent.every(({ text }) => !text.includes('\n'))).toBe(true);
});

test('of an envelope every message tells, and the token of progress stays', async () => {
  const { peer, sent } = scene();
  peer.introduce({ 'io.example/version': '1' });
  void peer.request('tools/call', { name: 'a', _meta: { trace: 1 } });
  await peer.notify('notifications/initialized');
  expect(messages(sent)).toMatchObject([
    {
      params: { name: 'a', _meta: { 'io.example/version': '1', trace: 1, progressToken: firstId } },
    },
    { params: { _meta: { 'io.example/version': '1' } } },
  ]);
});

test('what is no JSON is refused and nothing of it is sent', async () => {
  const { peer, sent, answer } = scene();
  const error = await refusal(peer.request('tools/call', { size: 1n } as unknown as JsonObject));
  expect(error).toMatchObject({ code: 'ORCH_MCP_SPEC' });
  expect(sent).toEqual([]);
  const next = peer.request('ping', {});
  answer(sent[0]?.id, { fine: true });
  expect(await next).toEqual({ fine: true });
});

test.each<[string, Transport['send']]>([
  ['rejects', () => Promise.reject(new Error('the socket is gone'))],
  [
    'throws',
    () => {
      throw new Error('the socket is gone');
    },
  ],
])('a request whose sending %s fails of that', async (_how, send) => {
  const { peer } = scene();
  peer.speakOver({ send } as Transport);
  const error = await refusal(peer.request('tools/call', {}));
  expect(error).toMatchObject({ code: 'ORCH_MCP_CLOSED' });
  expect(error.message).toContain('the socket is gone');
});

test('a request whose sending fails with an error of this package fails with it', async () => {
  const { peer } = scene();
  const known = new McpError('ORCH_MCP_RECORDING', 'That was not recorded.');
  peer.speakOver({ send: () => Promise.reject(known) } as Partial<Transport> as Transport);
  expect(await refusal(peer.request('ping', {}))).toBe(known);
});

test('a request that waits while thousands come and go is answered, times out or ends as any other', async () => {
  const { peer, sent, answer } = scene();
  const patient = peer.request('tools/call', { name: 'slow' });
  const silent = refusal(peer.request('tools/call', { name: 'silent' }, { timeoutMs: 200 }));
  const ended = refusal(peer.request('tools/call', { name: 'last' }));
  for (let round = 0; round < 60; round += 1) {
    const these = Array.from({ length: 100 }, (_, n) => peer.request('ping', { n }));
    for (const { id } of sent.slice(-100)) answer(id, { id: id ?? null });
    const got = await Promise.all(these);
    expect(got.map(({ id }) => id)).toEqual(sent.slice(-100).map(({ id }) => id));
  }
  answer(firstId, { at: 'last' });
  expect(await patient).toEqual({ at: 'last' });
  expect(await silent).toMatchObject({ code: 'ORCH_MCP_TIMEOUT' });
  peer.end(new McpError('ORCH_MCP_CLOSED', 'It is over.'));
  expect(await ended).toMatchObject({ code: 'ORCH_MCP_CLOSED' });
});
