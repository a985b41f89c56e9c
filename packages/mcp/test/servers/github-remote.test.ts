import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from 'vitest';
import { createMcpHub } from '../../src/index.js';
import { fillIn, presets } from '../../src/config/index.js';
import { refusal, type Cleanup } from '../scene.js';

const token = 'fake-personal-access-token';
const tools = [
  { name: 'create_issue', toolset: 'issues', readOnlyHint: false },
  { name: 'get_issue', toolset: 'issues', readOnlyHint: true },
  { name: 'get_file_contents', toolset: 'repos', readOnlyHint: true },
];

/** An MCP server on loopback that demands the headers of GitHub's, on each request, and does what they say. */
async function startRemote(onTestFinished: Cleanup) {
  const seen: IncomingHttpHeaders[] = [];
  const server = createServer((request, response) => {
    const { headers, method } = request;
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      seen.push(headers);
      if (headers.authorization !== `Bearer ${token}`) {
        const challenge = 'Bearer resource_metadata="https://api.test/.well-known"';
        response.writeHead(401, { 'www-authenticate': challenge }).end('bad credentials');
        return;
      }
      if (method !== 'POST') {
        response.writeHead(405).end();
        return;
      }
      const message = JSON.parse(body) as {
        id?: number;
        method: string;
        params?: { name?: string };
      };
      const sets = headers['x-mcp-toolsets']?.toString().split(',');
      const offered = tools.filter(
        ({ toolset, readOnlyHint }) =>
          (sets?.includes(toolset) ?? true) &&
          (headers['x-mcp-readonly'] !== 'true' || readOnlyHint),
      );
      const called = offered.find(({ name }) => name === message.params?.name);
      const results: Record<string, () => object> = {
        initialize: () => ({
          protocolVersion: '2025-11-25',
          capabilities: { tools: {} },
          serverInfo: { name: 'remote', version: '1' },
        }),
        'tools/list': () => ({
          tools: offered.map(({ name, readOnlyHint }) => ({
            ...{ name, inputSchema: { type: 'object' }, annotations: { readOnlyHint } },
          })),
        }),
        'tools/call': () => ({
          content: [{ type: 'text', text: called ? 'done' : 'unknown tool' }],
          isError: called === undefined,
        }),
      };
      const result = results[message.method]?.();
      if (message.id === undefined) response.writeHead(202).end();
      else
        response
          .writeHead(200, { 'content-type': 'application/json' })
          .end(JSON.stringify({ jsonrpc: '2.0', id: message.id, result }));
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { seen, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp/` };
}

async function hubOf(
  onTestFinished: Cleanup,
  options: Parameters<typeof presets.github>[0],
  given = token,
) {
  const { seen, url } = await startRemote(onTestFinished);
  const environment = { GITHUB_PERSONAL_ACCESS_TOKEN: given };
  // All of the preset but its address.
  const github = fillIn({ ...presets.github(options), url }, environment);
  const hub = createMcpHub({ servers: { github }, environment });
  onTestFinished(() => hub.close());
  const names = async () => (await hub.tools()).items.map(({ qualifiedName }) => qualifiedName);
  return { hub, seen, names };
}

describe("the preset of GitHub's remote server", () => {
  test('gives its token with each request', async ({ onTestFinished }) => {
    const { hub, seen, names } = await hubOf(onTestFinished, {});
    expect(await names()).toHaveLength(3);
    expect(await hub.call('github__create_issue')).toMatchObject({ text: 'done' });
    expect(seen.length).toBeGreaterThanOrEqual(4);
    for (const headers of seen) {
      expect(headers.authorization).toBe(`Bearer ${token}`);
      expect(headers).not.toHaveProperty('x-mcp-toolsets');
      expect(headers).not.toHaveProperty('x-mcp-readonly');
    }
  });

  test('asks for groups of tools, and for those alone that change nothing', async ({
    onTestFinished,
  }) => {
    const { hub, seen, names } = await hubOf(onTestFinished, {
      toolsets: ['issues'],
      readOnly: true,
    });
    expect(await names()).toEqual(['github__get_issue']);
    expect(await hub.call('github__create_issue')).toMatchObject({ isError: true });
    for (const headers of seen)
      expect(headers).toMatchObject({ 'x-mcp-toolsets': 'issues', 'x-mcp-readonly': 'true' });
  });

  test('with a token that is refused says so, and does not show it', async ({ onTestFinished }) => {
    const { hub } = await hubOf(onTestFinished, {}, 'fake-token-of-another');
    const error = await refusal(hub.call('github__get_issue'));
    expect(error).toMatchObject({ code: 'ORCH_MCP_AUTH', details: { status: 401 } });
    expect(JSON.stringify([error.message, error.details])).not.toContain('fake-token');
  });
});
