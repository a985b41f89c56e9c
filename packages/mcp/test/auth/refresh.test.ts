import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { fileTokenStore, memoryTokenStore, oauth, type TokenStore } from '../../src/auth/index.js';
import { connect } from '../../src/index.js';
import { bundle } from '../bundle.js';
import { refusal, temporaryDirectory } from '../scene.js';
import { browse, protectedServer, type ProtectedServer } from './protected-server.js';

const caller = await bundle('protected-caller.ts');

/** A store as it is after a login. `changes`: what is otherwise in what it keeps. */
async function loggedIn(
  store: TokenStore,
  protectedBy: ProtectedServer,
  changes: Readonly<Record<string, unknown>> = {},
): Promise<{ accessToken: string; refreshToken: string }> {
  const { url, issuer } = protectedBy;
  const tokens = protectedBy.issue();
  const kept = {
    server: url,
    resource: url,
    issuer,
    clientId: 'own',
    tokenType: 'Bearer',
    scopes: [],
  };
  await store.set(
    `tokens for ${url} by authorization_code of own`,
    JSON.stringify({ ...kept, ...tokens, ...changes }),
  );
  return tokens;
}

const refreshes = ({ seen }: ProtectedServer): number =>
  seen.filter(({ path, form }) => path === '/token' && form['grant_type'] === 'refresh_token')
    .length;

/** Processes that all begin at once, each with its store. What they printed. */
async function callFrom(url: string, stores: readonly string[]): Promise<string[]> {
  const children = stores.map((store) =>
    spawn(process.execPath, [caller, url, store], { stdio: ['pipe', 'pipe', 'inherit'] }),
  );
  await Promise.all(children.map(({ stdout }) => once(stdout, 'data')));
  const outputs = children.map(async ({ stdout }) => {
    let text = '';
    for await (const chunk of stdout) text += String(chunk);
    return text.trim();
  });
  for (const { stdin } of children) stdin.end('go\n');
  return Promise.all(outputs);
}

describe('several processes whose token has ended', () => {
  test('refresh it once in all, and all go on', async ({ onTestFinished }) => {
    const protectedBy = await protectedServer(onTestFinished);
    const path = join(temporaryDirectory(onTestFinished), 'tokens.json');
    await loggedIn(fileTokenStore(path), protectedBy);
    protectedBy.expireAll();
    const results = await callFrom(protectedBy.url, Array<string>(4).fill(path));
    expect(results).toEqual(Array(4).fill('well'));
    expect(refreshes(protectedBy)).toBe(1);
  });

  test('control: with a store each, they refresh several times, and log each other out', async ({
    onTestFinished,
  }) => {
    const protectedBy = await protectedServer(onTestFinished);
    const directory = temporaryDirectory(onTestFinished);
    const paths = Array.from({ length: 4 }, (_, n) => join(directory, `${n}.json`));
    await loggedIn(fileTokenStore(paths[0] ?? ''), protectedBy);
    for (const path of paths.slice(1)) copyFileSync(paths[0] ?? '', path);
    protectedBy.expireAll();
    const results = await callFrom(protectedBy.url, paths);
    expect(refreshes(protectedBy)).toBe(4);
    expect(results.filter((text) => text === 'well').length).toBeLessThan(4);
  });
});

test('a hundred calls of one process refresh once', async ({ onTestFinished }) => {
  const protectedBy = await protectedServer(onTestFinished);
  const store = memoryTokenStore();
  await loggedIn(store, protectedBy);
  const auth = oauth({ store, client: { id: 'own' } });
  const server = await connect({ type: 'http', url: protectedBy.url, auth });
  onTestFinished(() => server.close());
  protectedBy.expireAll();
  const results = await Promise.all(Array.from({ length: 100 }, () => server.call('good')));
  expect(results.every(({ text }) => text === 'well')).toBe(true);
  expect(refreshes(protectedBy)).toBe(1);
});

test('a token that is about to end is refreshed before it is sent', async ({ onTestFinished }) => {
  const protectedBy = await protectedServer(onTestFinished);
  const store = memoryTokenStore();
  const old = await loggedIn(store, protectedBy, { expiresAtMs: Date.now() + 5000 });
  const auth = oauth({ store, client: { id: 'own' } });
  const server = await connect({ type: 'http', url: protectedBy.url, auth });
  onTestFinished(() => server.close());
  expect(refreshes(protectedBy)).toBe(1);
  expect(protectedBy.shown).not.toContain(old.accessToken);
});

test('a refreshed token that is refused too is followed by a login, and by no second refresh', async ({
  onTestFinished,
}) => {
  const protectedBy = await protectedServer(onTestFinished);
  protectedBy.ways.rejectsAll = true;
  const store = memoryTokenStore();
  await loggedIn(store, protectedBy);
  const auth = oauth({ store, client: { id: 'own' }, onAuthorizationUrl: browse });
  const error = await refusal(connect({ type: 'http', url: protectedBy.url, auth }));
  expect(error).toMatchObject({ code: 'ORCH_MCP_AUTH' });
  expect(refreshes(protectedBy)).toBe(1);
  expect(protectedBy.given['authorization_code']).toBe(1);
});

