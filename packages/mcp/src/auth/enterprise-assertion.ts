import { authenticateClient, givenClient, type RegisteredClient } from './client.js';
import { parseObject } from './discovery.js';
import type { AssertionRequest } from './grants.js';
import { Guard } from './guarded-request.js';
import { oauthError, quote } from './oauth-error.js';

/** An enterprise's identity provider, and who is logged in there. */
export interface EnterpriseLogin {
  /** The token endpoint of the identity provider; you trust it, wherever it is. Must be `https:`, or on loopback. */
  readonly tokenEndpoint: string;
  /** Our client at the identity provider. */
  readonly client: RegisteredClient;
  /** The ID token of the person who is logged in. */
  readonly idToken: () => string | Promise<string>;
}

const idJag = 'urn:ietf:params:oauth:token-type:id-jag';

/**
 * The assertion of the grant `jwt_bearer` for enterprise-managed authorization: the identity provider exchanges a
 * person's ID token for one that the MCP server's authorization server takes (RFC 8693).
 */
export function enterpriseAssertion(
  login: EnterpriseLogin,
): (request: AssertionRequest) => Promise<string> {
  return async ({ issuer, resource, scopes, signal }) => {
    const { tokenEndpoint } = login;
    const { host } = new URL(tokenEndpoint);
    const guard = new Guard({ serverZone: 'public', trustedHosts: [host] });
    const known = await authenticateClient(givenClient(login.client, undefined), tokenEndpoint);
    const idToken = await login.idToken();
    const { status, body } = await guard.request(tokenEndpoint, {
      what: 'The identity provider',
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded', ...known.headers },
      body: new URLSearchParams({
        grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
        requested_token_type: idJag,
        audience: issuer,
        resource,
        ...(scopes.length > 0 && { scope: scopes.join(' ') }),
        subject_token: idToken,
        subject_token_type: 'urn:ietf:params:oauth:token-type:id_token',
        ...known.form,
      }).toString(),
      signal,
    });
    const said = parseObject(body);
    const { access_token, issued_token_type, error } = said ?? {};
    if (status !== 200 || typeof access_token !== 'string' || issued_token_type !== idJag) {
      const code = typeof error === 'string' ? quote(error, [idToken]) : undefined;
      throw oauthError(
        'token',
        `The identity provider at ${quote(host)} gave no assertion (${status}${code === undefined ? '' : `, ${code}`}).`,
        { details: { status, ...(code !== undefined && { error: code }) } },
      );
    }
    return access_token;
  };
}
