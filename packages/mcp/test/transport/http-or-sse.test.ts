import { expect, test } from 'vitest';
import { connect } from '../../src/index.js';
import { startHttpFaults } from '../faults/http-faults.js';
import { startSseFaults } from '../faults/sse-faults.js';
import { handlesLeft, openHandles, refusal, until } from '../scene.js';

test('a server that refuses Streamable HTTP is asked for its event stream, if its user says so', async () => {
  const before = openHandles();
  const faulty = await startSseFaults();
  const server = await connect({
    type: 'http',
    url: faulty.url,
    fallback: 'sse',
    headers: { authorization: 'Bearer fake' },
  });
  expect(await server.call('good')).toMatchObject({ text: 'well' });
  expect(faulty.seen.slice(0, 3)).toMatchObject([
    { method: 'POST', path: '/sse', rpc: 'initialize' },
    { method: 'GET', path: '/sse', authorization: 'Bearer fake' },
    { method: 'POST', path: '/message', rpc: 'initialize', authorization: 'Bearer fake' },
  ]);
  await server.close();
  await until(() => faulty.listeners() === 0, 'the stream to be closed');
  await faulty.close();
  expect(await handlesLeft(before)).toEqual({});
});

test('without that, its answer is the error, and nothing more is asked', async () => {
  const faulty = await startSseFaults();
  const error = await refusal(connect({ type: 'http', url: faulty.url }));
  expect(error).toMatchObject({ code: 'ORCH_MCP_START', details: { status: 405 } });
  expect(faulty.seen).toHaveLength(1);
  await faulty.close();
});

test('when neither is there, the error tells of both', async () => {
  const faulty = await startSseFaults();
  faulty.stream = 'html';
  const error = await refusal(connect({ type: 'http', url: faulty.url, fallback: 'sse' }));
  expect(error).toMatchObject({ code: 'ORCH_MCP_START' });
  expect(error.message).toMatch(/text\/html.*answered 405 to Streamable HTTP/s);
  await faulty.close();
});

test('a server that takes Streamable HTTP is not asked, whatever it answers later', async () => {
  const faulty = await startHttpFaults();
  const server = await connect({ type: 'http', url: faulty.url, fallback: 'sse' });
  await until(() => faulty.seen.some(({ method }) => method === 'GET'), 'it to listen');
  faulty.forgetSessions();
  const seen = faulty.seen.length;
  expect(await refusal(server.call('good'))).toMatchObject({ code: 'ORCH_MCP_SESSION' });
  expect(faulty.seen.slice(seen).map(({ method }) => method)).toEqual(['POST']);
  expect(await server.call('good')).toMatchObject({ text: 'well' });
  await server.close();
  await faulty.close();
});

test.each([401, 403, 500])('a refusal with %i is no sign of an older server', async (status) => {
  const faulty = await startSseFaults();
  faulty.refuse = status;
  const error = await refusal(connect({ type: 'http', url: faulty.url, fallback: 'sse' }));
  expect(error.details).toMatchObject({ status });
  expect(faulty.seen.map(({ method }) => method)).toEqual(['POST']);
  await faulty.close();
});
