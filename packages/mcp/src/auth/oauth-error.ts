import { excerpt } from '../json.js';
import { McpError } from '../mcp-error.js';

/**
 * What an authorization failed of; `details.reason` of `ORCH_MCP_OAUTH`.
 *
 * - `insecure`: an address is not `https:`, and not on loopback.
 * - `address`: an address that was discovered leads into a network that the server itself is not in.
 * - `unreachable`: an endpoint could not be reached, or its answer was too large or too slow.
 * - `metadata`: a metadata document is missing, or says something that cannot be.
 * - `resource`: the metadata is of another resource than the server.
 * - `issuer`: an answer, a document or credentials are of another issuer than the one that was asked.
 * - `pkce`: the authorization server does not say that it knows S256.
 * - `client`: there is no client id for this authorization server, or it refused to give one.
 * - `login`: a person is needed, and none can be asked, or none answered in time.
 * - `denied`: the authorization server, or the person, said no; `details.error` is its code.
 * - `token`: the token endpoint refused; `details.error` is its code, `details.status` its status.
 * - `scope`: the server wants scopes that were asked for before, in vain.
 * - `store`: what is kept cannot be read, written or locked.
 */
export type OAuthFailure =
  | 'insecure'
  | 'address'
  | 'unreachable'
  | 'metadata'
  | 'resource'
  | 'issuer'
  | 'pkce'
  | 'client'
  | 'login'
  | 'denied'
  | 'token'
  | 'scope'
  | 'store';

export function oauthError(
  reason: OAuthFailure,
  message: string,
  more: { readonly details?: Readonly<Record<string, unknown>>; readonly cause?: unknown } = {},
): McpError {
  return new McpError('ORCH_MCP_OAUTH', message, {
    details: { reason, ...more.details },
    ...(more.cause !== undefined && { cause: more.cause }),
  });
}

export const isOAuthError = (value: unknown, ...reasons: readonly OAuthFailure[]): boolean =>
  McpError.isInstance(value) &&
  value.code === 'ORCH_MCP_OAUTH' &&
  (reasons.length === 0 || reasons.includes(value.details['reason'] as OAuthFailure));

/** Others' words as they may be shown: harmless, short, and without what was sent to them in confidence. */
export function quote(text: string, secrets: readonly (string | undefined)[] = []): string {
  let clean = text;
  for (const secret of secrets)
    if (secret !== undefined && secret !== '')
      for (const form of new Set([
        secret,
        encodeURIComponent(secret),
        JSON.stringify(secret).slice(1, -1),
      ]))
        clean = clean.replaceAll(form, '[secret]');
  return excerpt(clean);
}
