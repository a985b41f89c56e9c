import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createClientEngine } from '../../src/client-engine/index.js';
import type {
  AskHandlers,
  ClientOptions,
  CreateEngine,
  McpServer,
  ServerEvent,
} from '../../src/index.js';
import { refusal, until } from '../scene.js';
import { connectToEra, type Eras } from './era-server.js';

/** What holds with every engine, whatever the protocol that it agrees on, over a pipe and over HTTP. */
interface Engine {
  readonly name: string;
  readonly engine?: CreateEngine;
  readonly eras: Eras;
  readonly version: string;
}

const engines: readonly Engine[] = [
  { name: 'the default engine', eras: 'both', version: '2025-11-25' },
  {
    name: 'the second engine, with a server of the past',
    engine: createClientEngine(),
    eras: 'legacy',
    version: '2025-11-25',
  },
  {
    name: 'the second engine',
    engine: createClientEngine(),
    eras: 'both',
    version: '2026-07-28',
  },
];
const cases = engines.flatMap((engine) =>
  (['stdio', 'http'] as const).map((way) => ({ ...engine, way, title: `${engine.name}, ${way}` })),
);

const form = {
  method: 'elicitation/create',
  params: {
    message: 'Who are you?',
    requestedSchema: {
      type: 'object',
      properties: {
        name: { type: 'string' },
        age: { type: 'integer', default: 7 },
        color: { type: 'string', enum: ['red', 'blue'], default: 'blue' },
      },
      required: ['name'],
    },
  },
};
const prompt = {
  method: 'sampling/createMessage',
  params: { messages: [{ role: 'user', content: { type: 'text', text: 'hi' } }], maxTokens: 5 },
};
const visit = (url: string) => ({
  method: 'elicitation/create',
  params: { mode: 'url', message: 'Log in', url, elicitationId: 'e1' },
});

const handlers: AskHandlers = {
  sample: ({ maxTokens }) => ({
    role: 'assistant',
    content: { type: 'text', text: `${maxTokens} tokens` },
    model: 'm',
  }),
  fillForm: () => ({ action: 'accept', content: { name: 'Ada' } }),
  visitUrl: ({ url }) => ({ action: url.hostname === 'example.com' ? 'accept' : 'decline' }),
};
const asks = ['sampling', 'elicitation'] as const;

