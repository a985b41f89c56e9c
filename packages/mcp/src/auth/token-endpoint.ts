import type { JsonObject } from '../json.js';
import { authenticateClient, type Client } from './client.js';
import { splitScope } from './challenge.js';
import { parseObject, type AuthorizationServer } from './discovery.js';
import type { DpopKey, DpopNonces } from './dpop.js';
import type { Guard, GuardedAnswer } from './guarded-request.js';
import { oauthError, quote } from './oauth-error.js';

/** What the token endpoint gave. */
export interface TokenAnswer {
  readonly accessToken: string;
  readonly tokenType: 'Bearer' | 'DPoP';
  readonly expiresAtMs: number | undefined;
  readonly refreshToken: string | undefined;
  /** Undefined: it does not say, so it is what was asked for. */
  readonly scopes: readonly string[] | undefined;
}

export interface TokenRequest {
  readonly guard: Guard;
  readonly server: AuthorizationServer;
  readonly client: Client;
  /** The grant and its parameters. */
  readonly form: Readonly<Record<string, string>>;
  readonly dpop: { readonly key: DpopKey; readonly nonces: DpopNonces } | undefined;
  readonly signal: AbortSignal;
}

/** Fields of a form that are not for other eyes. */
const confidential = ['code', 'code_verifier', 'refresh_token', 'assertion', 'subject_token'];

/** Asks for tokens. Rejects with `token` when it is refused; then no other way is tried. */
export async function requestTokens(request: TokenRequest): Promise<TokenAnswer> {
  const { server, client, form, dpop } = request;
  const endpoint = new URL(server.tokenEndpoint);
  let answer = await ask(request, endpoint);
  let said = parseObject(answer.body);
  // RFC 9449, 8: refused only for want of the nonce that comes with it.
  if (
    dpop !== undefined &&
    dpop.nonces.note(endpoint, answer.headers['dpop-nonce']) &&
    said?.['error'] === 'use_dpop_nonce'
  ) {
    answer = await ask(request, endpoint);
    said = parseObject(answer.body);
    dpop.nonces.note(endpoint, answer.headers['dpop-nonce']);
  }
  const secrets = [client.secret, ...confidential.map((name) => form[name])];
  if (answer.status !== 200 || said?.['error'] !== undefined)
    throw refused(server, answer, said, secrets);
  return readTokens(server, said);
}

async function ask(request: TokenRequest, endpoint: URL): Promise<GuardedAnswer> {
  const { guard, server, client, dpop, signal } = request;
  const known = await authenticateClient(client, server.issuer);
  const proof = dpop && (await dpop.nonces.prove(dpop.key, { method: 'POST', url: endpoint }));
  return guard.request(endpoint.href, {
    what: 'The token endpoint',
    method: 'POST',
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      ...known.headers,
      ...(proof !== undefined && { dpop: proof }),
    },
    body: new URLSearchParams({ ...request.form, ...known.form }).toString(),
    signal,
  });
}

function refused(
  server: AuthorizationServer,
  { status }: GuardedAnswer,
  said: JsonObject | undefined,
  secrets: readonly (string | undefined)[],
): Error {
  const word = (name: string): string | undefined => {
    const value = said?.[name];
    return typeof value === 'string' ? quote(value, secrets) : undefined;
  };
  const error = word('error');
  const why = [error, word('error_description')].filter((one) => one !== undefined).join(': ');
  return oauthError(
    'token',
    `The token endpoint of ${quote(server.issuer)} answered ${status}${why === '' ? '' : `, ${why}`}. Nothing else was tried.`,
    { details: { status, ...(error !== undefined && { error }), issuer: server.issuer } },
  );
}

function readTokens(server: AuthorizationServer, said: JsonObject | undefined): TokenAnswer {
  const { access_token, token_type, expires_in, refresh_token, scope } = said ?? {};
  // What is put into a header is checked before it is kept.
  const type = typeof token_type === 'string' ? token_type.toLowerCase() : '';
  if (typeof access_token !== 'string' || !/^[\x21-\x7e]+$/.test(access_token))
    throw oauthError('metadata', `The token endpoint of ${quote(server.issuer)} gave no token.`);
  if (type !== 'bearer' && type !== 'dpop')
    throw oauthError(
      'metadata',
      `The token endpoint of ${quote(server.issuer)} gave a token of the type ${quote(type)}, and not Bearer or DPoP.`,
    );
  const seconds = typeof expires_in === 'string' ? Number(expires_in) : expires_in;
  return {
    accessToken: access_token,
    tokenType: type === 'dpop' ? 'DPoP' : 'Bearer',
    expiresAtMs:
      typeof seconds === 'number' && seconds > 0 ? Date.now() + seconds * 1000 : undefined,
    refreshToken: typeof refresh_token === 'string' ? refresh_token : undefined,
    scopes: typeof scope === 'string' ? splitScope(scope) : undefined,
  };
}
