import { expect } from 'vitest';
import type { McpError, McpServer, WebSocketServerSpec } from '../../src/index.js';
import { until } from '../scene.js';
import { inFile, spillingWire as spilling, type Scenario, type World } from './stdio-scenarios.js';
import type { WebSocketFaults } from './websocket-faults.js';

export interface WebSocketWorld extends World {
  readonly faulty: WebSocketFaults;
}

type WebSocketScenario = Scenario<WebSocketServerSpec, WebSocketWorld>;

const spec =
  (more: Partial<WebSocketServerSpec> = {}, upgrade: WebSocketFaults['upgrade'] = 'good') =>
  ({ faulty }: WebSocketWorld): WebSocketServerSpec => {
    faulty.upgrade = upgrade;
    return { type: 'ws', url: faulty.url, headers: { authorization: 'Bearer fake' }, ...more };
  };
const good = spec();
const call =
  (tool: string, args = {}, options = {}) =>
  (server: McpServer) =>
    server.call(tool, args, options);
const start = (server: McpServer) => server.ready();
const says = (text: string) => (outcome: unknown) => expect(outcome).toMatchObject({ text });
const details = (expected: object) => (outcome: unknown) =>
  expect((outcome as McpError).details).toMatchObject(expected);
const mentions = (text: string) => (outcome: unknown) =>
  expect((outcome as McpError).message).toContain(text);
const connectionGone = (_outcome: unknown, { faulty }: WebSocketWorld) =>
  until(() => faulty.open() === 0, 'the connection to be closed');
const closes = (code: number, reason = '') => ({
  server: good,
  meet: call('closes', { code, reason }),
  check(error: unknown) {
    details({ closeCode: code, reason })(error);
    mentions(reason)(error);
  },
});

export const websocketScenarios: Readonly<Record<string, WebSocketScenario>> = {
  'nobody listens': {
    server: spec({ url: 'ws://127.0.0.1:9/mcp' }),
    meet: start,
    check: mentions('ECONNREFUSED'),
    afterwards: false,
  },
  'it never answers the upgrade': {
    server: spec({ startMs: 700 }, 'mute'),
    meet: start,
    check: connectionGone,
    afterwards: false,
  },
  'it answers the upgrade with 401': {
    server: spec({}, 'unauthorized'),
    meet: start,
    check(error, { faulty }) {
      details({ status: 401, challenge: 'Bearer scope="read"' })(error);
      expect(faulty.authorizations).toEqual(['Bearer fake']);
    },
    afterwards: false,
  },
  'it answers the upgrade with 403': {
    server: spec({}, 'forbidden'),
    meet: start,
    check: details({ status: 403 }),
    afterwards: false,
  },
  'it redirects the upgrade elsewhere': {
    server: spec({}, 'redirects'),
    meet: start,
    check: mentions('ws://elsewhere.test/'),
    afterwards: false,
  },
  'it does not speak the subprotocol': {
    server: spec({}, 'no subprotocol'),
    meet: start,
    check: mentions('subprotocol'),
    afterwards: false,
  },
  'it breaks off in the middle of a call': { server: good, meet: call('breaks') },
  'it breaks off in the middle of a call that may be repeated': {
    server: good,
    meet: call('breaks_once', {}, { idempotent: true }),
    check(result, { faulty }) {
      says('second time')(result);
      expect(faulty.calls).toEqual(['breaks_once 1', 'breaks_once 2']);
    },
  },
  'it closes in order in the middle of a call': closes(1000),
  'it closes because it is out of order': closes(1011, 'the disk is full'),
  'it closes because the message was too large for it': closes(1009, 'at most 1 MB'),
  'it closes because the token is no longer valid': closes(4401, 'expired'),
  'it closes because it does not take text': closes(1003),
  'it sends a frame of more than the limit': {
    server: spec({ maxMessageBytes: 1024 * 1024 }),
    meet: call('large', { bytes: 8 * 1024 * 1024 }),
    check: details({ maxMessageBytes: 1024 * 1024 }),
  },
  'it announces a frame of more than the limit': {
    server: good,
    meet: call('announces'),
    check: details({ maxMessageBytes: 64 * 1024 * 1024 }),
  },
  'its frame comes a byte at a time and never ends': {
    server: spec({ pingMs: 300 }),
    meet: call('never_ends', {}, { timeoutMs: 300 }),
    // Nothing else can come on that connection, so it is given up.
    check: connectionGone,
  },
  'it sends what is no frame': { server: good, meet: call('no_frame'), check: connectionGone },
  'it sends text that is not UTF-8': { server: good, meet: call('not_utf8') },
  'it sends frames that are no messages': {
    server: good,
    meet: call('noise'),
    check(result, { events }) {
      says('well')(result);
      const noise = events.filter(({ type }) => type === 'noise');
      expect(noise.map((one) => 'text' in one && one.text)).toEqual([
        'hello',
        'a binary frame',
        '42',
      ]);
    },
  },
  'what it says is nested too deeply': {
    server: good,
    meet: call('nested', {}, { timeoutMs: 3000 }),
    check: mentions('levels deep'),
  },
  'it answers in fragments, with pings between': {
    server: good,
    meet: call('fragments'),
    check: says('in parts'),
  },
  'it is silent': {
    server: good,
    meet: call('silent', {}, { timeoutMs: 300 }),
    check: details({ limit: 'silence', ms: 300 }),
  },
  'it is gone without a word': {
    server: spec({ heartbeatMs: 300 }),
    meet: call('gone'),
    check: mentions('did not answer a ping'),
  },
  'it does not answer that it is over': {
    server: good,
    async meet(server, { faulty }) {
      server.call('gone').catch(() => undefined);
      await until(() => faulty.calls.length === 1, 'the server to be gone');
    },
    afterwards: false,
    boundsClose: true,
  },
  'it answers with 12 MiB': {
    server: good,
    meet: call('large', { bytes: 12 * 1024 * 1024 }),
    check: (result) => expect((result as { text: string }).text).toHaveLength(12 * 1024 * 1024),
  },
  'it answers with more than the limit, for which there is a place': {
    server: (world) => ({ ...good(world), ...spilling(world) }),
    meet: call('large', { bytes: 4 * 1024 * 1024 }),
    check: inFile({ content: [{ type: 'text', text: 'x'.repeat(4 * 1024 * 1024) }] }),
  },
};
