import { describe, expect, test } from 'vitest';
import {
  createMcpHub,
  inMemory,
  type CallOptions,
  type CustomServerSpec,
  type HubOptions,
  type JsonObject,
  type ServerSpec,
} from '../../src/index.js';
import { openPins } from '../../src/safety/index.js';
import { refusal, temporaryDirectory, type Cleanup } from '../scene.js';

interface Message {
  readonly id?: number;
  readonly method: string;
  readonly params: JsonObject;
}
type Replies = Readonly<Record<string, (params: JsonObject) => JsonObject>>;

const tool = { name: 'good', inputSchema: { type: 'object' } };
const structured = { content: [], structuredContent: { done: true } };
const replies: Replies = {
  initialize: ({ protocolVersion }) => ({
    ...{ protocolVersion, capabilities: { tools: {} } },
    serverInfo: { name: 'slow', version: '1' },
  }),
  ping: () => ({}),
  'tools/list': () => ({ tools: [tool] }),
  'tools/call': () => ({ content: [{ type: 'text', text: 'done' }] }),
};

/** A server that takes as long as `waits` says for a method; for `Infinity` it never answers. */
function slow(waits: Readonly<Record<string, number>>, more: Replies = {}) {
  const asked: string[] = [];
  const open = inMemory((end) => {
    end.onmessage = (message) => {
      const { id, method, params } = message as unknown as Message;
      asked.push(method);
      const result = (more[method] ?? replies[method])?.(params);
      const waitMs = waits[method] ?? 0;
      if (id === undefined || waitMs === Infinity) return;
      setTimeout(
        () => void end.send({ jsonrpc: '2.0', id, result }).catch(() => undefined),
        waitMs,
      );
    };
  });
  const spec: CustomServerSpec = { type: 'custom', open };
  return { spec, asked };
}

function hubOf(onTestFinished: Cleanup, spec: ServerSpec, more: Partial<HubOptions> = {}) {
  const hub = createMcpHub({ servers: { one: spec }, ...more });
  onTestFinished(() => hub.close());
  return hub;
}

const pinned = (onTestFinished: Cleanup): Partial<HubOptions> => ({
  pins: { policy: 'block', store: openPins(temporaryDirectory(onTestFinished)) },
});

/** The refusal, and how long it took. */
async function timed(work: Promise<unknown>) {
  const beganMs = performance.now();
  const error = await refusal(work);
  return { error, ms: performance.now() - beganMs };
}

const short: CallOptions = { totalMs: 300 };
/** Far below every default, and far above what a busy machine needs. */
const soonMs = 5000;

