import { join } from 'node:path';
import { expect, test } from 'vitest';
import { McpError, type JsonObject } from '../../src/index.js';
import { RpcError, rpcCode, type McpService } from '../../src/gateway/index.js';
import { createMemoryService, openMemory } from '../../src/memory/index.js';
import { defined, tool } from '../safety/defined.js';
import { temporaryDirectory, type Cleanup } from '../scene.js';
import { gatewayScene, rawClient } from './scene.js';

const definitions = {
  tools: [tool('read_file')],
  prompts: [{ name: 'review' }],
  resources: [{ uri: 'file:///a', name: 'a' }],
  templates: [{ uriTemplate: 'file:///{name}', name: 'any' }],
};

/** What an agent is listed of a server that has everything, with these services beside it. */
async function listed(onTestFinished: Cleanup, services: Readonly<Record<string, McpService>>) {
  const { spec } = defined(temporaryDirectory(onTestFinished), 'all', definitions);
  const scene = await gatewayScene(onTestFinished, { servers: { all: spec }, services });
  const agent = await rawClient(scene.url, (await scene.grant()).token);
  const list = async (method: string, field: string, key: string): Promise<unknown> => {
    const { message } = await agent.post(method, {});
    const result = message?.['result'] as Record<string, JsonObject[]> | undefined;
    return result?.[field]?.map((item) => item[key]) ?? message;
  };
  return {
    tools: (await list('tools/list', 'tools', 'name')) as string[],
    prompts: await list('prompts/list', 'prompts', 'name'),
    resources: await list('resources/list', 'resources', 'uri'),
    templates: await list('resources/templates/list', 'resourceTemplates', 'uriTemplate'),
    missing: scene.events.filter((event) => event.type === 'missing'),
  };
}

const ofTheServer = {
  prompts: ['all__review'],
  resources: ['mcp://all/file:///a'],
  templates: ['mcp://all/file:///{name}'],
};

/** A service whose every list fails so. */
const failing = (error: Error): McpService => ({
  info: { name: 'failing', version: '1' },
  capabilities: {},
  request: () => Promise.reject(error),
  listen: () => () => undefined,
});

test('a memory takes no prompts and resources from the servers beside it', async ({
  onTestFinished,
}) => {
  const memory = await openMemory(join(temporaryDirectory(onTestFinished), 'memory.jsonl'));
  onTestFinished(() => memory.close());
  const { tools, missing, ...lists } = await listed(onTestFinished, {
    memory: createMemoryService(memory),
  });
  expect(lists).toEqual(ofTheServer);
  expect(tools).toContain('all__read_file');
  expect(tools).toContain('memory__write');
  // It has none, so that nothing of it is missing.
  expect(missing).toEqual([]);
});

test.each([
  ['does not know the method', new RpcError(rpcCode.method, 'There is none.')],
  ['does not declare it', new McpError('ORCH_MCP_UNSUPPORTED', 'It does not declare prompts.')],
])('a service that %s is not missing', async (_what, error) => {
  const cleanups: (() => void | Promise<void>)[] = [];
  const onTestFinished: Cleanup = (clean) => cleanups.unshift(clean);
  const { tools, missing, ...lists } = await listed(onTestFinished, { odd: failing(error) });
  for (const clean of cleanups) await clean();
  expect(lists).toEqual(ofTheServer);
  expect(tools).toEqual(['all__read_file']);
  expect(missing).toEqual([]);
});

test.each([
  ['refuses its list', new RpcError(rpcCode.params, 'Not so.'), 'ORCH_MCP_REMOTE'],
  ['has a defect', new TypeError('x is undefined'), 'ORCH_MCP_RESULT'],
  ['cannot read its file', new McpError('ORCH_MCP_MEMORY', 'It is gone.'), 'ORCH_MCP_MEMORY'],
])('a service that %s is missing, and the others are listed', async (_what, error, code) => {
  const cleanups: (() => void | Promise<void>)[] = [];
  const onTestFinished: Cleanup = (clean) => cleanups.unshift(clean);
  const { tools, missing, ...lists } = await listed(onTestFinished, { odd: failing(error) });
  for (const clean of cleanups) await clean();
  expect(lists).toEqual(ofTheServer);
  expect(tools).toEqual(['all__read_file']);
  expect(missing).toHaveLength(4);
  expect(missing[0]).toMatchObject({ attempt: 'attempt-1', server: 'odd', error: { code } });
  expect(missing[0]?.error.message).toContain(error.message);
});