describe.each(cases)('$title', ({ engine, eras, way, version }) => {
  const options: ClientOptions = engine === undefined ? {} : { engine };
  const server = { eras, way };
  let era: McpServer;
  const events: ServerEvent[] = [];
  const happened = <T extends ServerEvent['type']>(type: T) =>
    events.filter((event): event is Extract<ServerEvent, { type: T }> => event.type === type);
  const cleanups: (() => unknown)[] = [];

  beforeAll(async () => {
    const more: ClientOptions = {
      ...options,
      handlers,
      roots: ['/srv'],
      onEvent: (_name, event) => void events.push(event),
    };
    era = await connectToEra(server, more, { asks }, (clean) => void cleanups.push(clean));
    // What a server says over HTTP before it is listened to is lost.
    const listeners = async (): Promise<number> => Number((await era.call('listeners')).text);
    while ((await listeners()) === 0);
  });
  afterAll(async () => {
    for (const clean of cleanups.reverse()) await clean();
  });

  test('agrees on a version, and knows who the server is', async () => {
    expect(await era.ready()).toMatchObject({
      protocolVersion: version,
      serverInfo: { name: 'era', version: '1' },
      instructions: 'as you like',
    });
    expect((await era.call('echo', { say: 'hello' })).text).toBe('hello');
    await era.ping();
    expect(await era.resources()).toEqual([{ uri: 'file:///a', name: 'a' }]);
  });

  test('answers what the server may ask, with the defaults of its form', async () => {
    const questions = {
      a: form,
      b: prompt,
      c: visit('https://example.com/login'),
      d: { method: 'roots/list', params: {} },
    };
    const { text } = await era.call('ask', { questions, rounds: 1 });
    expect(JSON.parse(text)).toEqual({
      a: { action: 'accept', content: { name: 'Ada', age: 7, color: 'blue' } },
      b: { role: 'assistant', content: { type: 'text', text: '5 tokens' }, model: 'm' },
      c: { action: 'accept' },
      d: { roots: [{ uri: 'file:///srv' }] },
    });
    const method = 'elicitation/create';
    expect(happened('asked')).toContainEqual({ type: 'asked', method, outcome: 'answered' });
  });

  test.for([
    { what: 'an address without https:', question: visit('http://example.com') },
    { what: 'no question of the protocol', question: { method: 'no/such', params: {} } },
  ])('refuses $what', async ({ question }) => {
    const asking = era.call('ask', { questions: { a: question }, rounds: 1 });
    if (version === '2026-07-28') expect((await refusal(asking)).code).toBe('ORCH_MCP_REFUSED');
    else expect(JSON.parse((await asking).text)).toMatchObject({ a: { refused: {} } });
    expect((await era.call('echo')).text).toBe('well');
  });

  test('does not declare, and refuses, what the server may not ask', async ({ onTestFinished }) => {
    let filled = 0;
    const counting: AskHandlers = {
      fillForm() {
        filled += 1;
        return { action: 'cancel' };
      },
    };
    const more = { ...options, handlers: counting };
    const deaf = await connectToEra(server, more, {}, onTestFinished);
    await deaf.call('ask', { questions: { a: form }, rounds: 1 }).catch(() => undefined);
    expect(filled).toBe(0);
    expect((await deaf.call('declared')).text).toBe('{}');
  });

  test('waits for who fills in a form, and does so only so often', async ({ onTestFinished }) => {
    let filled = 0;
    const slow: AskHandlers = {
      async fillForm() {
        filled += 1;
        await new Promise((resolve) => setTimeout(resolve, 1200));
        return { action: 'cancel' };
      },
    };
    const spec = { asks, asksPerMinute: 1, timeoutMs: 800 };
    const slowly = await connectToEra(server, { ...options, handlers: slow }, spec, onTestFinished);
    const { text } = await slowly.call('ask', { questions: { a: form }, rounds: 1 });
    expect(JSON.parse(text)).toEqual({ a: { action: 'cancel' } });
    await slowly.call('ask', { questions: { a: form }, rounds: 1 }).catch(() => undefined);
    expect(filled).toBe(1);
  });

  test('does not wait for ever for who never answers', async ({ onTestFinished }) => {
    let signal: AbortSignal | undefined;
    const deaf: AskHandlers = {
      fillForm(_request, asking) {
        ({ signal } = asking);
        return new Promise(() => undefined);
      },
    };
    const more = { ...options, handlers: deaf };
    const waiting = await connectToEra(server, more, { asks }, onTestFinished);
    const args = { questions: { a: form }, rounds: 1 };
    const late = await refusal(waiting.call('ask', args, { totalMs: 300 }));
    expect(late.code).toBe('ORCH_MCP_TIMEOUT');
    signal = undefined;
    const giveUp = new AbortController();
    const cancelled = refusal(waiting.call('ask', args, { signal: giveUp.signal }));
    await until(() => signal !== undefined, 'the question');
    giveUp.abort();
    expect((await cancelled).code).toBe('ORCH_MCP_CANCELLED');
    signal = undefined;
    const closed = refusal(waiting.call('ask', args));
    await until(() => signal !== undefined, 'the next question');
    await waiting.close();
    expect((await closed).code).toBe('ORCH_MCP_CLOSED');
    expect((signal as AbortSignal | undefined)?.aborted).toBe(true);
  });

  test('waits for as long as there is progress, and tells it', async () => {
    const steps: number[] = [];
    const onProgress = ({ progress }: { progress: number }): void => void steps.push(progress);
    const args = { steps: 5, everyMs: 300 };
    const result = await era.call('slow', args, { onProgress, timeoutMs: 1200 });
    expect(result.text).toBe('done');
    expect(steps).toEqual([1, 2, 3, 4, 5]);
    const silent = era.call('silent', {}, { timeoutMs: 100 });
    expect((await refusal(silent)).code).toBe('ORCH_MCP_TIMEOUT');
  });

  test('tells the server that nobody waits any more', async () => {
    const cancelled = async (): Promise<number> => Number((await era.call('cancelled')).text);
    const before = await cancelled();
    const giveUp = new AbortController();
    const silent = refusal(era.call('silent', {}, { signal: giveUp.signal }));
    await era.call('echo');
    giveUp.abort();
    expect((await silent).code).toBe('ORCH_MCP_CANCELLED');
    let after = before;
    for (let time = 0; after === before && time < 500; time += 1) after = await cancelled();
    expect(after).toBeGreaterThan(before);
  });

  test('keeps lists until they change', async () => {
    const first = (await era.tools())[0]?.description;
    const before = (await era.call('lists')).text;
    await era.tools();
    expect((await era.call('lists')).text).toBe(before);
    const seen = happened('changed').length;
    await era.call('change');
    await until(() => happened('changed').length > seen, 'the change is told');
    expect((await era.tools())[0]?.description).not.toBe(first);
  });

  test('tells of changes of what was subscribed to, and of nothing else', async () => {
    const [a, b, c] = ['file:///a', 'file:///b', 'file:///c'];
    await era.subscribe(a);
    await era.subscribe(b);
    const updated = (uri: string): number =>
      happened('updated').filter((event) => event.uri === uri).length;
    for (const uri of [c, a, b]) await era.call('touch', { uri });
    await until(() => updated(a) > 0 && updated(b) > 0, 'both changes are told');
    expect(updated(c)).toBe(0);
    await era.unsubscribe(b);
    const before = updated(b);
    for (const uri of [b, a]) await era.call('touch', { uri });
    await until(() => updated(a) > 1, 'the second change is told');
    expect(updated(b)).toBe(before);
  });

  test('says which messages it wants', async () => {
    expect((await era.call('log')).text).toBe('no level');
    await era.setLogLevel('warning');
    expect((await era.call('log')).text).toBe('warning');
    await until(() => happened('log').length > 0, 'the message');
    expect(happened('log')).toEqual([{ type: 'log', level: 'warning', data: 'said' }]);
  });
});

test.for(engines)('$name connects anew, and asks for the same again', async (engine, context) => {
  const updated: string[] = [];
  const options: ClientOptions = {
    ...(engine.engine && { engine: engine.engine }),
    restart: { delayMs: 1 },
    onEvent(_name, event) {
      if (event.type === 'updated') updated.push(event.uri);
    },
  };
  const server = { eras: engine.eras, way: 'stdio' } as const;
  const era = await connectToEra(server, options, {}, context.onTestFinished);
  await era.subscribe('file:///a');
  await era.setLogLevel('error');
  expect((await refusal(era.call('exit'))).code).toBe('ORCH_MCP_CLOSED');
  expect((await era.call('log')).text).toBe('error');
  await until(() => {
    if (updated.length > 0) return true;
    void era.call('touch', { uri: 'file:///a' });
    return false;
  }, 'the update of the new server');
});
