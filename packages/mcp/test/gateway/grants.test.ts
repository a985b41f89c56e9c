import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { connect } from '../../src/index.js';
import { refusal, until } from '../scene.js';
import { gatewayScene, raw, rawClient } from './scene.js';

const toOne = { tools: { allow: ['one__good', 'one__pid', 'one__silent'] } };

describe('a grant', () => {
  test('shows what its filter allows, and passes it on', async ({ onTestFinished }) => {
    const scene = await gatewayScene(onTestFinished);
    const { token } = await scene.grant({ filter: toOne });
    const agent = await connect({
      type: 'http',
      url: scene.url,
      headers: { authorization: `Bearer ${token}` },
    });
    onTestFinished(() => agent.close());
    const names = (await agent.tools()).map(({ name }) => name);
    expect(names).toEqual(['one__good', 'one__pid', 'one__silent']);
    expect((await agent.call('one__good', { say: 'through' })).text).toBe('through');
    expect(scene.sent('one', 'tools/call')).toMatchObject([
      { params: { name: 'good', arguments: { say: 'through' } } },
    ]);
  });

  test('passes on nothing else, to whoever knows its name', async ({ onTestFinished }) => {
    const scene = await gatewayScene(onTestFinished);
    const { token } = await scene.grant({ filter: toOne });
    const agent = await rawClient(scene.url, token);
    for (const name of ['two__good', 'one__exits', 'good', '__good', 'one__', 'ONE__good'])
      expect((await agent.post('tools/call', { name, arguments: {} })).message).toMatchObject({
        error: { code: -32_602 },
      });
    expect(scene.sent('one', 'tools/call')).toEqual([]);
    expect(scene.sent('two', 'tools/call')).toEqual([]);
    expect(scene.refusals()[0]).toEqual({
      type: 'refused',
      attempt: 'attempt-1',
      what: 'tool',
      name: 'two__good',
      why: 'the filter does not allow it',
    });
    // The control: with no filter the same request arrives.
    const { token: open } = await scene.grant();
    const other = await rawClient(scene.url, open);
    const answer = await other.post('tools/call', { name: 'two__good', arguments: {} });
    expect(answer.message).toMatchObject({ result: { content: [{ text: 'well' }] } });
    expect(scene.sent('two', 'tools/call')).toHaveLength(1);
  });

  test('for some servers starts and asks no others, and refuses what is theirs', async ({
    onTestFinished,
  }) => {
    const scene = await gatewayScene(onTestFinished);
    const { token } = await scene.grant({ servers: ['one'] });
    const agent = await rawClient(scene.url, token);
    const listed = await agent.post('tools/list', {});
    const { tools } = listed.message?.['result'] as { tools: { name: string }[] };
    expect(new Set(tools.map(({ name }) => name.split('__')[0]))).toEqual(new Set(['one']));
    expect(scene.hub.states()).toEqual({ one: 'ready', two: 'idle' });
    const call = { name: 'two__good', arguments: {} };
    expect((await agent.post('tools/call', call)).message).toHaveProperty('error');
    const uri = 'mcp://two/file:///a';
    expect((await agent.post('resources/read', { uri })).message).toHaveProperty('error');
    expect(scene.refusals()).toMatchObject([
      { what: 'tool', name: 'two__good' },
      { what: 'resource', name: uri },
    ]);
    expect(scene.hub.states()).toEqual({ one: 'ready', two: 'idle' });
    const unknown = await refusal(scene.grant({ servers: ['three'] }));
    expect(unknown.message).toContain('There are: one, two');
    // The control: a grant for all of them starts the other.
    const { token: open } = await scene.grant();
    await (await rawClient(scene.url, open)).post('tools/list', {});
    expect(scene.hub.states()).toEqual({ one: 'ready', two: 'ready' });
  });

  test('tells of what the hub refuses to start', async ({ onTestFinished }) => {
    const written = { command: 'true' };
    const source = '/project/.mcp.json';
    const origin = { scope: 'project', source, project: '/project', written } as const;
    const scene = await gatewayScene(onTestFinished, { servers: { one: { ...written, origin } } });
    const { token } = await scene.grant();
    const agent = await rawClient(scene.url, token);
    const answer = await agent.post('tools/call', { name: 'one__good', arguments: {} });
    expect(answer.message).toHaveProperty('error');
    expect(scene.refusals()).toMatchObject([
      { what: 'tool', name: 'one__good', why: 'nobody has approved its server' },
    ]);
  });

  test('cannot widen the filters of the hub', async ({ onTestFinished }) => {
    const scene = await gatewayScene(onTestFinished, {
      servers: { one: { command: 'true', tools: { deny: ['good'] } } },
    });
    const { token } = await scene.grant({ filter: { tools: { allow: ['*'] } } });
    const agent = await rawClient(scene.url, token);
    const answer = await agent.post('tools/call', { name: 'one__good', arguments: {} });
    expect(answer.message).toMatchObject({ error: { data: { code: 'ORCH_MCP_REFUSED' } } });
    expect(scene.refusals()).toMatchObject([{ what: 'tool', name: 'one__good' }]);
    expect(scene.hub.states()).toEqual({ one: 'idle' });
  });

  test('holds for resources, prompts, completion and subscriptions too', async ({
    onTestFinished,
  }) => {
    const scene = await gatewayScene(onTestFinished);
    const none = { deny: ['*'] };
    const { token } = await scene.grant({ filter: { resources: none, prompts: none } });
    const agent = await rawClient(scene.url, token);
    const uri = 'mcp://one/file:///etc/passwd';
    const argument = { name: 'a', value: '' };
    for (const [method, params] of [
      ['resources/read', { uri }],
      ['resources/subscribe', { uri }],
      ['prompts/get', { name: 'one__p' }],
      ['completion/complete', { ref: { type: 'ref/prompt', name: 'one__p' }, argument }],
      ['completion/complete', { ref: { type: 'ref/resource', uri }, argument }],
    ] as const)
      expect((await agent.post(method, params)).message).toHaveProperty('error');
    expect(scene.refusals()).toHaveLength(5);
    expect(scene.hub.states()).toEqual({ one: 'idle', two: 'idle' });
  });
});

