import { expect, test } from 'vitest';
import { memoryTokenStore, oauth } from '../../src/auth/index.js';
import { connect } from '../../src/index.js';
import { refusal } from '../scene.js';
import { browse, startProtectedServer } from './protected-server.js';

test('tokens are bound to a key, which is proven anew for each request, under nonces that end', async ({
  onTestFinished,
}) => {
  const protectedBy = await startProtectedServer({ dpop: true });
  onTestFinished(() => protectedBy.close());
  const store = memoryTokenStore();
  const auth = oauth({ store, onAuthorizationUrl: browse });
  const server = await connect({ type: 'http', url: protectedBy.url, auth });
  onTestFinished(() => server.close());
  for (let n = 0; n < 8; n += 1) expect((await server.call('good')).text).toBe('well');
  expect(protectedBy.given).toEqual({ authorization_code: 1 });
  // A refresh is proven by the same key: the authorization server demands it.
  protectedBy.expireAll();
  expect((await server.call('good')).text).toBe('well');
  expect(protectedBy.given).toEqual({ authorization_code: 1, refresh_token: 1 });
  // So is what another, later client finds in the store.
  const later = await connect({ type: 'http', url: protectedBy.url, auth: oauth({ store }) });
  onTestFinished(() => later.close());
  expect((await later.call('good')).text).toBe('well');
});

test('whoever wants bound tokens takes no others, and whoever wants none asks for none', async ({
  onTestFinished,
}) => {
  const plain = await startProtectedServer();
  onTestFinished(() => plain.close());
  const strict = oauth({ onAuthorizationUrl: browse, dpop: 'required' });
  const error = await refusal(connect({ type: 'http', url: plain.url, auth: strict }));
  expect(error).toMatchObject({ code: 'ORCH_MCP_OAUTH', details: { reason: 'metadata' } });
  expect(plain.shown).toEqual([]);

  const bound = await startProtectedServer({ dpop: true });
  onTestFinished(() => bound.close());
  const never = oauth({ onAuthorizationUrl: browse, dpop: 'never' });
  expect(await refusal(connect({ type: 'http', url: bound.url, auth: never }))).toMatchObject({
    details: { reason: 'token', error: 'invalid_dpop_proof' },
  });
});
