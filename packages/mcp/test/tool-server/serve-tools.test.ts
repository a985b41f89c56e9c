import { PassThrough } from 'node:stream';
import { createInterface } from 'node:readline';
import { expect, test } from 'vitest';
import type { JsonObject } from '../../src/json.js';
import { serveTools, type ServedTool } from '../../src/tool-server/index.js';

/** A server of tools, and a client that writes to it by hand. */
function startServer(tools: readonly ServedTool[], signal?: AbortSignal) {
  const input = new PassThrough();
  const output = new PassThrough();
  const lines = createInterface({ input: output })[Symbol.asyncIterator]();
  const info = { name: 'clock', version: '1' };
  const ended = serveTools({ info, tools, input, output, ...(signal && { signal }) });
  return {
    input,
    ended,
    send: (message: object) =>
      void input.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`),
    next: async () => JSON.parse(String((await lines.next()).value)) as JsonObject,
  };
}

const tool = (name: string, call: ServedTool['call']): ServedTool => ({
  name,
  description: `${name} of the clock`,
  inputSchema: { type: 'object' },
  annotations: { readOnlyHint: true },
  call,
});

test('tools are listed and called, with progress for those who want it', async () => {
  const { send, next, input, ended } = startServer([
    tool('now', ({ zone }, { progress }) => {
      progress({ progress: 1, total: 2 });
      return Promise.resolve({ text: JSON.stringify(zone), structured: { zone: zone ?? null } });
    }),
    tool('fails', () => Promise.resolve({ text: 'no clock here', isError: true })),
  ]);
  send({ id: 1, method: 'initialize', params: { protocolVersion: '2025-11-25' } });
  expect(await next()).toMatchObject({
    result: { serverInfo: { name: 'clock' }, capabilities: { tools: {} } },
  });
  send({ id: 2, method: 'tools/list' });
  expect(await next()).toEqual({
    jsonrpc: '2.0',
    id: 2,
    result: {
      tools: ['now', 'fails'].map((name) => ({
        name,
        description: `${name} of the clock`,
        inputSchema: { type: 'object' },
        annotations: { readOnlyHint: true },
      })),
    },
  });
  const now = { name: 'now', arguments: { zone: 'UTC' } };
  send({ id: 3, method: 'tools/call', params: now });
  const answer = { content: [{ type: 'text', text: '"UTC"' }], structuredContent: { zone: 'UTC' } };
  expect(await next()).toMatchObject({ id: 3, result: answer });
  send({ id: 4, method: 'tools/call', params: { ...now, _meta: { progressToken: 'p' } } });
  expect(await next()).toMatchObject({ params: { progressToken: 'p', progress: 1, total: 2 } });
  expect(await next()).toMatchObject({ id: 4, result: answer });
  send({ id: 5, method: 'tools/call', params: { name: 'fails' } });
  expect(await next()).toMatchObject({ id: 5, result: { isError: true } });
  send({ id: 6, method: 'tools/call', params: { name: 'later' } });
  expect(await next()).toMatchObject({
    id: 6,
    error: { code: -32_602, message: 'There is no tool "later". There are: now, fails.' },
  });
  input.write('{"half":\n');
  expect(await next()).toMatchObject({ error: { code: -32_700 } });
  input.end();
  await ended;
});

test.each(['its input ends', 'it is told to end'])(
  'when %s, a call is cancelled, and waited for',
  async (why) => {
    const stop = new AbortController();
    let isCleanedUp = false;
    let isBegun: () => void = () => undefined;
    const begun = new Promise<void>((resolve) => (isBegun = resolve));
    const { send, input, ended } = startServer(
      [
        tool('waits', async (_args, { signal }) => {
          isBegun();
          await new Promise((resolve) => signal.addEventListener('abort', resolve));
          await new Promise((resolve) => setTimeout(resolve, 50)); // what there is to clean up
          isCleanedUp = true;
          return { text: '' };
        }),
      ],
      stop.signal,
    );
    send({ id: 1, method: 'tools/call', params: { name: 'waits' } });
    await begun;
    if (why === 'its input ends') input.end();
    else stop.abort();
    await ended;
    expect(isCleanedUp).toBe(true);
    expect(input.isPaused()).toBe(true);
  },
);
