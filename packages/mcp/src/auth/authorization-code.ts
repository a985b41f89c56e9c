import { createHash, randomBytes } from 'node:crypto';
import type { Client } from './client.js';
import type { AuthorizationServer } from './discovery.js';
import type { DpopKey } from './dpop.js';
import { oauthError, quote } from './oauth-error.js';
import type { RedirectListener } from './redirect-listener.js';

/** Shows a person where to allow it, or opens it in their browser. */
export type AskPerson = (url: URL, of: { readonly server: string }) => void | Promise<void>;

export interface CodeRequest {
  /** The MCP server's name. */
  readonly name: string;
  readonly server: AuthorizationServer;
  readonly client: Client;
  readonly listener: RedirectListener;
  readonly resource: string;
  readonly scopes: readonly string[];
  readonly dpopKey: DpopKey | undefined;
  readonly ask: AskPerson;
  readonly waitMs: number;
  readonly signal: AbortSignal;
}

/** A code, with all that the token endpoint wants to see with it. */
export type CodeGrant = Readonly<Record<string, string>>;

/**
 * Sends a person to the authorization server and waits for the answer (OAuth 2.1 with PKCE). The answer is looked at
 * only after its `state` and its issuer (RFC 9207) were found to be right.
 */
export async function obtainCode(request: CodeRequest): Promise<CodeGrant> {
  const { server, client, listener, resource } = request;
  const { issuer, authorizationEndpoint } = server;
  if (authorizationEndpoint === undefined)
    throw oauthError('metadata', `${quote(issuer)} names no authorization_endpoint.`);
  if (!server.knowsS256)
    throw oauthError(
      'pkce',
      `${quote(issuer)} does not say that it takes S256 code challenges, without which a code could be stolen. Nobody was sent there.`,
    );
  const state = randomBytes(24).toString('base64url');
  const verifier = randomBytes(48).toString('base64url');
  const url = new URL(authorizationEndpoint);
  const parameters: Record<string, string | undefined> = {
    response_type: 'code',
    client_id: client.id,
    redirect_uri: listener.uri,
    state,
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
    resource,
    scope: request.scopes.length === 0 ? undefined : request.scopes.join(' '),
    // OpenID Connect Core, 11: without it, offline access may be left out silently.
    prompt: request.scopes.includes('offline_access') ? 'consent' : undefined,
    dpop_jkt: request.dpopKey?.thumbprint,
  };
  for (const [name, value] of Object.entries(parameters))
    if (value !== undefined) url.searchParams.set(name, value);
  const answer = await waitForAnswer(request, state, url);
  return {
    grant_type: 'authorization_code',
    code: readAnswer(server, answer),
    redirect_uri: listener.uri,
    code_verifier: verifier,
    resource,
  };
}

async function waitForAnswer(
  { name, listener, ask, waitMs, signal }: CodeRequest,
  state: string,
  url: URL,
): Promise<URLSearchParams> {
  const answer = listener.answer(state);
  let timer: NodeJS.Timeout | undefined;
  let stop = (): void => undefined;
  const inVain = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      const others = listener.refused();
      const more =
        others === 0 ? '' : ` ${others} answers that were not of this login were refused.`;
      reject(
        oauthError(
          'login',
          `Nobody answered the login for ${name} in ${waitMs} ms.${more} Call again to begin another.`,
        ),
      );
    }, waitMs);
    stop = () =>
      reject(oauthError('login', `The login for ${name} was given up: nobody waits for it.`));
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
  });
  inVain.catch(() => undefined);
  try {
    // It may show the answer to be there before it returns.
    const asked = showTo(ask, url, name).then(() => answer);
    return await Promise.race([answer, asked, inVain]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', stop);
  }
}

async function showTo(ask: AskPerson, url: URL, server: string): Promise<void> {
  try {
    await ask(url, { server });
  } catch (cause) {
    throw oauthError(
      'login',
      `onAuthorizationUrl failed, so nobody was asked to log in to ${server}.`,
      {
        cause,
      },
    );
  }
}

function readAnswer(server: AuthorizationServer, answer: URLSearchParams): string {
  const { issuer } = server;
  const issuers = answer.getAll('iss');
  const isRight =
    issuers.length === 0 ? !server.sendsIssuer : issuers.length === 1 && issuers[0] === issuer;
  // What an answer of somebody else says is not even shown.
  if (!isRight)
    throw oauthError(
      'issuer',
      issuers.length === 0
        ? `The answer to the login has no issuer, though ${quote(issuer)} always sends its own. It was not used: it may be another's.`
        : `The answer to the login is of another issuer than ${quote(issuer)}. It was not used: somebody may have mixed two logins.`,
    );
  const error = answer.get('error');
  if (error !== null) {
    const why = answer.get('error_description');
    throw oauthError(
      'denied',
      `${quote(issuer)} did not allow it: ${quote(error)}${why === null ? '' : `, ${quote(why)}`}.`,
      { details: { error: quote(error), issuer } },
    );
  }
  const codes = answer.getAll('code');
  if (codes.length !== 1 || codes[0] === undefined || codes[0] === '')
    throw oauthError('metadata', `The answer to the login at ${quote(issuer)} has no code.`);
  return codes[0];
}