describe('a token', () => {
  test('is in a file of its owner alone, and never over another', async ({ onTestFinished }) => {
    const scene = await gatewayScene(onTestFinished);
    const { grant } = await scene.grant();
    expect(statSync(grant.tokenFile).mode & 0o777).toBe(0o600);
    const taken = join(scene.directory, 'taken');
    writeFileSync(taken, 'mine');
    expect(await refusal(scene.grant({ tokenFile: taken }))).toMatchObject({
      code: 'ORCH_MCP_SPEC',
    });
    expect(readFileSync(taken, 'utf8')).toBe('mine');
  });

  test('opens nothing once it was revoked, and its session is gone', async ({ onTestFinished }) => {
    const scene = await gatewayScene(onTestFinished);
    const { grant, token } = await scene.grant({ filter: toOne });
    const agent = await rawClient(scene.url, token);
    await agent.post('tools/call', { name: 'one__good', arguments: {} });
    const before = scene.sent('one', 'tools/call').length;
    await grant.revoke();
    expect(existsSync(grant.tokenFile)).toBe(false);
    const late = await agent.post('tools/call', { name: 'one__good', arguments: {} });
    expect(late.status).toBe(401);
    expect(late.headers['www-authenticate']).toBe('Bearer');
    expect(scene.sent('one', 'tools/call')).toHaveLength(before);
    expect(scene.refusals()).toEqual([
      { type: 'refused', attempt: 'attempt-1', what: 'token', why: 'it was revoked' },
    ]);
  });

  test('opens nothing when its time is over', async ({ onTestFinished }) => {
    const scene = await gatewayScene(onTestFinished);
    const { grant, token } = await scene.grant({ ttlMs: 200 });
    await until(() => !existsSync(grant.tokenFile), 'the end of the grant');
    expect((await rawClient(scene.url, token)).begun.status).toBe(401);
    expect(scene.refusals()).toMatchObject([{ attempt: 'attempt-1', why: 'it was expired' }]);
  });

  test.each([
    ['none', undefined, 'there is none'],
    ['another scheme', 'Basic dTpw', 'it is no Bearer token'],
    ['one that never was', 'Bearer abc.def', 'it is not known'],
    ['half of one', 'Bearer abc', 'it is not known'],
  ])('is needed, and %s is refused', async (_what, authorization, why) => {
    const cleanups: (() => void | Promise<void>)[] = [];
    const scene = await gatewayScene((clean) => cleanups.unshift(clean));
    const answer = await raw(
      scene.url,
      'POST',
      authorization === undefined ? {} : { authorization },
      '{}',
    );
    for (const clean of cleanups) await clean();
    expect(answer.status).toBe(401);
    expect(scene.refusals()).toEqual([{ type: 'refused', what: 'token', why }]);
  });

  test('whose file was replaced by what cannot be removed ends all the same, and harms nobody', async ({
    onTestFinished,
  }) => {
    const scene = await gatewayScene(onTestFinished);
    for (const ends of ['by its time', 'by being revoked']) {
      const { grant } = await scene.grant(ends === 'by its time' ? { ttlMs: 200 } : {});
      rmSync(grant.tokenFile);
      mkdirSync(grant.tokenFile);
      if (ends === 'by being revoked') await grant.revoke();
      const isOver = ({ type, attempt }: { type: string; attempt?: string }): boolean =>
        type === 'ended' && attempt === grant.attempt;
      await until(() => scene.events.some(isOver), `its end ${ends}`);
    }
  });

  test('with a wrong secret is refused by the name of its attempt', async ({ onTestFinished }) => {
    const scene = await gatewayScene(onTestFinished);
    const { token } = await scene.grant();
    const wrong = `${token.slice(0, -1)}${token.endsWith('A') ? 'B' : 'A'}`;
    expect((await rawClient(scene.url, wrong)).begun.status).toBe(401);
    expect(scene.refusals()).toMatchObject([{ attempt: 'attempt-1', why: 'its secret is wrong' }]);
  });

  test('is in no log and no error', async ({ onTestFinished }) => {
    const scene = await gatewayScene(onTestFinished);
    const { grant, token } = await scene.grant({ filter: toOne });
    const secret = token.split('.')[1] ?? '';
    expect(secret.length).toBeGreaterThan(40);
    const agent = await rawClient(scene.url, token);
    const said = [await agent.post('tools/call', { name: 'two__good' })];
    await grant.revoke();
    said.push(await agent.post('tools/list', {}));
    const server = connect({
      type: 'http',
      url: scene.url,
      headers: { authorization: `Bearer ${token}` },
    });
    const error = await refusal(server);
    const everything = JSON.stringify([scene.events, said, error, error.message, error.details]);
    expect(everything).toContain('it was revoked');
    expect(everything).not.toContain(secret);
  });
});

