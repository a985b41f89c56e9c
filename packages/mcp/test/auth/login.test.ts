import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { expect, test } from 'vitest';
import { oauth, type OAuthOptions } from '../../src/auth/index.js';
import { connect, type McpServer } from '../../src/index.js';
import { handlesLeft, openHandles, refusal, type Cleanup } from '../scene.js';
import {
  browse,
  protectedServer,
  startProtectedServer,
  type ProtectedServer,
  type Ways,
} from './protected-server.js';

/** With a browser that is sent, and counts how often. */
function login({ url }: ProtectedServer, options: OAuthOptions = {}, startMs = 30_000) {
  const asked: URL[] = [];
  const onAuthorizationUrl = async (address: URL): Promise<void> => {
    asked.push(address);
    await browse(address);
  };
  const auth = oauth({ onAuthorizationUrl, ...options });
  return { asked, connecting: connect({ type: 'http', url, auth, startMs }) };
}

async function connected(
  onTestFinished: Cleanup,
  protectedBy: ProtectedServer,
  options: OAuthOptions = {},
): Promise<{ server: McpServer; asked: readonly URL[] }> {
  const { asked, connecting } = login(protectedBy, options);
  const server = await connecting;
  onTestFinished(() => server.close());
  return { server, asked };
}

const tokenRequests = ({ seen }: ProtectedServer): number =>
  seen.filter(({ path }) => path === '/token').length;

test('a person logs in once, and every request carries the token', async ({ onTestFinished }) => {
  const before = openHandles();
  const protectedBy = await startProtectedServer({ scopes: ['read'] });
  const { server, asked } = await connected(onTestFinished, protectedBy);
  expect((await server.call('good')).text).toBe('well');
  expect(asked).toHaveLength(1);
  expect(Object.fromEntries(asked[0]?.searchParams ?? [])).toMatchObject({
    response_type: 'code',
    code_challenge_method: 'S256',
    resource: protectedBy.url,
    scope: 'read',
  });
  const token = protectedBy.seen.find(({ path }) => path === '/token');
  expect(token?.form).toMatchObject({
    grant_type: 'authorization_code',
    resource: protectedBy.url,
  });
  expect(new Set(protectedBy.shown).size).toBe(1);
  await server.close();
  await protectedBy.close();
  expect(await handlesLeft(before)).toEqual({});
});

test('without auth, and where nobody can be asked, nothing is sent to the authorization server', async ({
  onTestFinished,
}) => {
  const protectedBy = await protectedServer(onTestFinished);
  const plain = await refusal(connect({ type: 'http', url: protectedBy.url }));
  expect(plain).toMatchObject({ code: 'ORCH_MCP_AUTH', details: { status: 401 } });
  expect(protectedBy.seen).toEqual([]);
  const auth = oauth();
  const alone = await refusal(connect({ type: 'http', url: protectedBy.url, auth }));
  expect(alone).toMatchObject({ code: 'ORCH_MCP_OAUTH', details: { reason: 'login' } });
  expect(protectedBy.seen.map(({ path }) => path)).toEqual([
    '/.well-known/oauth-authorization-server',
  ]);
});

test('the time of a person is not the time of the server', async ({ onTestFinished }) => {
  const protectedBy = await protectedServer(onTestFinished);
  const slowly = async (url: URL): Promise<void> => {
    await new Promise((resolve) => setTimeout(resolve, 3000));
    await browse(url);
  };
  const { connecting } = login(protectedBy, { onAuthorizationUrl: slowly }, 2500);
  const server = await connecting;
  expect((await server.call('good')).text).toBe('well');
  await server.close();
});

test('who gives up leaves no login behind', async () => {
  const before = openHandles();
  const protectedBy = await startProtectedServer();
  const abort = new AbortController();
  let address: URL | undefined;
  const auth = oauth({
    onAuthorizationUrl(url) {
      address = url;
      abort.abort();
    },
  });
  const options = { signal: abort.signal };
  expect(
    await refusal(connect({ type: 'http', url: protectedBy.url, auth }, options)),
  ).toMatchObject({ code: 'ORCH_MCP_CANCELLED' });
  await protectedBy.close();
  expect(await handlesLeft(before)).toEqual({});
  await expect(fetch(address?.searchParams.get('redirect_uri') ?? '')).rejects.toThrow();
});

test('a login that nobody answers ends in its time', async ({ onTestFinished }) => {
  const protectedBy = await protectedServer(onTestFinished);
  const { connecting } = login(protectedBy, {
    loginMs: 200,
    onAuthorizationUrl: () => undefined,
  });
  expect(await refusal(connecting)).toMatchObject({
    code: 'ORCH_MCP_OAUTH',
    details: { reason: 'login' },
  });
});

