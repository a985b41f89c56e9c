import { expect, test } from 'vitest';
import { Peer } from '../../src/protocol/peer.js';
import { StatelessSession } from '../../src/session/stateless-session.js';
import { refusal } from '../scene.js';

/** A session over HTTP with a server that takes every message, and answers none. */
function silent() {
  const sent: string[] = [];
  const peer = new Peer({
    ...{ name: 'one', timeoutMs: 60_000, totalMs: 60_000 },
    ...{ notified: () => undefined, other: () => undefined, timedOut: () => undefined },
  });
  peer.speakOver({
    send(text) {
      sent.push((JSON.parse(text) as { method: string }).method);
      return undefined;
    },
    forget: () => undefined,
    ready: () => undefined,
    close: () => Promise.resolve({}),
  });
  const session = new StatelessSession({
    ...{ name: 'one', peer, capabilities: {}, totalMs: 60_000, carriesHeaders: true },
    stateless: { envelope: {}, listen: () => Promise.reject(new Error('It offers no stream.')) },
    answers: { capabilities: {}, methods: [], answer: () => Promise.reject(new Error()) },
    ...{ noise: () => undefined, missed: () => undefined },
  });
  return { session, sent };
}

test('what has to be read of a tool before it is called is read in the time of the call', async () => {
  const { session, sent } = silent();
  const call = session.request('tools/call', { name: 'good' }, { totalMs: 300 });
  expect(await refusal(call)).toMatchObject({
    code: 'ORCH_MCP_TIMEOUT',
    details: { method: 'tools/list', limit: 'total', ms: 300 },
  });
  expect(sent).toContain('tools/list');
  expect(sent).not.toContain('tools/call');
});