describe('the time of a call in all', () => {
  test('is over while its server is started, and the start goes on for others', async ({
    onTestFinished,
  }) => {
    const { spec, asked } = slow({ initialize: 1500 });
    const hub = hubOf(onTestFinished, spec);
    const patient = hub.call('one__good');
    expect(await refusal(hub.call('one__good', {}, short))).toMatchObject({
      code: 'ORCH_MCP_TIMEOUT',
      details: { method: 'tools/call', limit: 'total', ms: 300, waitedFor: 'start' },
    });
    expect(hub.states()).toEqual({ one: 'connecting' });
    expect((await patient).text).toBe('done');
    expect(asked.filter((method) => method === 'initialize')).toHaveLength(1);
    expect(asked.filter((method) => method === 'tools/call')).toHaveLength(1);
  });

  test('is that of its start and its request together', async ({ onTestFinished }) => {
    const { spec } = slow({ initialize: 1000, 'tools/call': 1000 });
    const calling = hubOf(onTestFinished, spec).call('one__good', {}, { totalMs: 1500 });
    expect(await refusal(calling)).toMatchObject({
      code: 'ORCH_MCP_TIMEOUT',
      details: { method: 'tools/call', limit: 'total', ms: 1500 },
    });
  });

  test.each<[string, CallOptions, JsonObject]>([
    ['time in all', short, { limit: 'total', ms: 300 }],
    ['longest silence', { timeoutMs: 300 }, { limit: 'silence', ms: 300 }],
  ])(
    'also ends a call that waits for the list that it is judged by: %s',
    async (_which, options, details) => {
      const cleanups: (() => void | Promise<void>)[] = [];
      const onTestFinished: Cleanup = (clean) => cleanups.unshift(clean);
      try {
        const { spec, asked } = slow({ 'tools/list': Infinity });
        const hub = hubOf(onTestFinished, spec, pinned(onTestFinished));
        // The list is being read already, with all the time that there is.
        await hub.server('one').ready();
        const { error, ms } = await timed(hub.call('one__good', {}, options));
        expect(error).toMatchObject({
          code: 'ORCH_MCP_TIMEOUT',
          details: { method: 'tools/list', ...details },
        });
        expect(ms).toBeLessThan(soonMs);
        expect(asked).not.toContain('tools/call');
      } finally {
        for (const clean of cleanups) await clean();
      }
    },
  );

  test.each<[string, CallOptions, JsonObject]>([
    ['time in all', short, { limit: 'total', ms: 300 }],
    ['longest silence', { timeoutMs: 300 }, { limit: 'silence', ms: 300 }],
  ])(
    'also ends a call whose result waits for its schema, and what the tool gave is not lost: %s',
    async (_which, options, details) => {
      const { spec } = slow({ 'tools/list': Infinity }, { 'tools/call': () => structured });
      const hub = createMcpHub({ servers: { one: spec } });
      try {
        const { error, ms } = await timed(hub.call('one__good', {}, options));
        expect(error).toMatchObject({
          code: 'ORCH_MCP_TIMEOUT',
          details: { method: 'tools/list', ...details, tool: 'good', result: structured },
        });
        expect(ms).toBeLessThan(soonMs);
      } finally {
        await hub.close();
      }
    },
  );

  test('is not ended sooner by somebody else, who waits for the same list with less patience', async ({
    onTestFinished,
  }) => {
    const { spec } = slow({ 'tools/list': 800 });
    const server = hubOf(onTestFinished, spec).server('one');
    await server.ready();
    const impatient = refusal(server.tools({ timeoutMs: 200 }));
    const patient = server.tools();
    expect(await impatient).toMatchObject({
      code: 'ORCH_MCP_TIMEOUT',
      details: { limit: 'silence', ms: 200 },
    });
    expect(await patient).toMatchObject([{ name: 'good' }]);
  });

  test('is shared with what is done again on a new connection', async ({ onTestFinished }) => {
    let connections = 0;
    const open = inMemory((end) => {
      connections += 1;
      const isFirst = connections === 1;
      end.onmessage = (message) => {
        const { id, method, params } = message as unknown as Message;
        if (id === undefined) return;
        const answer = { jsonrpc: '2.0', id, result: replies[method]?.(params) };
        // Either alone is in the time of the call, and both are not.
        if (method !== 'tools/call') void end.send(answer);
        else setTimeout(() => void (isFirst ? end.close() : end.send(answer)), 900);
      };
    });
    const hub = hubOf(onTestFinished, { type: 'custom', open }, { restart: { delayMs: 1 } });
    const calling = hub.call('one__good', {}, { idempotent: true, totalMs: 1500 });
    expect(await refusal(calling)).toMatchObject({
      code: 'ORCH_MCP_TIMEOUT',
      details: { method: 'tools/call', limit: 'total', ms: 1500 },
    });
    expect(connections).toBe(2);
  });
});

describe('the signal of a call', () => {
  test('also ends it while its result waits for its schema', async ({ onTestFinished }) => {
    const { spec, asked } = slow({ 'tools/list': Infinity }, { 'tools/call': () => structured });
    const hub = hubOf(onTestFinished, spec);
    const giveUp = new AbortController();
    const calling = timed(hub.call('one__good', {}, { signal: giveUp.signal }));
    while (!asked.includes('tools/list')) await new Promise((resolve) => setTimeout(resolve, 10));
    giveUp.abort();
    const { error, ms } = await calling;
    expect(error).toMatchObject({ code: 'ORCH_MCP_CANCELLED', details: { result: structured } });
    expect(ms).toBeLessThan(soonMs);
  });
});