describe('a session', () => {
  test('is of no use to another token, nor is it told that it exists', async ({
    onTestFinished,
  }) => {
    const scene = await gatewayScene(onTestFinished);
    const first = await scene.grant({ filter: toOne });
    const second = await scene.grant({ filter: { tools: { allow: ['two__*'] } } });
    const { session } = await rawClient(scene.url, first.token);
    const thief = await rawClient(scene.url, second.token);
    const stolen = { 'mcp-session-id': String(session) };
    const call = { name: 'one__good', arguments: {} };
    const answer = await thief.post('tools/call', call, stolen);
    const unknown = await thief.post('tools/call', call, { 'mcp-session-id': 'none' });
    expect([answer.status, answer.text]).toEqual([unknown.status, unknown.text]);
    expect(answer.status).toBe(404);
    expect(scene.sent('one', 'tools/call')).toEqual([]);
    expect(scene.refusals()).toEqual([
      {
        type: 'refused',
        attempt: 'attempt-2',
        what: 'session',
        why: 'it is the session of another',
      },
    ]);
    // The control: its own session answers.
    const own = await thief.post('tools/call', { name: 'two__good', arguments: {} });
    expect(own.message).toHaveProperty('result');
  });

  test('under way ends with the grant, and its server is told', async ({ onTestFinished }) => {
    const scene = await gatewayScene(onTestFinished);
    const { grant, token } = await scene.grant({ filter: toOne });
    const agent = await rawClient(scene.url, token);
    const hanging = agent
      .post('tools/call', { name: 'one__silent', arguments: {} })
      .catch((error: unknown) => error);
    await until(() => scene.sent('one', 'tools/call').length === 1, 'the call to arrive');
    await grant.revoke();
    await until(
      () => scene.sent('one', 'notifications/cancelled').length === 1,
      'the server to be told',
    );
    expect(JSON.stringify(await hanging)).not.toContain('result');
  });
});
