import { expect } from 'vitest';
import type { HttpServerSpec, McpError, McpServer } from '../../src/index.js';
import { until } from '../scene.js';
import type { HttpFaults } from './http-faults.js';
import {
  inFile,
  spilledIn,
  spillingWire as spilling,
  type Scenario,
  type World,
} from './stdio-scenarios.js';

export interface HttpWorld extends World {
  readonly faulty: HttpFaults;
}

type HttpScenario = Scenario<HttpServerSpec, HttpWorld>;

const good = ({ faulty }: HttpWorld): HttpServerSpec => ({ type: 'http', url: faulty.url });
const call =
  (tool: string, args = {}, options = {}) =>
  (server: McpServer) =>
    server.call(tool, args, options);
const details = (expected: object) => (outcome: unknown) =>
  expect((outcome as McpError).details).toMatchObject(expected);
const mentions = (text: string) => (outcome: unknown) =>
  expect((outcome as McpError).message).toContain(text);
const callsSeen = ({ faulty }: HttpWorld): (string | undefined)[] =>
  faulty.seen.filter(({ rpc }) => rpc === 'tools/call').map(({ session }) => session);

export const httpScenarios: Readonly<Record<string, HttpScenario>> = {
  'nobody listens': {
    server: () => ({ type: 'http', url: 'http://127.0.0.1:9/mcp' }),
    meet: (server) => server.ready(),
    check: mentions('ECONNREFUSED'),
    afterwards: false,
  },
  'it forgets its session before a call that may be repeated': {
    server: good,
    meet(server, { faulty }) {
      faulty.forgetSessions();
      return server.call('good', {}, { idempotent: true });
    },
    check: (_result, world) => expect(callsSeen(world)).toEqual(['s1', 's2']),
  },
  'it forgets its session before a call that may not': {
    server: good,
    meet(server, { faulty }) {
      faulty.forgetSessions();
      return server.call('good');
    },
    check: (_error, world) => expect(callsSeen(world)).toEqual(['s1']),
  },
  'it forgets each session at once': {
    server: good,
    meet(server, { faulty }) {
      faulty.forgetAlways();
      return server.call('good', {}, { idempotent: true });
    },
    // Once again, and not for ever.
    check: (_error, world) => expect(callsSeen(world)).toEqual(['s1', 's2']),
    afterwards: false,
  },
  'it answers 401': {
    server: good,
    meet: call('unauthorized'),
    check: details({ status: 401, challenge: 'Bearer scope="read"' }),
  },
  'it answers 403': {
    server: good,
    meet: call('forbidden'),
    check(error) {
      details({ status: 403 })(error);
      mentions('insufficient scope')(error);
    },
  },
  'it answers 500': {
    server: good,
    meet: call('fails'),
    check(error) {
      details({ status: 500 })(error);
      mentions('out of order')(error);
    },
  },
  'it redirects elsewhere': {
    server: good,
    meet: call('redirects'),
    check: mentions('http://elsewhere.test/'),
  },
  'it answers with a page of HTML': {
    server: good,
    meet: call('html'),
    check: mentions('text/html'),
  },
  'its headers never arrive': {
    server: good,
    meet: call('mute', {}, { timeoutMs: 300 }),
    // The server is not left with a request that nobody waits for.
    check: (_error, { faulty }) => until(() => faulty.open() === 0, 'the request to be closed'),
  },
  'it answers with another protocol': {
    server: good,
    meet: call('switches', {}, { timeoutMs: 3000 }),
    check: mentions('without an answer'),
  },
  'the headers of its listening stream never arrive': {
    server({ faulty }) {
      faulty.listening = 'mute';
      return { type: 'http', url: faulty.url };
    },
    meet: call('good'),
    check: (_result, { faulty }) =>
      expect(faulty.seen.map(({ method }) => method)).toContain('GET'),
  },
  'its body comes a byte at a time and never ends': {
    server: good,
    meet: call('slow_body', {}, { timeoutMs: 500 }),
  },
  'it resets the connection in the middle of an answer': { server: good, meet: call('resets') },
  'its stream breaks off, and its events have ids': {
    server: good,
    meet: call('breaks_with_ids'),
    check(result, { faulty }) {
      expect(result).toMatchObject({ text: 'resumed' });
      expect(faulty.seen.filter(({ rpc }) => rpc === 'tools/call')).toHaveLength(1);
    },
  },
  'its stream breaks off, and its events have no ids': {
    server: good,
    meet: call('breaks_without_ids'),
    check: mentions('has no ids'),
  },
  // Secrets are looked for in what it says.
  'what it says is nested too deeply': {
    server: (world) => ({ ...good(world), headers: { authorization: 'Bearer fake-token' } }),
    meet: call('nested', {}, { timeoutMs: 3000 }),
    check: mentions('levels deep'),
  },
  'it sends an answer of more than the limit': {
    server: ({ faulty }) => ({ type: 'http', url: faulty.url, maxMessageBytes: 1024 * 1024 }),
    async meet(server) {
      const bytes = 50 * 1024 * 1024;
      const streamed = await server
        .call('large_stream', { bytes })
        .catch((error: unknown) => error);
      expect(streamed).toMatchObject({ code: 'ORCH_MCP_TOO_LARGE' });
      return server.call('large', { bytes });
    },
    check: details({ maxMessageBytes: 1024 * 1024 }),
  },
  'it keeps the connection that ends the session open': {
    server({ faulty }) {
      faulty.clingy = true;
      return { type: 'http', url: faulty.url };
    },
    meet: call('good'),
    check: (_result, { faulty }) => expect(faulty.listening).toBe('refused'),
    boundsClose: true,
  },
  'it answers with more than the limit, for which there is a place': {
    server: (world) => ({ ...good(world), ...spilling(world) }),
    async meet(server) {
      const bytes = 4 * 1024 * 1024;
      const expected = inFile({ content: [{ type: 'text', text: 'x'.repeat(bytes) }] });
      expected(await server.call('large_stream', { bytes }));
      expected(await server.call('large', { bytes }));
    },
    check: (_result, { directory }) => expect(spilledIn(directory)).toHaveLength(2),
  },
  'it breaks off in the middle of such an answer': {
    server: (world) => ({ ...good(world), ...spilling(world) }),
    meet: call('large_breaks', { bytes: 4 * 1024 * 1024 }),
    check: (_error, { directory }) => expect(spilledIn(directory)).toEqual([]),
  },
};
