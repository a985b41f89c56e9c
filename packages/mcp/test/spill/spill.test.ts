import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { connect, inMemory, type McpServer, type ServerEvent } from '../../src/index.js';
import { programs, refusal, temporaryDirectory, until, type Cleanup } from '../scene.js';

const MiB = 1024 * 1024;
const environment = { PATH: process.env['PATH'] };

/** A server of which all above 1 MiB goes into files. */
async function scene(
  onTestFinished: Cleanup,
  directory?: string,
): Promise<{ server: McpServer; events: ServerEvent[] }> {
  const events: ServerEvent[] = [];
  const server = await connect(
    {
      command: process.execPath,
      args: [join(programs, 'fault-server.mjs')],
      maxMessageBytes: MiB,
      spill: directory === undefined ? {} : { directory },
    },
    { environment, onEvent: (_name, event) => events.push(event) },
  );
  onTestFinished(() => server.close());
  return { server, events };
}

describe('a result that is too large for memory', () => {
  test('is in a private directory, which is gone with the hub', async ({ onTestFinished }) => {
    const { server } = await scene(onTestFinished);
    const { spilled } = await server.call('large', { bytes: 2 * MiB });
    const directory = dirname(spilled?.path ?? '');
    expect(statSync(directory).mode & 0o777).toBe(0o700);
    expect(readdirSync(directory)).toHaveLength(1);
    await server.close();
    expect(existsSync(directory)).toBe(false);
  });

  test('is in the directory that its user names, beside what is there, and stays', async ({
    onTestFinished,
  }) => {
    const directory = join(temporaryDirectory(onTestFinished), 'deep', 'results');
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, 'mine'), 'kept');
    const { server } = await scene(onTestFinished, directory);
    const all = await Promise.all([2, 3, 4].map((n) => server.call('large', { bytes: n * MiB })));
    await server.close();
    expect(readdirSync(directory)).toHaveLength(4);
    expect(readFileSync(join(directory, 'mine'), 'utf8')).toBe('kept');
    all.forEach(({ spilled }, index) => {
      const { content } = JSON.parse(readFileSync(spilled?.path ?? '', 'utf8')) as {
        content: { text: string }[];
      };
      expect(content[0]?.text).toHaveLength((index + 2) * MiB);
    });
  });

  test('of a size below the limit is in no file', async ({ onTestFinished }) => {
    const { server } = await scene(onTestFinished);
    const result = await server.call('large', { bytes: MiB - 200 });
    expect(result.spilled).toBeUndefined();
    expect(result.text).toHaveLength(MiB - 200);
  });

  test('that nobody waits for any more leaves no file', async ({ onTestFinished }) => {
    const directory = join(temporaryDirectory(onTestFinished), 'results');
    const { server } = await scene(onTestFinished, directory);
    const controller = new AbortController();
    const call = refusal(server.call('large', { bytes: 8 * MiB }, { signal: controller.signal }));
    setTimeout(() => controller.abort(), 0);
    expect(await call).toMatchObject({ code: 'ORCH_MCP_CANCELLED' });
    expect(await server.call('good')).toMatchObject({ text: 'well' }); // after it, on the same pipe
    expect(existsSync(directory) ? readdirSync(directory) : []).toEqual([]);
  });
});

describe('a message that is too large, and no result of a tool,', () => {
  test.each([
    ['an error', (server: McpServer) => server.call('large_error', { bytes: 2 * MiB })],
    ['a resource', (server: McpServer) => server.readResource('file:///large')],
  ])('is refused, and nothing else: %s', async (_what, ask) => {
    const cleanups: (() => void | Promise<void>)[] = [];
    const directory = join(
      temporaryDirectory((clean) => cleanups.push(clean)),
      'results',
    );
    const { server } = await scene((clean) => cleanups.push(clean), directory);
    expect(await refusal(ask(server))).toMatchObject({ code: 'ORCH_MCP_TOO_LARGE' });
    expect(server.state).toBe('ready');
    expect(existsSync(directory) ? readdirSync(directory) : []).toEqual([]);
    for (const clean of cleanups.reverse()) await clean();
  });

  test('is told as noise if it answers nothing', async ({ onTestFinished }) => {
    const { server, events } = await scene(onTestFinished);
    expect(await server.call('large_log', { bytes: 2 * MiB })).toMatchObject({ text: 'well' });
    await until(() => events.some(({ type }) => type === 'noise'), 'the noise');
    expect(events.some(({ type }) => type === 'log')).toBe(false);
  });
});

test('no server can pass a file off as its result', async ({ onTestFinished }) => {
  const spilled = { path: '/etc/passwd', bytes: 10 };
  const open = inMemory((end) => {
    end.onmessage = ({ id, method, params }) => {
      const { protocolVersion } = params as { protocolVersion?: string };
      const serverInfo = { name: 'liar', version: '1' };
      const result =
        method === 'initialize'
          ? { protocolVersion, capabilities: { tools: {} }, serverInfo }
          : { content: [], spilled, _meta: { spilled } };
      if (id !== undefined) void end.send({ jsonrpc: '2.0', id, result });
    };
  });
  const server = await connect({ type: 'custom', open });
  onTestFinished(() => server.close());
  expect((await server.call('any')).spilled).toBeUndefined();
});
