import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from 'vitest';
import { connect, createMcpHub, McpError } from '../../src/index.js';
import { createRedactor } from '../../src/safety/redaction.js';
import { nested } from '../faults/nested.js';
import { refusal } from '../scene.js';

const secret = 'fake-s3cret/"value"+of=tests';
const environment = { PATH: process.env['PATH'] };

describe('a redactor', () => {
  const { text, json, error } = createRedactor([`Bearer ${secret}`, 'short', 'a longer value']);

  test.each([
    ['as it is', `key ${secret}!`],
    ['in JSON', JSON.stringify({ key: secret })],
    ['in an address', `http://x/?key=${encodeURIComponent(secret)}`],
    ['cut off at the end', `it said: ${secret.slice(0, 12)}`],
    ['cut off by dots', `it said: ${secret.slice(0, 12)}…`],
    ['cut off at the beginning', `${secret.slice(-12)} was refused`],
  ])('knows a value %s', (_how, given) => {
    expect(text(given)).toContain('[redacted]');
    expect(text(given)).not.toMatch(/s3cret|tests/);
  });

  test('leaves other words alone', () => {
    for (const given of ['', 'a short text', 'fake', 'nothing of the kind'])
      expect(text(given)).toBe(given);
    expect(json({ a: [1, null, true, `x${secret}`] })).toEqual({
      a: [1, null, true, 'x[redacted]'],
    });
  });

  test('gets through a text of spaces and dots, however long it is', () => {
    const given = `${' .…'.repeat(700_000)}x`;
    expect(text(given) === given).toBe(true);
    // The control: it still sees what was cut off before them.
    expect(text(`${secret.slice(0, 12)}${' .…'.repeat(700_000)}`)).toMatch(/^\[redacted\] \./);
  });

  test('that learns without end forgets the oldest that it learned, and never what it was made with', () => {
    const renewed = createRedactor(['configured-value']);
    renewed.add(Array.from({ length: 1500 }, (_, at) => `Bearer fake-token-${at}-end`));
    expect(renewed.text('fake-token-1499-end fake-token-600-end')).toBe('[redacted] [redacted]');
    expect(renewed.text('a configured-value here')).toBe('a [redacted] here');
    expect(renewed.text('a fake-token-0-end here')).toContain('fake-token-0-end');
    // What is said again is new again.
    renewed.add(['fake-token-600-end']);
    renewed.add(Array.from({ length: 900 }, (_, at) => `another-${at}`));
    expect(renewed.text('fake-token-600-end')).toBe('[redacted]');
  });

  test('looks into details and causes of an error, and leaves others as they are', () => {
    const cause = new Error(`inner ${secret}`);
    const at = new Date();
    const given = new McpError('ORCH_MCP_REMOTE', `outer ${secret}`, {
      details: { data: [{ key: secret }], at },
      cause,
    });
    const told = error(given);
    expect(told).toBe(given);
    expect(JSON.stringify([told.message, told.stack, told.details])).not.toContain('s3cret');
    expect(told.details['at']).toBe(at);
    expect((told.cause as Error).message).toBe('inner [redacted]');
    expect(cause.message).toContain('s3cret'); // not ours to change
    const aborted = new DOMException('given up', 'AbortError');
    expect(error(aborted)).toBe(aborted);
  });

  test('shows nothing of details that are nested deeper than it can look', () => {
    const data: unknown = JSON.parse(nested);
    const given = new McpError('ORCH_MCP_REMOTE', `no ${secret}`, {
      details: { rpcCode: 5, data },
    });
    expect(error(given).message).toBe('no [redacted]');
    expect(given.details).toEqual({ rpcCode: 5, data: '[nested too deeply to be shown]' });
  });
});

describe('what a server was given', () => {
  test('is in no error, also where it was cut off', async () => {
    const script =
      'console.error("x".repeat(3700) + " " + process.env.KEY + " " + process.argv[1]); process.exit(3)';
    const spec = { command: process.execPath, args: ['-e', script, 'fake-argument-value'] };
    const told = async (more: object): Promise<string> => {
      const error = await refusal(connect({ ...spec, ...more }, { environment }));
      return JSON.stringify([error.message, error.details, error.stack, String(error.cause)]);
    };
    const hidden = await told({ env: { KEY: secret }, secrets: ['fake-argument-value'] });
    expect(hidden).toContain('[redacted]');
    expect(hidden).not.toMatch(/s3cret|argument-value/);
    // The control: what nobody called a secret is shown.
    expect(await told({ env: { KEY: secret } })).toContain('argument-value');
  });

  test('is not in the answer of an HTTP server that says it again', async ({ onTestFinished }) => {
    const server = createServer((request, response) => {
      response
        .writeHead(500)
        .end(`no such key: ${String(request.headers['x-key'])} ${request.url}`);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    const { port } = server.address() as AddressInfo;
    const url = `http://127.0.0.1:${port}/?key=fake-query-value`;
    const hub = createMcpHub({
      servers: { one: { type: 'http', url, headers: { 'x-key': secret } } },
    });
    onTestFinished(() => hub.close());
    const error = await refusal(hub.call('one__good'));
    expect(JSON.stringify([error.message, error.details])).not.toMatch(/s3cret|query-value/);
    expect(error.message).toContain('no such key: [redacted] /?key=[redacted]');
  });
});
