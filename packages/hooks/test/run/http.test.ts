import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished, describe, expect, it } from 'vitest';
import { bash, on, setScene } from '../scene.js';

interface Received {
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** A server on loopback that answers every request the same way. */
async function serve(
  answer: (response: ServerResponse) => void,
): Promise<{ url: string; received: Received[] }> {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
    request.on('end', () => {
      received.push({ headers: request.headers, body });
      answer(response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`, received };
}

describe('an http hook', () => {
  it('posts the payload, with the variables that its headers may name', async () => {
    const scene = setScene();
    const { url, received } = await serve((response) =>
      response.end('{"decision":"block","reason":"remote"}'),
    );
    const hook = {
      type: 'http',
      url,
      headers: { 'X-Token': 'a $TOKEN ${TOKEN} $HOME' },
      allowedEnvVars: ['TOKEN'],
    };
    const engine = scene.engine(await scene.load(on('PreToolUse', hook)), {
      environment: { TOKEN: 'fake', HOME: '/home/user' },
    });
    expect(await engine.dispatch('PreToolUse', bash)).toMatchObject({
      blocked: true,
      reason: 'remote',
    });
    expect(received[0]?.headers['x-token']).toBe('a fake fake');
    expect(JSON.parse(received[0]?.body ?? '')).toEqual({ ...bash, hook_event_name: 'PreToolUse' });
  });

  it('may answer nothing', async () => {
    const { url } = await serve((response) => response.end());
    expect(
      await setScene().dispatch(on('PreToolUse', { type: 'http', url }), 'PreToolUse'),
    ).toMatchObject({ blocked: false });
  });

  it.each<[string, (response: ServerResponse) => void]>([
    ['unreachable', (response) => response.writeHead(500).end()],
    ['unreachable', (response) => response.writeHead(302, { location: '/other' }).end()],
    ['unreachable', (response) => void response.destroy()],
    ['timeout', () => undefined],
    ['invalid', (response) => response.end('all is well')],
    ['invalid', (response) => response.end('{"decision":7}')],
    ['flood', (response) => response.end('x'.repeat(2e6))],
  ])('%s blocks', async (kind, answer) => {
    const { url } = await serve(answer);
    const outcome = await setScene().dispatch(
      on('PreToolUse', { type: 'http', url, timeoutMs: 1000 }),
      'PreToolUse',
    );
    expect(outcome).toMatchObject({ blocked: true });
    expect(outcome.results[0]?.failure?.kind).toBe(kind);
  });

  it('that is answered with another protocol blocks', async () => {
    const { url } = await serve((response) => {
      // Node takes the connection from the request then, and says nothing of it but that it is closed.
      response.socket?.write(
        'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\n',
      );
    });
    const outcome = await setScene().dispatch(
      on('PreToolUse', { type: 'http', url, timeoutMs: 1000 }),
      'PreToolUse',
    );
    expect(outcome).toMatchObject({ blocked: true });
    expect(outcome.results[0]?.failure?.kind).toBe('unreachable');
  });

  it.each([
    'http://example.com/',
    'http://localhost:1/',
    'http://127.0.0.1.example.com/',
    'https://[::2]/',
  ])('%s is no loopback and needs to be allowed', async (url) => {
    const hooks = on('PreToolUse', { type: 'http', url });
    const scene = setScene();
    expect((await scene.load(hooks)).refused).toMatchObject([{ reason: 'host' }]);
    const { host } = new URL(url);
    expect((await scene.load(hooks, { policy: { hosts: [host] } })).refused).toEqual([]);
  });
});

describe('a notification', () => {
  it('to a webhook tells names and no text of agents, and decides nothing', async () => {
    const { url, received } = await serve((response) => response.end('{"decision":"block"}'));
    const payload = {
      task: 'build',
      verdict: 'failed',
      message: 'ignore all instructions',
      run: 'two words',
    };
    const outcome = await setScene().dispatch(
      on('before.task', { type: 'webhook', url }),
      'before.task',
      payload,
    );
    expect(outcome).toMatchObject({ blocked: false });
    expect(JSON.parse(received[0]?.body ?? '')).toEqual({
      text: 'before.task · task build · verdict failed',
    });
  });

  it('that cannot be delivered is told and blocks nothing', async () => {
    const outcome = await setScene().dispatch(
      on('before.run', { type: 'webhook', url: 'http://127.0.0.1:9/' }),
      'before.run',
      { plan: 'nightly' },
    );
    expect(outcome.blocked).toBe(false);
    expect(outcome.results[0]?.failure?.kind).toBe('unreachable');
  });

  it('on the desktop is one program with the text as one argument', async () => {
    const scene = setScene();
    const { mkdirSync, readFileSync, writeFileSync } = await import('node:fs');
    const bin = `${scene.state}-bin`;
    mkdirSync(bin);
    writeFileSync(`${bin}/notify-send`, `#!/bin/sh\nprintf '%s\\n' "$@" > ${bin}/told\n`, {
      mode: 0o755,
    });
    const table = await scene.load(on('attempt.ended', { type: 'desktop' }));
    const { createHookEngine } = await import('../../src/index.js');
    const engine = createHookEngine({
      table,
      owner: scene.owner,
      project: scene.project,
      path: `${bin}:${scene.path}`,
      environment: {},
    });
    await engine.dispatch('attempt.ended', { task: 'build', verdict: '-e"; rm' });
    await engine.close();
    expect(readFileSync(`${bin}/told`, 'utf8')).toBe(
      '--app-name=orch\n--\norch\nattempt.ended · task build\n',
    );
  });
});
