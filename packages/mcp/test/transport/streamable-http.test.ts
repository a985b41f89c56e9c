import { expect, test } from 'vitest';
import { connect, type McpServer, type ServerEvent } from '../../src/index.js';
import { startHttpFaults, type HttpFaults } from '../faults/http-faults.js';
import { until, type Cleanup } from '../scene.js';

interface Scene {
  readonly faulty: HttpFaults;
  readonly server: McpServer;
  readonly events: ServerEvent[];
}

async function connected(
  onTestFinished: Cleanup,
  how: HttpFaults['listening'] = 'open',
): Promise<Scene> {
  const faulty = await startHttpFaults();
  faulty.listening = how;
  const events: ServerEvent[] = [];
  const server = await connect(
    { type: 'http', url: faulty.url, headers: { authorization: 'Bearer fake' } },
    { onEvent: (_name, event) => events.push(event) },
  );
  onTestFinished(async () => {
    await server.close();
    await faulty.close();
  });
  return { faulty, server, events };
}

async function listening(onTestFinished: Cleanup): Promise<Scene> {
  const { faulty, server, events } = await connected(onTestFinished);
  await until(() => faulty.listeners() === 1, 'the listening stream');
  // The server knows of it before the client does.
  faulty.say({ method: 'notifications/message', params: { level: 'info', data: 'hello' } });
  await until(() => events.some(({ type }) => type === 'log'), 'the client to listen');
  return { faulty, server, events };
}

const version = async (server: McpServer): Promise<string | undefined> =>
  (await server.tools())[0]?.description;

test('the first call is made when the stream stands on which the server may ask in it', async ({
  onTestFinished,
}) => {
  const { faulty } = await connected(onTestFinished, 'slow');
  expect(faulty.listeners()).toBe(1);
});

test('a server that does not answer for its stream is called all the same', async ({
  onTestFinished,
}) => {
  const { faulty, server } = await connected(onTestFinished, 'mute');
  expect((await server.call('good')).text).toBe('well');
  expect(asked(faulty)).toBe(1);
});

test('a list is kept until the server says on its listening stream that it has changed', async ({
  onTestFinished,
}) => {
  const { faulty, server, events } = await listening(onTestFinished);
  const before = await version(server);
  expect(await version(server)).toBe(before);
  faulty.say({ method: 'notifications/tools/list_changed' });
  await until(() => events.some(({ type }) => type === 'changed'), 'the change');
  expect(await version(server)).not.toBe(before);
});

test('a list is not kept over a gap in which a change may have been missed', async ({
  onTestFinished,
}) => {
  const { faulty, server } = await listening(onTestFinished);
  const before = await version(server);
  faulty.hangUp();
  await until(() => faulty.listeners() === 0, 'the stream to be cut');
  await until(() => faulty.listeners() === 1, 'another stream');
  await until(
    () => faulty.seen.filter(({ method }) => method === 'GET').length === 2,
    'the stream to be asked for again',
  );
  let now = before;
  for (let n = 0; n < 50 && now === before; n += 1) {
    now = await version(server);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  expect(now).not.toBe(before);
});

test('100 calls at once are answered, each with its own answer', async ({ onTestFinished }) => {
  const { faulty, server } = await listening(onTestFinished);
  const results = await Promise.all(Array.from({ length: 100 }, () => server.call('good')));
  expect(results.every(({ text }) => text === 'well')).toBe(true);
  expect(faulty.seen.filter(({ tool }) => tool === 'good')).toHaveLength(100);
});

test('an end of the client ends the session on the server', async ({ onTestFinished }) => {
  const { faulty, server } = await listening(onTestFinished);
  await server.close();
  expect(faulty.seen.at(-1)).toMatchObject({ method: 'DELETE', session: 's1' });
  await until(() => faulty.listeners() === 0, 'the stream to end');
});

const asked = ({ seen }: HttpFaults): number =>
  seen.filter(({ method }) => method === 'GET').length;

test('a stream that is lost and refused for a while is asked for until it stands, and no list is kept meanwhile', async ({
  onTestFinished,
}) => {
  const { faulty, server, events } = await listening(onTestFinished);
  const before = await version(server);
  faulty.listening = 'failing';
  faulty.hangUp();
  await until(() => asked(faulty) >= 3, 'the stream to be asked for again');
  expect(await version(server)).not.toBe(before);
  faulty.listening = 'open';
  await until(() => faulty.listeners() === 1, 'another stream');
  const kept = await version(server);
  faulty.say({ method: 'notifications/tools/list_changed' });
  await until(() => events.some(({ type }) => type === 'changed'), 'the change');
  expect(await version(server)).not.toBe(kept);
});

test('a stream that could not be had at first is asked for again', async ({ onTestFinished }) => {
  const { faulty } = await connected(onTestFinished, 'failing');
  await until(() => asked(faulty) === 1, 'the stream to be asked for');
  faulty.listening = 'open';
  await until(() => faulty.listeners() === 1, 'the stream');
});

test.each(['refused', 'unknown'] as const)(
  'a server that offers no stream (%s) is asked for one once',
  async (how) => {
    const cleanups: (() => void | Promise<void>)[] = [];
    try {
      const { faulty } = await connected((clean) => cleanups.unshift(clean), how);
      // The first pause is at most 1250 ms.
      await new Promise((resolve) => setTimeout(resolve, 1500));
      expect(asked(faulty)).toBe(1);
    } finally {
      for (const clean of cleanups) await clean();
    }
  },
);

test('a stream that is lost with its session ends the connection, and the next call begins another', async ({
  onTestFinished,
}) => {
  const { faulty, server } = await listening(onTestFinished);
  faulty.forgetSessions();
  faulty.hangUp();
  await until(() => server.state === 'idle', 'the session to be over');
  expect((await server.call('good')).text).toBe('well');
  expect(faulty.seen.at(-1)).toMatchObject({ session: 's2' });
});
