import { once } from 'node:events';
import { spawn } from 'node:child_process';
import { createServer, type AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import {
  connect,
  type ClientOptions,
  type McpServer,
  type Progress,
  type ServerEvent,
} from '../../src/index.js';
import { startWitness, until, type Cleanup, type Witness } from '../scene.js';
import { caller, environment, installed } from './installed.js';

interface Way {
  readonly name: string;
  connect(witness: Witness, options: ClientOptions, onTestFinished: Cleanup): Promise<McpServer>;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** The server over HTTP, as a process of its own; resolves with its origin. */
async function listening(
  over: 'streamableHttp' | 'sse',
  witness: Witness,
  onTestFinished: Cleanup,
): Promise<string> {
  const port = await freePort();
  const program = spawn(process.execPath, [installed('everything'), over], {
    env: { ...environment, ...witness.env, PORT: String(port) },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  onTestFinished(() => void program.kill('SIGKILL'));
  await new Promise<void>((resolve, reject) => {
    program.stderr.on('data', (chunk) => {
      if (/listening|running on port/.test(String(chunk))) resolve();
    });
    program.once('exit', () => reject(new Error('It ended at its start.')));
  });
  return `http://127.0.0.1:${port}`;
}

const ways: readonly Way[] = [
  {
    name: 'stdio',
    connect: (witness, options) =>
      connect(
        { command: process.execPath, args: [installed('everything')], env: witness.env },
        options,
      ),
  },
  {
    name: 'Streamable HTTP',
    async connect(witness, options, onTestFinished) {
      const origin = await listening('streamableHttp', witness, onTestFinished);
      return connect({ type: 'http', url: `${origin}/mcp` }, options);
    },
  },
  {
    name: 'SSE',
    async connect(witness, options, onTestFinished) {
      const origin = await listening('sse', witness, onTestFinished);
      return connect({ type: 'sse', url: `${origin}/sse` }, options);
    },
  },
  {
    name: 'SSE, found by its answer to Streamable HTTP',
    async connect(witness, options, onTestFinished) {
      const origin = await listening('sse', witness, onTestFinished);
      return connect({ type: 'http', url: `${origin}/sse`, fallback: 'sse' }, options);
    },
  },
];

test.each(ways)('the everything server over $name: tools, resources, prompts', async (way) => {
  const cleanups: (() => unknown)[] = [];
  const events: ServerEvent[] = [];
  const witness = startWitness();
  const server = await way.connect(
    witness,
    { environment, roots: ['/srv'], onEvent: (_name, event) => events.push(event) },
    (clean) => cleanups.push(clean),
  );
  try {
    await useAll(server, events, witness);
  } finally {
    await server.close();
    for (const clean of cleanups) await clean();
  }
  await until(() => witness.alive().length === 0, 'the server to be gone');
});

async function useAll(
  server: McpServer,
  events: readonly ServerEvent[],
  witness: Witness,
): Promise<void> {
  const { serverInfo, protocolVersion } = await server.ready();
  expect(serverInfo.name).toBe('mcp-servers/everything');
  expect(protocolVersion).toBe('2025-11-25');
  // It offers a tool more, once it knows that its client has roots.
  await until(
    () =>
      events.some(
        (event) => event.type === 'log' && JSON.stringify(event.data).includes('1 root(s)'),
      ),
    'the server to know the roots',
  );
  const { call, expectAllCalled } = caller(server);

  expect((await call('echo', { message: 'härlich' })).text).toContain('härlich');
  const annotated = await call('get-annotated-message', {
    messageType: 'error',
    includeImage: true,
  });
  expect(annotated.content).toMatchObject([
    { type: 'text', annotations: { priority: 1 } },
    { type: 'image' },
  ]);
  const told = JSON.parse((await call('get-env')).text) as Record<string, string>;
  expect(told).toMatchObject(witness.env);
  expect(Object.keys(told)).not.toContain('VITEST');
  const links = await call('get-resource-links', { count: 2 });
  expect(links.content.map(({ type }) => type)).toEqual(['text', 'resource_link', 'resource_link']);
  const reference = await call('get-resource-reference', { resourceType: 'Text', resourceId: 5 });
  expect(reference.content[1]).toMatchObject({
    type: 'resource',
    resource: { uri: 'demo://resource/dynamic/text/5' },
  });
  const weather = await call('get-structured-content', { location: 'Chicago' });
  expect(weather.structured).toMatchObject({ conditions: expect.any(String) as string });
  expect((await call('get-sum', { a: 2, b: 40 })).text).toContain('42');
  const image = await call('get-tiny-image');
  expect(image.content).toMatchObject([{}, { type: 'image', mimeType: 'image/png' }, {}]);
  const gzip = await call('gzip-file-as-resource', {
    data: `data:text/plain;base64,${Buffer.from('deep inside').toString('base64')}`,
    outputType: 'resource',
  });
  const { blob } = (gzip.content[0]?.['resource'] ?? {}) as { blob?: string };
  expect(gunzipSync(Buffer.from(blob ?? '', 'base64')).toString()).toBe('deep inside');
  expect((await call('get-roots-list')).text).toContain('file:///srv');

  const heard: Progress[] = [];
  await server.call(
    'trigger-long-running-operation',
    { duration: 0.6, steps: 3 },
    { onProgress: (progress) => heard.push(progress) },
  );
  await call('trigger-long-running-operation', { duration: 0.1, steps: 1 });
  expect(heard).toMatchObject([1, 2, 3].map((progress) => ({ progress, total: 3 })));

  await server.setLogLevel('debug');
  await call('toggle-simulated-logging');
  await until(() => events.some(({ type }) => type === 'log'), 'a message of the log');
  await call('toggle-simulated-logging');

  const uri = 'demo://resource/dynamic/text/1';
  await server.subscribe(uri);
  await call('toggle-subscriber-updates');
  await until(
    () => events.some((event) => event.type === 'updated' && event.uri === uri),
    'the resource to be updated',
  );
  await call('toggle-subscriber-updates');
  await server.unsubscribe(uri);

  // It runs only as a task, which this client does not offer.
  const research = await server
    .call('simulate-research-query', { topic: 'x' })
    .catch((e: unknown) => e);
  expect(research).toMatchObject({ isError: true });
  await expectAllCalled(14, 'simulate-research-query');

  expect(await server.resources()).toHaveLength(7 + 1); // one is the compressed file
  expect((await server.resourceTemplates()).map(({ uriTemplate }) => uriTemplate)).toEqual([
    'demo://resource/dynamic/text/{resourceId}',
    'demo://resource/dynamic/blob/{resourceId}',
  ]);
  expect(await server.readResource(uri)).toMatchObject([{ uri, mimeType: 'text/plain' }]);

  expect((await server.prompts()).map(({ name }) => name)).toEqual([
    'simple-prompt',
    'args-prompt',
    'completable-prompt',
    'resource-prompt',
  ]);
  const prompt = await server.prompt('args-prompt', { city: 'Bremen' });
  expect(JSON.stringify(prompt['messages'])).toContain('Bremen');
  const completion = await server.complete(
    { prompt: 'completable-prompt' },
    { name: 'department', value: 'E' },
  );
  expect(completion).toMatchObject({ values: ['Engineering'], hasMore: false });
  const ids = await server.complete(
    { template: 'demo://resource/dynamic/text/{resourceId}' },
    { name: 'resourceId', value: '7' },
  );
  expect(ids.values).toEqual(['7']);
  await server.ping();
}
