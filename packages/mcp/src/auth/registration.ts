import {
  givenClient,
  type Client,
  type ClientAuthMethod,
  type RegisteredClient,
} from './client.js';
import { parseObject, type AuthorizationServer } from './discovery.js';
import type { Guard } from './guarded-request.js';
import { oauthError, quote } from './oauth-error.js';
import type { TokenStore } from './token-store.js';

export interface ClientChoice {
  readonly store: TokenStore;
  readonly guard: Guard;
  /** The MCP server that all this is for. */
  readonly mcpServer: string;
  readonly server: AuthorizationServer;
  readonly given: RegisteredClient | undefined;
  readonly documentUrl: string | undefined;
  readonly clientName: string;
  /** Undefined: nobody is redirected, so the client can only be given. */
  readonly redirectUri: string | undefined;
  readonly boundTokens: boolean;
  readonly signal: AbortSignal;
}

/**
 * The client for this authorization server: the one that was given, or its own document, or the one that registered
 * here before, or a new registration. What one issuer knows is never shown to another.
 */
export async function chooseClient(choice: ClientChoice): Promise<Client> {
  const { given, documentUrl, server, store, redirectUri } = choice;
  if (given !== undefined) {
    await requireIssuer(choice, given);
    return givenClient(given, server.authMethods);
  }
  if (documentUrl !== undefined && server.takesClientDocuments)
    return { id: documentUrl, method: 'none' };
  if (redirectUri === undefined)
    throw oauthError(
      'client',
      'This grant needs a client that is registered: give its id in client.',
    );
  return store.exclusively(
    keyOf(server.issuer),
    async () => {
      const kept = await readRegistration(store, server.issuer);
      if (kept?.redirectUri === redirectUri) return kept.client;
      return register(choice, redirectUri);
    },
    choice.signal,
  );
}

/** As `chooseClient`, but only what is known already: nothing is registered. */
export async function knownClient(choice: ClientChoice): Promise<Client | undefined> {
  const { given, documentUrl, server, store } = choice;
  if (given !== undefined || (documentUrl !== undefined && server.takesClientDocuments))
    return chooseClient(choice);
  return (await readRegistration(store, server.issuer))?.client;
}

/** Forgets what was registered at this issuer: it no longer knows it. */
export const forgetRegistration = (store: TokenStore, issuer: string): Promise<void> =>
  store.set(keyOf(issuer), undefined);

/** The port that answers were registered to go to, so that it can be used again. */
export async function registeredPort(
  store: TokenStore,
  issuer: string,
): Promise<number | undefined> {
  const kept = await readRegistration(store, issuer);
  return kept === undefined ? undefined : Number(new URL(kept.redirectUri).port);
}

async function requireIssuer(choice: ClientChoice, given: RegisteredClient): Promise<void> {
  const { store, server, mcpServer } = choice;
  const key = `issuer of ${given.id} for ${mcpServer}`;
  const known = given.issuer ?? (await store.get(key));
  if (known === undefined) await store.set(key, server.issuer);
  else if (known !== server.issuer)
    throw oauthError(
      'issuer',
      `The client ${quote(given.id)} is registered at ${quote(known)}, but the server now names ${quote(server.issuer)} as its authorization server, so the client was not shown to it. If the server moved, register there and give that client${given.issuer === undefined ? ' another id' : ''}.`,
      { details: { issuer: server.issuer, expected: known } },
    );
}

interface Registration {
  readonly client: Client;
  readonly redirectUri: string;
}

const keyOf = (issuer: string): string => `client of ${issuer}`;

const methods: readonly string[] = ['none', 'client_secret_basic', 'client_secret_post'];

const isMethod = (value: unknown): value is ClientAuthMethod =>
  typeof value === 'string' && methods.includes(value);

async function readRegistration(
  store: TokenStore,
  issuer: string,
): Promise<Registration | undefined> {
  const value = parseObject((await store.get(keyOf(issuer))) ?? '');
  const { id, secret, method, redirectUri, expiresAtMs } = value ?? {};
  if (value?.['issuer'] !== issuer || typeof id !== 'string' || !isMethod(method)) return undefined;
  if (typeof redirectUri !== 'string' || !URL.canParse(redirectUri)) return undefined;
  if (typeof expiresAtMs === 'number' && expiresAtMs <= Date.now()) return undefined;
  return { client: { id, method, ...(typeof secret === 'string' && { secret }) }, redirectUri };
}

/** RFC 7591. A native client is public, unless the authorization server knows no such client. */
async function register(choice: ClientChoice, redirectUri: string): Promise<Client> {
  const { guard, server, clientName, store, signal, boundTokens } = choice;
  const { issuer, registrationEndpoint, authMethods = ['none'] } = server;
  if (registrationEndpoint === undefined)
    throw oauthError(
      'client',
      `${quote(issuer)} registers no clients by itself. Register one there, and give its id in client.`,
    );
  const asked = methods.find((one) => authMethods.includes(one)) ?? 'none';
  const answer = await guard.request(registrationEndpoint, {
    what: 'The registration endpoint',
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      client_name: clientName,
      redirect_uris: [redirectUri],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: asked,
      application_type: 'native',
      ...(boundTokens && { dpop_bound_access_tokens: true }),
    }),
    signal,
  });
  const said = parseObject(answer.body);
  const { client_id, client_secret, client_secret_expires_at, token_endpoint_auth_method } =
    said ?? {};
  if (answer.status < 200 || answer.status > 299 || typeof client_id !== 'string') {
    const why = [said?.['error'], said?.['error_description']].filter(
      (one) => typeof one === 'string',
    );
    throw oauthError(
      'client',
      `${quote(issuer)} did not register this client (${answer.status}${why.length === 0 ? '' : `, ${quote(why.join(': '))}`}) with ${redirectUri}. Register one there by hand, and give its id in client.`,
      { details: { status: answer.status } },
    );
  }
  const method = token_endpoint_auth_method ?? asked;
  if (!isMethod(method))
    throw oauthError(
      'client',
      `${quote(issuer)} registered this client to make itself known by ${quote(JSON.stringify(method))}, which was not asked for.`,
    );
  const client: Client = {
    id: client_id,
    method,
    ...(typeof client_secret === 'string' && { secret: client_secret }),
  };
  const expires = typeof client_secret_expires_at === 'number' ? client_secret_expires_at : 0;
  const kept = {
    issuer,
    ...client,
    redirectUri,
    ...(expires > 0 && { expiresAtMs: expires * 1000 }),
  };
  await store.set(keyOf(issuer), JSON.stringify(kept));
  return client;
}
