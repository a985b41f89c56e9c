import { McpError } from '../mcp-error.js';
import type { HttpAuth } from '../transport/http-auth.js';
import type { AskPerson } from './authorization-code.js';
import { OAuthAuthorizer } from './authorizer.js';
import type { RegisteredClient } from './client.js';
import { fileTokenStore } from './file-token-store.js';
import type { OAuthGrant } from './grants.js';
import { memoryTokenStore, type TokenStore } from './token-store.js';

export interface OAuthOptions {
  /** Where tokens are kept: a path is that of one file (see `fileTokenStore`). Default: in memory. */
  readonly store?: string | TokenStore;
  /** Default: `{ type: 'authorization_code' }`. */
  readonly grant?: OAuthGrant;
  /**
   * Shows the address to a person, or opens it in their browser; it is `https:`, or on loopback. Default: nobody can
   * be asked, and a login that is wanted fails (`login`).
   */
  readonly onAuthorizationUrl?: AskPerson;
  /** A client that is registered already. Default: the client document, or a registration on the way. */
  readonly client?: RegisteredClient;
  /** Address of our client id metadata document, for authorization servers that read such. Must be `https:`. */
  readonly clientDocument?: string;
  /** By which authorization servers call us when we register. Default: `orch`. */
  readonly clientName?: string;
  /** Asked for, in place of what the server says that it wants. More is asked for when the server demands it. */
  readonly scopes?: readonly string[];
  /** On 127.0.0.1, for the answer of the browser. Default: any free one, the same again if that is possible. */
  readonly redirectPort?: number;
  /** How long a person may take to log in. Default 300,000. */
  readonly loginMs?: number;
  /**
   * Tokens that are bound to a key (RFC 9449). `offered`, the default: when server and authorization server both say
   * that they take them. `required`: others are refused.
   */
  readonly dpop?: 'offered' | 'required' | 'never';
  /** Hosts (`name` or `name:port`) that may be in a private network though the server is not. */
  readonly trustedHosts?: readonly string[];
}

const keys: ReadonlySet<string> = new Set<keyof OAuthOptions>([
  'store',
  'grant',
  'onAuthorizationUrl',
  'client',
  'clientDocument',
  'clientName',
  'scopes',
  'redirectPort',
  'loginMs',
  'dpop',
  'trustedHosts',
]);

function refuse(what: string, expected: string): never {
  throw new McpError('ORCH_MCP_SPEC', `The option ${what} of oauth() must be ${expected}.`, {
    details: { what },
  });
}

/**
 * Authorizes the requests to a server by OAuth 2.1, as the MCP specification wants it; given as a server's `auth`.
 * One can be given to several servers; each has its own tokens.
 *
 * Throws `ORCH_MCP_SPEC` for options that are not valid. What fails later fails the calls, as `ORCH_MCP_OAUTH` with a
 * `details.reason` (`OAuthFailure`).
 */
export function oauth(options: OAuthOptions = {}): HttpAuth {
  check(options);
  const { store = memoryTokenStore(), grant = { type: 'authorization_code' } } = options;
  const { client, clientDocument, clientName = 'orch', scopes, redirectPort = 0 } = options;
  const { loginMs = 300_000, dpop = 'offered', trustedHosts = [], onAuthorizationUrl } = options;
  const opened = typeof store === 'string' ? fileTokenStore(store) : store;
  return {
    forServer: ({ name, url }) =>
      new OAuthAuthorizer({
        name,
        url,
        store: opened,
        grant,
        ask: onAuthorizationUrl,
        client,
        clientDocument,
        clientName,
        scopes,
        redirectPort,
        loginMs,
        dpop,
        trustedHosts,
      }),
  };
}

function check(options: OAuthOptions): void {
  for (const key of Object.keys(options))
    if (!keys.has(key)) refuse(key, 'left out: there is none');
  const { grant, client, clientDocument, scopes, redirectPort = 0, loginMs = 1, store } = options;
  const { dpop = 'offered' } = options;
  if (store === '') refuse('store', 'a path or a TokenStore');
  const types = ['authorization_code', 'client_credentials', 'jwt_bearer'];
  if (grant !== undefined && !types.includes(grant.type))
    refuse('grant', `one of ${types.join(', ')}`);
  if (
    grant?.type === 'client_credentials' &&
    client?.secret === undefined &&
    client?.privateKey === undefined
  )
    refuse('client', 'given with a secret or a privateKey for the grant client_credentials');
  if (client !== undefined) checkClient(client);
  if (clientDocument !== undefined) {
    const url = URL.canParse(clientDocument) ? new URL(clientDocument) : undefined;
    if (url?.protocol !== 'https:' || url.pathname === '/' || url.hash !== '')
      refuse('clientDocument', 'an https: address with a path');
  }
  if (scopes?.some((scope) => !/^[\x21\x23-\x5b\x5d-\x7e]+$/.test(scope)) === true)
    refuse('scopes', 'a list of scopes, each without spaces');
  if (!(Number.isInteger(redirectPort) && redirectPort >= 0 && redirectPort <= 65_535))
    refuse('redirectPort', 'a port');
  if (!(loginMs >= 1 && loginMs < 2 ** 31))
    refuse('loginMs', 'a number of ms from 1 to 2147483647');
  if (!['offered', 'required', 'never'].includes(dpop))
    refuse('dpop', '"offered", "required" or "never"');
}

function checkClient({ id, secret, privateKey, method }: RegisteredClient): void {
  if (typeof (id as unknown) !== 'string' || id === '') refuse('client.id', 'text');
  if (secret !== undefined && privateKey !== undefined)
    refuse('client', 'given with a secret or with a privateKey, not with both');
  const isBySecret = method === 'client_secret_basic' || method === 'client_secret_post';
  if (isBySecret && secret === undefined) refuse('client.secret', `given for ${method}`);
  if (method === 'private_key_jwt' && privateKey === undefined)
    refuse('client.privateKey', `given for ${method}`);
}