test('an answer to another login is refused, and the right one is still taken', async ({
  onTestFinished,
}) => {
  const protectedBy = await protectedServer(onTestFinished);
  const forged: number[] = [];
  const { server } = await connected(onTestFinished, protectedBy, {
    async onAuthorizationUrl(url) {
      const back = new URL(url.searchParams.get('redirect_uri') ?? '');
      const { length = 0 } = url.searchParams.get('state') ?? {};
      for (const state of ['', 'x', 'x'.repeat(length), 'é'.repeat(length)]) {
        back.search = new URLSearchParams({
          code: 'stolen',
          state,
          iss: protectedBy.issuer,
        }).toString();
        forged.push((await fetch(back)).status);
      }
      // No address at all, which only a program asks for.
      const [response] = (await once(get({ port: back.port, path: '//' }), 'response')) as [
        IncomingMessage,
      ];
      forged.push(response.resume().statusCode ?? 0);
      await browse(url);
    },
  });
  expect(forged).toEqual([400, 400, 400, 400, 404]);
  expect(tokenRequests(protectedBy)).toBe(1);
  expect(protectedBy.seen.some(({ form }) => form['code'] === 'stolen')).toBe(false);
  expect((await server.call('good')).text).toBe('well');
});

test.for<[string, Partial<Ways>]>([
  ['names another issuer', { iss: 'https://evil.example' }],
  [
    'names another issuer, where none is promised',
    { iss: 'https://evil.example', advertisesIssuer: false },
  ],
  ['names none, where one is promised', { iss: null }],
])('an answer that %s is not used', async ([, ways], { onTestFinished }) => {
  const protectedBy = await protectedServer(onTestFinished, ways);
  const { asked, connecting } = login(protectedBy);
  expect(await refusal(connecting)).toMatchObject({ details: { reason: 'issuer' } });
  expect(asked).toHaveLength(1);
  expect(tokenRequests(protectedBy)).toBe(0);
});

test('what an answer of another issuer says is not shown; what the right one says is', async ({
  onTestFinished,
}) => {
  const protectedBy = await protectedServer(onTestFinished, { denies: 'access_denied' });
  const own = await refusal(login(protectedBy).connecting);
  expect(own).toMatchObject({ details: { reason: 'denied', error: 'access_denied' } });
  expect(own.message).toContain('words of the issuer');
  protectedBy.ways.iss = 'https://evil.example';
  const foreign = await refusal(login(protectedBy).connecting);
  expect(foreign).toMatchObject({ details: { reason: 'issuer' } });
  expect(foreign.message).not.toContain('words of the issuer');
});

test('nobody is sent to an authorization server that does not say that it takes S256', async ({
  onTestFinished,
}) => {
  const protectedBy = await protectedServer(onTestFinished, { advertisesS256: false });
  const { asked, connecting } = login(protectedBy);
  expect(await refusal(connecting)).toMatchObject({ details: { reason: 'pkce' } });
  expect(asked).toEqual([]);
});

test('more is asked for when a call needs it, with what was given before, and not without end', async ({
  onTestFinished,
}) => {
  const protectedBy = await protectedServer(onTestFinished, {
    scopes: ['read'],
    callScopes: ['write'],
  });
  const { server, asked } = await connected(onTestFinished, protectedBy);
  const results = await Promise.all(Array.from({ length: 5 }, () => server.call('good')));
  expect(results.map(({ text }) => text)).toEqual(Array(5).fill('well'));
  expect(asked.map((url) => url.searchParams.get('scope'))).toEqual(['read', 'read write']);
  protectedBy.ways.callScopes = ['never'];
  // It is given the scope and refused all the same: as if the token had none.
  const stubborn = await refusal(
    (async () => {
      for (;;) {
        await server.call('good');
        protectedBy.ways.callScopes = ['never', 'write'];
        protectedBy.expireAll();
        protectedBy.ways.rejectsAll = true;
      }
    })(),
  );
  expect(stubborn.code).toBe('ORCH_MCP_AUTH');
  expect(asked.length).toBeLessThanOrEqual(6);
});

test('two servers that share one auth have their own tokens', async ({ onTestFinished }) => {
  const one = await protectedServer(onTestFinished);
  const two = await protectedServer(onTestFinished);
  const auth = oauth({ onAuthorizationUrl: browse });
  for (const { url } of [one, two]) {
    const server = await connect({ type: 'http', url, auth });
    onTestFinished(() => server.close());
    expect((await server.call('good')).text).toBe('well');
  }
  expect(one.shown.filter((token) => two.shown.includes(token))).toEqual([]);
});

test('a client acts for itself, by its secret, and logs in nobody', async ({ onTestFinished }) => {
  const protectedBy = await protectedServer(onTestFinished, { scopes: ['read'] });
  const { server, asked } = await connected(onTestFinished, protectedBy, {
    grant: { type: 'client_credentials' },
    client: { id: 'robot:1', secret: 'fake secret%' },
  });
  expect((await server.call('good')).text).toBe('well');
  expect(asked).toEqual([]);
  const request = protectedBy.seen.find(({ path }) => path === '/token');
  const pair = Buffer.from(request?.authorization?.slice(6) ?? '', 'base64').toString();
  expect(pair).toBe('robot%3A1:fake+secret%25');
});
