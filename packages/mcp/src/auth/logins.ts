import { McpError } from '../mcp-error.js';
import { zoneOfAddress } from '../network/address-zone.js';
import type { HttpAuth } from '../transport/http-auth.js';
import type { AskPerson } from './authorization-code.js';
import { readCredential, type Credential } from './credential.js';
import { canonicalResource, discoverAuthorizationServer } from './discovery.js';
import { fileTokenStore } from './file-token-store.js';
import { Guard } from './guarded-request.js';
import { forgetTerms, keepTerms, readTerms, tokensOf, type LoginTerms } from './login-terms.js';
import { oauth } from './oauth.js';
import { oauthError, quote } from './oauth-error.js';
import { knownClient } from './registration.js';
import { revokeTokens } from './revocation.js';
import { StoredLogin } from './stored-login.js';
import type { TokenStore } from './token-store.js';

/** How somebody logs in. */
export interface LoginRequest extends Omit<LoginTerms, 'server'> {
  /** Shows the address to a person. Not needed for `client_credentials`. */
  readonly onAuthorizationUrl?: AskPerson;
  /** On 127.0.0.1, for the answer of the browser. Default: any free one. */
  readonly redirectPort?: number;
  /** How long a person may take. Default 300,000. */
  readonly loginMs?: number;
}

/** What is known of a login; no secret is in it. */
export interface Login {
  readonly server: string;
  readonly issuer: string;
  readonly grant: LoginTerms['grant'];
  readonly scopes: readonly string[];
  /** Undefined: not known. */
  readonly expiresAtMs?: number;
  /** New tokens can be got without a person. */
  readonly renews: boolean;
}

/** A login that was forgotten, and whether the authorization server takes its tokens no more. */
export interface EndedLogin extends Login {
  readonly revoked: boolean;
  /** Why it is not known to. */
  readonly why?: string;
}

/** The logins of a user at servers, by the servers' addresses. All methods reject with `ORCH_MCP_OAUTH`. */
export interface Logins {
  /**
   * Authorizes requests by the logins that are kept, and renews their tokens. Where there is none, or it is no longer
   * good, a request fails with the reason `login`, and with `todo` in its words.
   */
  stored(todo: (server: { readonly name: string }, scopes: readonly string[]) => string): HttpAuth;
  /** Logs in anew when the server asks for it, whatever is kept; what was kept is replaced then, and not before. */
  begin(request: LoginRequest): HttpAuth;
  /** Undefined: nobody is logged in there. */
  find(url: URL): Promise<Login | undefined>;
  /** Forgets a login, and then tells the authorization server. Undefined: there was none. */
  end(url: URL, signal?: AbortSignal): Promise<EndedLogin | undefined>;
}

/** Opens the logins in a store; a path is that of one file (see `fileTokenStore`). */
export function openLogins(store: string | TokenStore): Logins {
  const opened = typeof store === 'string' ? fileTokenStore(store) : store;

  async function kept(
    url: URL,
  ): Promise<{ readonly terms: LoginTerms; readonly credential: Credential } | undefined> {
    const server = canonicalResource(url);
    const terms = await readTerms(opened, server);
    const text = terms && (await opened.get(tokensOf(terms)));
    const credential = readCredential(text, server);
    return terms && credential && { terms, credential };
  }

  return {
    stored: (todo) => ({
      forServer(server) {
        const { name, url } = server;
        return new StoredLogin({
          name,
          todo: (scopes) => todo(server, scopes),
          async open() {
            const terms = await readTerms(opened, canonicalResource(url));
            return terms && oauth({ ...withoutServer(terms), store: opened }).forServer(server);
          },
        });
      },
    }),
    begin({ grant, client, scopes, ...person }) {
      const terms = { grant, ...(client && { client }), ...(scopes && { scopes }) };
      return {
        forServer(server) {
          const own = { ...terms, server: canonicalResource(server.url) };
          const anew = beginningAnew(opened, own);
          return oauth({ ...withoutServer(own), ...person, store: anew }).forServer(server);
        },
      };
    },
    async find(url) {
      const found = await kept(url);
      return found && describe(found.terms, found.credential);
    },
    async end(url, signal = new AbortController().signal) {
      const terms = await readTerms(opened, canonicalResource(url));
      if (terms === undefined) return undefined;
      const key = tokensOf(terms);
      // Whoever refreshes now would put back what is taken away.
      const credential = await opened.exclusively(
        key,
        async () => {
          const text = await opened.get(key);
          await opened.set(key, undefined);
          await forgetTerms(opened, terms.server);
          return readCredential(text, terms.server);
        },
        signal,
      );
      if (credential === undefined) return undefined;
      const login = describe(terms, credential);
      try {
        await revoke(opened, terms, credential, signal);
        return { ...login, revoked: true };
      } catch (error) {
        if (!McpError.isInstance(error)) throw error;
        return { ...login, revoked: false, why: error.message };
      }
    },
  };
}

const withoutServer = ({ grant, client, scopes }: LoginTerms) => ({
  grant: { type: grant },
  ...(client && { client }),
  ...(scopes && { scopes }),
});

const describe = ({ server, grant }: LoginTerms, credential: Credential): Login => {
  const { issuer, scopes, expiresAtMs, refreshToken } = credential;
  const renews = grant === 'client_credentials' || refreshToken !== undefined;
  return { server, issuer, grant, scopes, renews, ...(expiresAtMs && { expiresAtMs }) };
};

/** The store as if nobody had logged in yet. With the first tokens, the terms are kept, and older ones go. */
function beginningAnew(store: TokenStore, terms: LoginTerms): TokenStore {
  const key = tokensOf(terms);
  let isBegun = false;
  return {
    get: (one) => (one === key && !isBegun ? Promise.resolve(undefined) : store.get(one)),
    async set(one, value) {
      if (one === key && value !== undefined && !isBegun) {
        const before = await readTerms(store, terms.server);
        isBegun = true;
        await store.set(key, value);
        await keepTerms(store, terms);
        if (before !== undefined && tokensOf(before) !== key)
          await store.set(tokensOf(before), undefined);
      } else await store.set(one, value);
    },
    exclusively: (one, work, signal) => store.exclusively(one, work, signal),
  };
}

async function revoke(
  store: TokenStore,
  terms: LoginTerms,
  { server: mcpServer, issuer, accessToken, refreshToken }: Credential,
  signal: AbortSignal,
): Promise<void> {
  const serverZone = zoneOfAddress(new URL(mcpServer));
  const guard = new Guard({ serverZone, trustedHosts: [] });
  const server = await discoverAuthorizationServer(guard, issuer, signal);
  if (server === undefined) throw oauthError('metadata', `${quote(issuer)} has no metadata.`);
  const client = await knownClient({
    store,
    guard,
    mcpServer,
    server,
    given: terms.client,
    documentUrl: undefined,
    clientName: '',
    redirectUri: undefined,
    boundTokens: false,
    signal,
  });
  if (client === undefined)
    throw oauthError('client', `What was registered at ${quote(issuer)} is not known any more.`);
  const tokens = [
    ...(refreshToken === undefined ? [] : [['refresh_token', refreshToken] as const]),
    ['access_token', accessToken] as const,
  ];
  await revokeTokens({ guard, server, client, tokens, signal });
}
