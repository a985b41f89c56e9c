import { authenticateClient, type Client } from './client.js';
import type { AuthorizationServer } from './discovery.js';
import type { Guard } from './guarded-request.js';
import { oauthError, quote } from './oauth-error.js';

export interface RevocationRequest {
  readonly guard: Guard;
  readonly server: AuthorizationServer;
  readonly client: Client;
  /** By their kinds, the one first that the others come from. */
  readonly tokens: readonly (readonly ['refresh_token' | 'access_token', string])[];
  readonly signal: AbortSignal;
}

/** Tells the authorization server that tokens are not to be good any more (RFC 7009). Rejects if it does not say yes. */
export async function revokeTokens(request: RevocationRequest): Promise<void> {
  const { guard, server, client, tokens, signal } = request;
  const { issuer, revocationEndpoint } = server;
  if (revocationEndpoint === undefined)
    throw oauthError('metadata', `${quote(issuer)} names no revocation_endpoint.`);
  for (const [kind, token] of tokens) {
    const known = await authenticateClient(client, issuer);
    const { status } = await guard.request(revocationEndpoint, {
      what: 'The revocation endpoint',
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded', ...known.headers },
      body: new URLSearchParams({ token, token_type_hint: kind, ...known.form }).toString(),
      signal,
    });
    if (status !== 200)
      throw oauthError('token', `The revocation endpoint of ${quote(issuer)} answered ${status}.`, {
        details: { status, issuer },
      });
  }
}
