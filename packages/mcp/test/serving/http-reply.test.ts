import { expect, test } from 'vitest';
import type { McpService } from '../../src/gateway/index.js';
import { gatewayScene, raw, rawClient } from '../gateway/scene.js';
import { until } from '../scene.js';

/** A service that answers when it is told to. */
function patientService() {
  let asked = 0;
  let answer: () => void = () => undefined;
  const answered = new Promise<void>((resolve) => (answer = resolve));
  const service: McpService = {
    info: { name: 'slow', version: '1' },
    capabilities: { tools: {} },
    async request() {
      asked += 1;
      await answered;
      return { content: [{ type: 'text', text: 'well' }] };
    },
    listen: () => () => undefined,
  };
  return { service, asked: () => asked, answer: () => answer() };
}

test('an answer that has not begun can be asked for as a stream, and comes there', async ({
  onTestFinished,
}) => {
  const { service, asked, answer } = patientService();
  const scene = await gatewayScene(onTestFinished, { servers: {}, services: { slow: service } });
  const { token } = await scene.grant();
  const agent = await rawClient(scene.url, token);
  const first = agent.post('tools/call', { name: 'slow__any' });
  await until(() => asked() === 1, 'the call');
  // The handshake had the first stream of the session.
  const second = raw(scene.url, 'GET', { ...agent.headers, 'last-event-id': '2-0' });
  expect((await first).text).toBe('');
  answer();
  expect((await second).message).toMatchObject({ result: { content: [{ text: 'well' }] } });
});
