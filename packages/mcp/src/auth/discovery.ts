import { excerpt, isJsonObject, type Json, type JsonObject } from '../json.js';
import type { Guard } from './guarded-request.js';
import { oauthError } from './oauth-error.js';

/** What a server says of itself as a protected resource (RFC 9728). */
export interface ProtectedResource {
  /** What tokens are asked for; exactly as the server writes it. */
  readonly resource: string;
  readonly issuers: readonly string[];
  readonly scopes: readonly string[] | undefined;
  readonly wantsDpop: boolean;
}

/** What an authorization server says of itself (RFC 8414, OpenID Connect Discovery 1.0). */
export interface AuthorizationServer {
  readonly issuer: string;
  readonly tokenEndpoint: string;
  readonly authorizationEndpoint: string | undefined;
  readonly registrationEndpoint: string | undefined;
  /** Where tokens are taken back (RFC 7009). */
  readonly revocationEndpoint: string | undefined;
  readonly scopes: readonly string[];
  /** Undefined: it does not say. */
  readonly authMethods: readonly string[] | undefined;
  readonly dpopAlgorithms: readonly string[];
  readonly knowsS256: boolean;
  /** Its answers always have `iss` (RFC 9207). */
  readonly sendsIssuer: boolean;
  readonly takesClientDocuments: boolean;
}

/**
 * The server's own address as RFC 8707 wants it: no fragment, and no path when there is none. Of a WebSocket it is the
 * address that is asked for the upgrade.
 */
export const canonicalResource = (url: URL): string => {
  const bare = new URL(url);
  bare.hash = '';
  bare.protocol = bare.protocol.replace(/^ws/, 'http');
  return bare.pathname === '/' && bare.search === '' ? bare.origin : bare.href;
};

/**
 * The metadata of the server: where its challenge says, or else at the well-known places, that of its path first.
 * Undefined when it has none there.
 */
export async function discoverResource(
  guard: Guard,
  server: URL,
  told: string | undefined,
  signal: AbortSignal,
): Promise<ProtectedResource | undefined> {
  const what = 'The metadata of the protected resource';
  const wellKnown = `${server.origin}/.well-known/oauth-protected-resource`;
  const path = server.pathname.replace(/\/$/, '');
  const places = told === undefined ? [...new Set([`${wellKnown}${path}`, wellKnown])] : [told];
  for (const place of places) {
    const document = await readDocument(guard, place, what, signal);
    if (document !== undefined) return readResource(document, server, place);
  }
  if (told === undefined) return undefined;
  throw oauthError('metadata', `${what} is not at ${excerpt(told)}, where the server says it is.`);
}

function readResource(document: JsonObject, server: URL, place: string): ProtectedResource {
  const { resource } = document;
  if (typeof resource !== 'string' || !isResourceOf(resource, server))
    throw oauthError(
      'resource',
      `The metadata at ${excerpt(place)} is of the resource ${typeof resource === 'string' ? excerpt(resource) : 'nothing'}, and not of ${excerpt(server.href)}. A token for it is not this server's, so none was asked for.`,
    );
  const issuers = texts(document['authorization_servers']);
  if (issuers === undefined || issuers.length === 0)
    throw oauthError(
      'metadata',
      `The metadata at ${excerpt(place)} names no authorization server.`,
    );
  return {
    resource,
    issuers,
    scopes: texts(document['scopes_supported']),
    wantsDpop: document['dpop_bound_access_tokens_required'] === true,
  };
}

/** The server itself, or what it is below of: the same origin, and a path that begins its own. */
function isResourceOf(resource: string, server: URL): boolean {
  if (!URL.canParse(resource)) return false;
  const url = new URL(resource);
  if (url.origin !== server.origin || url.hash !== '') return false;
  const below = url.pathname.endsWith('/') ? url.pathname : `${url.pathname}/`;
  return (
    `${server.pathname}/`.startsWith(below) && (url.search === '' || url.search === server.search)
  );
}

/**
 * The metadata of an authorization server, from the three places that the MCP specification names, in its order.
 * Undefined when it has none. Throws `issuer` when a document says that it is another's; with `anyOfOrigin`, nobody
 * named the issuer, and it may be any of this origin.
 */