describe('what is kept is of use only where it is from', () => {
  test('tokens of another issuer are neither refreshed nor sent on', async ({ onTestFinished }) => {
    const protectedBy = await protectedServer(onTestFinished);
    const store = memoryTokenStore();
    const old = await loggedIn(store, protectedBy, { issuer: 'https://old.example' });
    protectedBy.expireAll();
    const auth = oauth({ store, client: { id: 'own' }, onAuthorizationUrl: browse });
    const server = await connect({ type: 'http', url: protectedBy.url, auth });
    onTestFinished(() => server.close());
    expect(refreshes(protectedBy)).toBe(0);
    expect(JSON.stringify(protectedBy.seen)).not.toContain(old.refreshToken);
    expect(protectedBy.given['authorization_code']).toBe(1);
  });

  test('tokens of another server are not sent', async ({ onTestFinished }) => {
    const protectedBy = await protectedServer(onTestFinished);
    const store = memoryTokenStore();
    const old = await loggedIn(store, protectedBy, { server: 'https://other.example/mcp' });
    const auth = oauth({ store, client: { id: 'own' } });
    const error = await refusal(connect({ type: 'http', url: protectedBy.url, auth }));
    expect(error).toMatchObject({ details: { reason: 'login' } });
    expect(protectedBy.shown).not.toContain(old.accessToken);
  });

  test.for([true, false])(
    'a client is not shown to another issuer (named: %s)',
    async (isNamed, { onTestFinished }) => {
      const [first, second] = [
        await protectedServer(onTestFinished),
        await protectedServer(onTestFinished),
      ];
      const client = {
        id: 'robot',
        secret: 'fake-secret',
        ...(isNamed && { issuer: first.issuer }),
      };
      const store = memoryTokenStore();
      const grant = { type: 'client_credentials' } as const;
      const auth = oauth({ store, client, grant });
      const server = await connect({ type: 'http', url: first.url, auth });
      onTestFinished(() => server.close());
      // The server moves to another authorization server.
      first.ways.resourceMetadata = { authorization_servers: [second.issuer] };
      first.expireAll();
      expect(await refusal(server.call('good'))).toMatchObject({ details: { reason: 'issuer' } });
      expect(second.seen.filter(({ path }) => path === '/token')).toEqual([]);
    },
  );

  test('a registration is not used at another issuer', async ({ onTestFinished }) => {
    const [first, second] = [
      await protectedServer(onTestFinished),
      await protectedServer(onTestFinished),
    ];
    const asked: URL[] = [];
    const auth = oauth({
      onAuthorizationUrl(url) {
        asked.push(url);
        return browse(url);
      },
    });
    const server = await connect({ type: 'http', url: first.url, auth });
    onTestFinished(() => server.close());
    first.ways.resourceMetadata = { authorization_servers: [second.issuer] };
    first.expireAll();
    // Its tokens are not good at the first server, so the call fails; what matters is what was sent.
    await refusal(server.call('good'));
    const [before, after] = asked.map((url) => url.searchParams.get('client_id'));
    expect(after).not.toBe(before);
    expect(JSON.stringify(second.seen)).not.toContain(before);
    expect(JSON.stringify(second.seen)).not.toMatch(/refresh-/);
  });
});

describe('secrets are in no error', () => {
  test('also when the token endpoint quotes all that it was sent', async ({ onTestFinished }) => {
    const protectedBy = await protectedServer(onTestFinished);
    const path = join(temporaryDirectory(onTestFinished), 'tokens.json');
    const store = fileTokenStore(path);
    const tokens = await loggedIn(store, protectedBy);
    protectedBy.expireAll();
    protectedBy.ways.refuses = 'invalid_request';
    const client = { id: 'own', secret: 'fake-secret', method: 'client_secret_post' } as const;
    const auth = oauth({ store, client, onAuthorizationUrl: browse });
    const error = await refusal(connect({ type: 'http', url: protectedBy.url, auth }));
    expect(error).toMatchObject({ details: { reason: 'token', error: 'invalid_request' } });
    const told = tellAll(error);
    expect(told).toContain('[secret]');
    const sent = protectedBy.seen.at(-1)?.form ?? {};
    const secrets = [...Object.values(tokens), 'fake-secret', sent['refresh_token'] ?? ''];
    for (const secret of secrets) expect(told).not.toContain(secret);
    // They were said: the words of the server had them.
    expect(sent).toMatchObject({
      refresh_token: tokens.refreshToken,
      client_secret: 'fake-secret',
    });
  });

  test('nor in that of a store that cannot be read', async ({ onTestFinished }) => {
    const protectedBy = await protectedServer(onTestFinished);
    const path = join(temporaryDirectory(onTestFinished), 'tokens.json');
    const { accessToken } = await loggedIn(fileTokenStore(path), protectedBy);
    writeFileSync(path, readFileSync(path, 'utf8').slice(0, -3));
    const auth = oauth({ store: path, client: { id: 'own' } });
    const error = await refusal(connect({ type: 'http', url: protectedBy.url, auth }));
    expect(error).toMatchObject({ details: { reason: 'store' } });
    expect(tellAll(error)).not.toContain(accessToken);
  });
});

/** All that a log could show of an error. */
function tellAll(error: unknown): string {
  if (!(error instanceof Error)) return JSON.stringify(error);
  const { message, stack, cause } = error;
  return [message, stack, JSON.stringify(error), tellAll(cause)].join('\n');
}
