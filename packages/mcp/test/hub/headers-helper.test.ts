import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createProcessOwner } from '@orch/process';
import { describe, expect, test } from 'vitest';
import { createMcpHub, type HttpServerSpec } from '../../src/index.js';
import { readClaudeServers } from '../../src/config/index.js';
import { refusal, startWitness, temporaryDirectory, until, type Cleanup } from '../scene.js';

const environment = { PATH: process.env['PATH'], OTHER_SECRET: 'fake' };

/** A server that keeps the headers it is given and answers each request with a refusal that says them again. */
async function listening(onTestFinished: Cleanup) {
  const seen: IncomingHttpHeaders[] = [];
  const server = createServer((request, response) => {
    seen.push(request.headers);
    response.writeHead(500).end(`you said ${request.headers.authorization}`);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  return { seen, url: `http://127.0.0.1:${port}/mcp` };
}

function hubOf(onTestFinished: Cleanup, spec: Omit<HttpServerSpec, 'type'>) {
  const hub = createMcpHub({
    servers: { web: { type: 'http', ...spec } },
    environment,
    restart: { delayMs: 1 },
  });
  onTestFinished(() => hub.close());
  return hub;
}
const node = (script: string) => [process.execPath, '-e', script];

describe('a program that prints headers', () => {
  test('is run for each connection; what it prints is sent, and shown nowhere', async ({
    onTestFinished,
  }) => {
    const { seen, url } = await listening(onTestFinished);
    const script = `console.log(JSON.stringify({
      authorization: 'Bearer fake-token-' + process.pid,
      'x-told': [process.env.CLAUDE_CODE_MCP_SERVER_NAME, process.env.CLAUDE_CODE_MCP_SERVER_URL, String(process.env.OTHER_SECRET)].join(' '),
    }))`;
    const headers = { authorization: 'Bearer fake-old-token', 'x-own': 'kept' };
    const hub = hubOf(onTestFinished, { url, headers, headersHelper: node(script) });
    const errors = [await refusal(hub.call('web__x')), await refusal(hub.call('web__x'))];
    const [first, second] = seen.filter((one) => one.authorization !== undefined);
    expect(first).toMatchObject({ 'x-own': 'kept', 'x-told': `web ${url} undefined` });
    expect(first?.authorization).toMatch(/^Bearer fake-token-\d+$/);
    expect(second?.authorization).not.toBe(first?.authorization);
    for (const error of errors) {
      expect(error.message).toContain('you said Bearer [redacted]');
      expect(JSON.stringify(error.details)).not.toContain('fake-token');
    }
  });

  test.each<[string, readonly string[], string]>([
    [
      'fails',
      node('console.log("fake-key"); console.error("fake-key"); process.exit(3)'),
      'ended with 3',
    ],
    ['prints no JSON', node('console.log("fake-key")'), 'printed no JSON'],
    ['prints no object', node('console.log("[1]")'), 'printed no object'],
    ['prints what is no text', node('console.log(`{"a": 1}`)'), 'no header'],
    [
      'prints what ends a header',
      node('console.log(JSON.stringify({a: "b\\r\\nc: d"}))'),
      'no header',
    ],
    ['prints what is no name', node('console.log(`{"a b": "c"}`)'), 'no header'],
    ['is not there', ['/no/such/program'], 'could not be run'],
  ])('that %s ends the connection, and shows nothing of it', async (_how, headersHelper, said) => {
    const cleanups: (() => unknown)[] = [];
    const onTestFinished: Cleanup = (clean) => cleanups.unshift(clean);
    try {
      const { seen, url } = await listening(onTestFinished);
      const error = await refusal(hubOf(onTestFinished, { url, headersHelper }).call('web__x'));
      expect(error).toMatchObject({ code: 'ORCH_MCP_HEADERS' });
      expect(error.message).toContain(said);
      expect(JSON.stringify([error.message, error.details, String(error.cause)])).not.toContain(
        'fake-key',
      );
      expect(seen).toEqual([]);
    } finally {
      for (const clean of cleanups) await clean();
    }
  });

  test('is no shell, and nothing of it is left', async ({ onTestFinished }) => {
    const { url } = await listening(onTestFinished);
    const witness = startWitness();
    const directory = temporaryDirectory(onTestFinished);
    const file = join(directory, 'made by a shell');
    const headersHelper = [process.execPath, '-e', 'console.log("{}")', `; touch '${file}'`];
    await refusal(hubOf(onTestFinished, { url, headersHelper }).call('web__x'));
    expect(existsSync(file)).toBe(false);
    expect(witness.alive()).toEqual([]);
  });

  test('that hangs is ended when its hub is closed, also if it is deaf to TERM', async ({
    onTestFinished,
  }) => {
    const { url } = await listening(onTestFinished);
    const owner = createProcessOwner({ marker: `headers-${process.pid}` });
    onTestFinished(async () => {
      await owner.close();
    });
    const mark = join(temporaryDirectory(onTestFinished), 'runs');
    const headersHelper = node(
      `process.on('SIGTERM', () => {}); setInterval(() => {}, 1000); require('node:fs').writeFileSync('${mark}', String(process.pid))`,
    );
    const web: HttpServerSpec = { type: 'http', url, headersHelper };
    const hub = createMcpHub({ servers: { web }, environment, owner });
    const calling = refusal(hub.call('web__x'));
    await until(() => existsSync(mark) && readFileSync(mark, 'utf8') !== '', 'the program to run');
    const beganMs = performance.now();
    await hub.close();
    // It has 10 s in which to print.
    expect(performance.now() - beganMs).toBeLessThan(5000);
    expect(await calling).toMatchObject({ code: 'ORCH_MCP_CLOSED' });
    expect(existsSync(`/proc/${readFileSync(mark, 'utf8')}`)).toBe(false);
  });

  test("of a project's server is not run before that is approved", async ({ onTestFinished }) => {
    const { url, seen } = await listening(onTestFinished);
    const project = temporaryDirectory(onTestFinished);
    const mark = join(project, 'was run');
    writeFileSync(join(project, 'helper.sh'), `#!/bin/sh\ntouch '${mark}'; echo '{"x-a": "b"}'\n`);
    chmodSync(join(project, 'helper.sh'), 0o755);
    const web = { type: 'http', url, headersHelper: './helper.sh' };
    writeFileSync(join(project, '.mcp.json'), JSON.stringify({ mcpServers: { web } }));
    const { servers } = readClaudeServers({ project, userFile: null, environment });
    const hub = createMcpHub({ servers, environment });
    onTestFinished(() => hub.close());
    const error = await refusal(hub.call('web__x'));
    expect(error).toMatchObject({ code: 'ORCH_MCP_UNAPPROVED' });
    expect(error.message).toContain('with the headers that this prints: ./helper.sh');
    expect(existsSync(mark)).toBe(false);
    // The control: where nobody says that it is the project's, it is run, in the project.
    const { origin: _origin, ...own } = servers['web'] as HttpServerSpec;
    await refusal(
      createMcpHub({ servers: { web: own }, environment, cwd: project }).call('web__x'),
    );
    expect(existsSync(mark)).toBe(true);
    expect(seen[0]).toMatchObject({ 'x-a': 'b' });
  });
});
