import { expect } from 'vitest';
import type { McpError, McpServer, SseServerSpec } from '../../src/index.js';
import { until } from '../scene.js';
import type { SseFaults } from './sse-faults.js';
import { inFile, spillingWire as spilling, type Scenario, type World } from './stdio-scenarios.js';

export interface SseWorld extends World {
  readonly faulty: SseFaults;
  /** Another server, which must hear nothing. */
  readonly stranger: SseFaults;
}

type SseScenario = Scenario<SseServerSpec, SseWorld>;

const secret = 'Bearer fake';
const spec =
  (more: Partial<SseServerSpec> = {}, arrange: (faulty: SseFaults) => void = () => undefined) =>
  ({ faulty }: SseWorld): SseServerSpec => {
    arrange(faulty);
    return { type: 'sse', url: faulty.url, headers: { authorization: secret }, ...more };
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
const callsSeen = ({ faulty }: SseWorld): (string | undefined)[] =>
  faulty.seen.filter(({ rpc }) => rpc === 'tools/call').map(({ session }) => session);

export const sseScenarios: Readonly<Record<string, SseScenario>> = {
  'nobody listens': {
    server: spec({ url: 'http://127.0.0.1:9/sse' }),
    meet: start,
    check: mentions('ECONNREFUSED'),
    afterwards: false,
  },
  'the headers of its stream never arrive': {
    server: spec({ startMs: 700 }, (faulty) => (faulty.stream = 'mute')),
    meet: start,
    check: (_error, { faulty }) => until(() => faulty.open() === 0, 'the stream to be closed'),
    afterwards: false,
  },
  'its endpoint never arrives': {
    server: spec({ startMs: 700 }, (faulty) => (faulty.stream = 'silent')),
    meet: start,
    async check(error, { faulty }) {
      mentions('startMs')(error);
      await until(() => faulty.listeners() === 0, 'the stream to be closed');
    },
    afterwards: false,
  },
  'its stream ends before its endpoint': {
    server: spec({}, (faulty) => (faulty.stream = 'ends')),
    meet: start,
    check: mentions('its event stream ended'),
    afterwards: false,
  },
  'its endpoint is of another origin': {
    server({ faulty, stranger }) {
      faulty.endpoint = () => `${stranger.origin}/message?session=s1`;
      return good({ faulty, stranger } as SseWorld);
    },
    meet: start,
    check(error, { faulty, stranger }) {
      mentions(stranger.origin)(error);
      expect(stranger.seen).toEqual([]);
      expect(faulty.seen.map(({ authorization }) => authorization)).toEqual([secret]);
    },
    afterwards: false,
  },
  'its endpoint carries a password': {
    server: spec({}, (faulty) => {
      faulty.endpoint = (session) =>
        `${faulty.origin.replace('//', '//user:fake@')}/message?session=${session}`;
    }),
    meet: start,
    check: (_error, { faulty }) => expect(faulty.seen).toHaveLength(1),
    afterwards: false,
  },
  'its endpoint is no address': {
    server: spec({}, (faulty) => (faulty.endpoint = () => 'http://')),
    meet: start,
    check: mentions('http://'),
    afterwards: false,
  },
  'it names a second endpoint': {
    server: spec({}, (faulty) => (faulty.stream = 'second endpoint')),
    meet: call('good'),
    check(result, { events, faulty }) {
      says('well')(result);
      expect(faulty.seen.map(({ path }) => path)).not.toContain('/elsewhere');
      expect(events).toContainEqual({ type: 'noise', text: 'a second endpoint: /elsewhere' });
    },
  },
  'it answers the stream with a page of HTML': {
    server: spec({}, (faulty) => (faulty.stream = 'html')),
    meet: start,
    check: mentions('text/html'),
    afterwards: false,
  },
  'it answers the stream with 401': {
    server: spec({}, (faulty) => (faulty.stream = 'unauthorized')),
    meet: start,
    check: details({ status: 401, challenge: 'Bearer' }),
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
  'it answers 500': { server: good, meet: call('fails'), check: details({ status: 500 }) },
  'it redirects elsewhere': {
    server: good,
    meet: call('redirects'),
    check: mentions('http://elsewhere.test/'),
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
  'its stream breaks off in the middle of a call': {
    server: good,
    meet: call('drops'),
    check: (_error, world) => expect(callsSeen(world)).toEqual(['s1']),
  },
  'its stream ends in the middle of a call that may be repeated': {
    server: good,
    meet: call('ends_once', {}, { idempotent: true }),
    check(result, world) {
      says('second time')(result);
      expect(callsSeen(world)).toEqual(['s1', 's2']);
    },
  },
  'its stream breaks off at each try of a call that may be repeated': {
    server: good,
    meet: call('drops', {}, { idempotent: true }),
    // Once again, and not for ever.
    check: (_error, world) => expect(callsSeen(world)).toEqual(['s1', 's2']),
  },
  'it answers without taking the message': {
    server: spec({}, (faulty) => (faulty.clingy = true)),
    meet: call('untaken'),
    check: says('well'),
  },
  'it takes the message and is silent': {
    server: good,
    meet: call('silent', {}, { timeoutMs: 300 }),
    check: details({ limit: 'silence', ms: 300 }),
  },
  'it writes its answer byte by byte': { server: good, meet: call('torn'), check: says('töрn ✂') },
  'its event comes a byte at a time and never ends': {
    server: spec({ pingMs: 300 }),
    meet: call('never_ends', {}, { timeoutMs: 300 }),
    // Nothing else can come on that stream, so it is given up.
    check: (_error, { faulty }) => until(() => faulty.listeners() === 0, 'the stream to be closed'),
  },
  'its events are not all messages': {
    server: good,
    meet: call('malformed_event'),
    check(result, { events }) {
      says('well')(result);
      expect(events).toContainEqual({ type: 'noise', text: '{"half":' });
    },
  },
  'what it says is nested too deeply': {
    server: good,
    meet: call('nested', {}, { timeoutMs: 3000 }),
    check: mentions('levels deep'),
  },
  'it answers with 12 MiB': {
    server: good,
    meet: call('large', { bytes: 12 * 1024 * 1024 }),
    check: (result) => expect((result as { text: string }).text).toHaveLength(12 * 1024 * 1024),
  },
  'it sends an answer of more than the limit': {
    server: spec({ maxMessageBytes: 1024 * 1024 }),
    meet: call('large', { bytes: 8 * 1024 * 1024 }),
    check: details({ maxMessageBytes: 1024 * 1024 }),
  },
  'it answers with more than the limit, for which there is a place': {
    server: (world) => ({ ...good(world), ...spilling(world) }),
    meet: call('large', { bytes: 4 * 1024 * 1024 }),
    check: inFile({ content: [{ type: 'text', text: 'x'.repeat(4 * 1024 * 1024) }] }),
  },
};
