import { expect, test } from 'vitest';
import { memoryTokenStore, oauth, type OAuthOptions } from '../../src/auth/index.js';
import { connect, createMcpHub } from '../../src/index.js';
import { handlesLeft, openHandles, refusal } from '../scene.js';
import {
  browse,
  protectedServer,
  startProtectedServer,
  type ProtectedServer,
  type Ways,
} from './protected-server.js';

const over = ({ url }: ProtectedServer): string => url.replace(/^http/, 'ws');

/** With a browser that is sent, and counts how often. */
function login(of: ProtectedServer, options: OAuthOptions = {}, startMs = 30_000) {
  const asked: URL[] = [];
  const onAuthorizationUrl = async (address: URL): Promise<void> => {
    asked.push(address);
    await browse(address);
  };
  const auth = oauth({ onAuthorizationUrl, ...options });
  return { asked, connecting: connect({ type: 'ws', url: over(of), auth, startMs }) };
}

test('a person logs in when the upgrade is refused, and the next one carries the token', async () => {
  const before = openHandles();
  const protectedBy = await startProtectedServer({ scopes: ['read'] });
  const { asked, connecting } = login(protectedBy);
  const server = await connecting;
  expect((await server.call('good')).text).toBe('well');
  // For the resource that the upgrade is asked of.
  expect(asked.map((url) => url.searchParams.get('resource'))).toEqual([protectedBy.url]);
  expect(protectedBy.shown).toHaveLength(1);
  await server.close();
  await protectedBy.close();
  expect(await handlesLeft(before)).toEqual({});
});

test('without auth, and where nobody can be asked, nobody is', async ({ onTestFinished }) => {
  const protectedBy = await protectedServer(onTestFinished);
  const plain = await refusal(connect({ type: 'ws', url: over(protectedBy) }));
  expect(plain).toMatchObject({ code: 'ORCH_MCP_AUTH', details: { status: 401 } });
  expect(protectedBy.seen).toEqual([]);
  const alone = await refusal(connect({ type: 'ws', url: over(protectedBy), auth: oauth() }));
  expect(alone).toMatchObject({ code: 'ORCH_MCP_OAUTH', details: { reason: 'login' } });
  const both = { headers: { Authorization: 'Bearer x' }, auth: oauth() };
  expect(await refusal(connect({ type: 'ws', url: over(protectedBy), ...both }))).toMatchObject({
    code: 'ORCH_MCP_SPEC',
  });
});

test('a connection that is opened anew refreshes what has ended', async ({ onTestFinished }) => {
  const protectedBy = await protectedServer(onTestFinished);
  const asked: URL[] = [];
  const onAuthorizationUrl = async (url: URL): Promise<void> => {
    asked.push(url);
    await browse(url);
  };
  const auth = oauth({ store: memoryTokenStore(), onAuthorizationUrl });
  for (let round = 1; round <= 2; round += 1) {
    const hub = createMcpHub({ servers: { live: { type: 'ws', url: over(protectedBy), auth } } });
    onTestFinished(() => hub.close());
    expect((await hub.call('live__good')).text).toBe('well');
    await hub.close();
    protectedBy.expireAll();
  }
  expect(asked).toHaveLength(1);
  expect(protectedBy.given).toMatchObject({ authorization_code: 1, refresh_token: 1 });
});

test('tokens are bound to a key, proven for the upgrade', async ({ onTestFinished }) => {
  const protectedBy = await protectedServer(onTestFinished, {
    dpop: true,
    resourceMetadata: { dpop_bound_access_tokens_required: true },
  });
  const server = await login(protectedBy).connecting;
  onTestFinished(() => server.close());
  expect((await server.call('good')).text).toBe('well');
});

test('the time of a person is not the time of the server', async ({ onTestFinished }) => {
  const protectedBy = await protectedServer(onTestFinished);
  const slowly = async (url: URL): Promise<void> => {
    await new Promise((resolve) => setTimeout(resolve, 2500));
    await browse(url);
  };
  const server = await login(protectedBy, { onAuthorizationUrl: slowly }, 2000).connecting;
  expect((await server.call('good')).text).toBe('well');
  await server.close();
});

test('who gives up leaves no login and no upgrade behind', async () => {
  const before = openHandles();
  const protectedBy = await startProtectedServer();
  const abort = new AbortController();
  const auth = oauth({ onAuthorizationUrl: () => abort.abort() });
  const spec = { type: 'ws', url: over(protectedBy), auth } as const;
  expect(await refusal(connect(spec, { signal: abort.signal }))).toMatchObject({
    code: 'ORCH_MCP_CANCELLED',
  });
  await protectedBy.close();
  expect(await handlesLeft(before)).toEqual({});
});

test.for<[string, Partial<Ways>, string]>([
  ['of another issuer', { iss: 'https://evil.example' }, 'issuer'],
  ['that says no', { denies: 'access_denied' }, 'denied'],
])('an answer %s lets nobody in', async ([, ways, reason], { onTestFinished }) => {
  const protectedBy = await protectedServer(onTestFinished, ways);
  expect(await refusal(login(protectedBy).connecting)).toMatchObject({ details: { reason } });
  expect(protectedBy.shown).toEqual([]);
});

test('a token that is refused all the same is not sent without end', async ({ onTestFinished }) => {
  const protectedBy = await protectedServer(onTestFinished, { rejectsAll: true });
  const { asked, connecting } = login(protectedBy);
  expect(await refusal(connecting)).toMatchObject({
    code: 'ORCH_MCP_AUTH',
    details: { status: 401 },
  });
  expect(asked).toHaveLength(1);
});
