import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { RpcError, rpcCode, type McpService } from '../../src/gateway/index.js';
import { until, type Cleanup } from '../scene.js';
import { gatewayScene, raw, rawClient } from './scene.js';

const uri = 'mcp://news/test://a';

/** A gateway before a service that notes who begins and ends to watch it, and answers when it is let. */
async function watchScene(onTestFinished: Cleanup) {
  const asked: string[] = [];
  let answer: () => Promise<object> = () => Promise.resolve({});
  const news: McpService = {
    info: { name: 'news', version: '1' },
    capabilities: { resources: { subscribe: true } },
    async request(method) {
      asked.push(method.replace('resources/', ''));
      await answer();
      return {};
    },
    listen: () => () => undefined,
  };
  const scene = await gatewayScene(onTestFinished, { servers: {}, services: { news } });
  return {
    ...scene,
    /** In order: `subscribe`, `unsubscribe`. */
    asked,
    /** From now on a request waits for this. */
    answerBy: (given: () => Promise<object>) => void (answer = given),
    async agent() {
      const client = await rawClient(scene.url, (await scene.grant()).token);
      return {
        subscribe: () => client.post('resources/subscribe', { uri }),
        unsubscribe: () => client.post('resources/unsubscribe', { uri }),
        leave: () => raw(scene.url, 'DELETE', client.headers),
      };
    },
  };
}

describe('a client that subscribes twice', () => {
  test('is subscribed once, and one unsubscribe ends it', async ({ onTestFinished }) => {
    const scene = await watchScene(onTestFinished);
    const agent = await scene.agent();
    await agent.subscribe();
    expect((await agent.subscribe()).message).toHaveProperty('result');
    expect(scene.asked).toEqual(['subscribe']);
    await agent.unsubscribe();
    expect(scene.asked).toEqual(['subscribe', 'unsubscribe']);
    // One more ends nothing that is another's.
    await agent.unsubscribe();
    expect(scene.asked).toEqual(['subscribe', 'unsubscribe']);
  });

  test('leaves nothing behind when it goes', async ({ onTestFinished }) => {
    const scene = await watchScene(onTestFinished);
    const agent = await scene.agent();
    await Promise.all([agent.subscribe(), agent.subscribe()]);
    await agent.leave();
    await until(() => scene.asked.length === 2, 'the service to be told');
    expect(scene.asked).toEqual(['subscribe', 'unsubscribe']);
  });

  test('holds it no longer than others do, nor do they than it', async ({ onTestFinished }) => {
    const scene = await watchScene(onTestFinished);
    const [one, two] = [await scene.agent(), await scene.agent()];
    for (const agent of [one, one, two, two]) await agent.subscribe();
    expect(scene.asked).toEqual(['subscribe']);
    await one.unsubscribe();
    await one.unsubscribe();
    expect(scene.asked).toEqual(['subscribe']);
    await two.unsubscribe();
    expect(scene.asked).toEqual(['subscribe', 'unsubscribe']);
  });
});

describe('a subscription under way', () => {
  test('that fails is not taken for one by whoever asks meanwhile', async ({ onTestFinished }) => {
    const scene = await watchScene(onTestFinished);
    let fail: () => void = () => undefined;
    const failure = new Promise<never>((_resolve, reject) => {
      fail = () => reject(new RpcError(rpcCode.internal, 'not now'));
    });
    scene.answerBy(() => failure);
    const first = (await scene.agent()).subscribe();
    await until(() => scene.asked.length === 1, 'the first to arrive');
    const other = await scene.agent();
    const second = other.subscribe();
    const answered = second.then(() => 'answered');
    expect(await Promise.race([answered, sleep(200, 'waiting')])).toBe('waiting');
    scene.answerBy(() => Promise.resolve({}));
    fail();
    expect((await first).message).toHaveProperty('error');
    expect((await second).message).toHaveProperty('result');
    expect(scene.asked).toEqual(['subscribe', 'subscribe']);
    await other.leave();
    await until(() => scene.asked.length === 3, 'its end');
  });

  test('whose client has gone is ended when it comes to be', async ({ onTestFinished }) => {
    const scene = await watchScene(onTestFinished);
    let succeed: () => void = () => undefined;
    const success = new Promise<object>((resolve) => (succeed = () => resolve({})));
    scene.answerBy(() => success);
    const agent = await scene.agent();
    const begun = agent.subscribe().catch(() => undefined);
    await until(() => scene.asked.length === 1, 'it to arrive');
    await agent.leave();
    await begun;
    succeed();
    await until(() => scene.asked.length === 2, 'its end');
    expect(scene.asked).toEqual(['subscribe', 'unsubscribe']);
  });

  test('that waits for another is not begun for who has lost his grant', async ({
    onTestFinished,
  }) => {
    const scene = await watchScene(onTestFinished);
    let fail: () => void = () => undefined;
    const failure = new Promise<never>((_resolve, reject) => {
      fail = () => reject(new RpcError(rpcCode.internal, 'not now'));
    });
    scene.answerBy(() => failure);
    const first = (await scene.agent()).subscribe();
    await until(() => scene.asked.length === 1, 'the first to arrive');
    const { grant, token } = await scene.grant();
    const late = await rawClient(scene.url, token);
    const second = late.post('resources/subscribe', { uri }).catch(() => undefined);
    await sleep(200);
    await grant.revoke();
    fail();
    await Promise.all([first, second]);
    expect(scene.asked).toEqual(['subscribe']);
  });
});
