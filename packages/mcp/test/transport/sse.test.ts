import { expect, test } from 'vitest';
import { connect, type HttpAuth } from '../../src/index.js';
import { startSseFaults } from '../faults/sse-faults.js';
import { refusal, until } from '../scene.js';

/** Gives the tokens in their order, the next one whenever one is refused. */
function inOrder(tokens: readonly string[]): HttpAuth & { readonly challenges: string[] } {
  const challenges: string[] = [];
  return {
    challenges,
    forServer: () => ({
      authorize: () => Promise.resolve({ authorization: tokens[challenges.length] ?? 'none' }),
      challenged({ method }) {
        challenges.push(method);
        return Promise.resolve(challenges.length < tokens.length);
      },
    }),
  };
}

test('its stream and its messages are authorized, and sent again when the token has changed', async () => {
  const faulty = await startSseFaults();
  faulty.token = 'Bearer fake-2';
  const auth = inOrder(['Bearer fake-1', 'Bearer fake-2', 'Bearer fake-3']);
  const server = await connect({ type: 'sse', url: faulty.url, auth });
  expect(auth.challenges).toEqual(['GET']);
  faulty.token = 'Bearer fake-3';
  expect(await server.call('good')).toMatchObject({ text: 'well' });
  expect(auth.challenges).toEqual(['GET', 'POST']);
  faulty.token = 'Bearer fake-4';
  expect(await refusal(server.call('good'))).toMatchObject({
    code: 'ORCH_MCP_AUTH',
    details: { status: 401 },
  });
  await server.close();
  await faulty.close();
});

test('an answer stands, whatever becomes of the request that it answers', async () => {
  const faulty = await startSseFaults();
  faulty.refusesLate = true;
  const states: string[] = [];
  const server = await connect(
    { type: 'sse', url: faulty.url },
    {
      onEvent(_name, event) {
        if (event.type === 'state') states.push(event.state);
      },
    },
  );
  await server.ping();
  await until(() => faulty.open() === 1, 'the requests to be over, but for the stream');
  expect(await server.call('good')).toMatchObject({ text: 'well' });
  expect(states).toEqual(['connecting', 'ready']);
  await server.close();
  await faulty.close();
});

test('100 calls at once are answered, each with its own answer', async () => {
  const faulty = await startSseFaults();
  const server = await connect({ type: 'sse', url: faulty.url });
  const sizes = Array.from({ length: 100 }, (_, index) => index);
  const results = await Promise.all(sizes.map((bytes) => server.call('large', { bytes })));
  expect(results.map(({ text }) => text.length)).toEqual(sizes);
  await server.close();
  await faulty.close();
});