export async function discoverAuthorizationServer(
  guard: Guard,
  issuer: string,
  signal: AbortSignal,
  anyOfOrigin = false,
): Promise<AuthorizationServer | undefined> {
  const url = guard.check(issuer, 'The authorization server');
  const path = url.pathname.replace(/\/$/, '');
  const { origin } = url;
  const places = [
    `${origin}/.well-known/oauth-authorization-server${path}`,
    `${origin}/.well-known/openid-configuration${path}`,
    ...(path === '' ? [] : [`${origin}${path}/.well-known/openid-configuration`]),
  ];
  for (const place of places) {
    const what = 'The metadata of the authorization server';
    const document = await readDocument(guard, place, what, signal);
    if (document === undefined) continue;
    const { issuer: said } = document;
    const isOfOrigin =
      typeof said === 'string' && URL.canParse(said) && new URL(said).origin === origin;
    const expected = anyOfOrigin && isOfOrigin ? said : issuer;
    return readAuthorizationServer(guard, document, expected, place);
  }
  return undefined;
}

function readAuthorizationServer(
  guard: Guard,
  document: JsonObject,
  issuer: string,
  place: string,
): AuthorizationServer {
  const { issuer: said } = document;
  if (said !== issuer)
    throw oauthError(
      'issuer',
      `The metadata at ${excerpt(place)} is of the issuer ${typeof said === 'string' ? excerpt(said) : 'nothing'}, and not of ${excerpt(issuer)}, so it was not used.`,
    );
  const endpoint = (name: string): string | undefined => {
    const address = document[name];
    if (address === undefined) return undefined;
    if (typeof address !== 'string')
      throw oauthError('metadata', `The ${name} of ${excerpt(issuer)} is no address.`);
    return guard.check(address, `The ${name} of ${excerpt(issuer)}`).href;
  };
  const tokenEndpoint = endpoint('token_endpoint');
  if (tokenEndpoint === undefined)
    throw oauthError('metadata', `${excerpt(issuer)} names no token_endpoint.`);
  return {
    issuer,
    tokenEndpoint,
    authorizationEndpoint: endpoint('authorization_endpoint'),
    registrationEndpoint: endpoint('registration_endpoint'),
    revocationEndpoint: endpoint('revocation_endpoint'),
    scopes: texts(document['scopes_supported']) ?? [],
    authMethods: texts(document['token_endpoint_auth_methods_supported']),
    dpopAlgorithms: texts(document['dpop_signing_alg_values_supported']) ?? [],
    knowsS256: texts(document['code_challenge_methods_supported'])?.includes('S256') === true,
    sendsIssuer: document['authorization_response_iss_parameter_supported'] === true,
    takesClientDocuments: document['client_id_metadata_document_supported'] === true,
  };
}

/**
 * Where servers of the specification of 2025-03-26 have their endpoints when they say nothing of them: at their own
 * origin. PKCE is used, and they are trusted to know it.
 */
export const assumedAuthorizationServer = (origin: string): AuthorizationServer => ({
  issuer: origin,
  tokenEndpoint: `${origin}/token`,
  authorizationEndpoint: `${origin}/authorize`,
  registrationEndpoint: `${origin}/register`,
  revocationEndpoint: undefined,
  scopes: [],
  authMethods: undefined,
  dpopAlgorithms: [],
  knowsS256: true,
  sendsIssuer: false,
  takesClientDocuments: false,
});

/** Undefined when there is none at this place; what is there and is none is an error. */
async function readDocument(
  guard: Guard,
  place: string,
  what: string,
  signal: AbortSignal,
): Promise<JsonObject | undefined> {
  const { status, body } = await guard.request(place, { what, signal });
  if (status >= 400 && status < 500) return undefined;
  if (status !== 200)
    throw oauthError('unreachable', `${what} was answered with ${status} by ${excerpt(place)}.`, {
      details: { status },
    });
  const document = parseObject(body);
  if (document === undefined)
    throw oauthError('metadata', `${what} at ${excerpt(place)} is no JSON object.`);
  return document;
}

export function parseObject(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

const texts = (value: Json | undefined): readonly string[] | undefined =>
  Array.isArray(value)
    ? (value as readonly Json[]).filter((one) => typeof one === 'string')
    : undefined;
