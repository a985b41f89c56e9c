/**
 * OAuth 2.1 for the HTTP servers of `@orch/mcp`.
 *
 * ```ts
 * import { createMcpHub } from '@orch/mcp';
 * import { oauth } from '@orch/mcp/auth';
 *
 * const auth = oauth({ store: '/home/me/.orch/tokens.json', onAuthorizationUrl: (url) => console.log(`Log in: ${url.href}`) });
 * const hub = createMcpHub({ servers: { issues: { type: 'http', url: 'https://mcp.example.com/mcp', auth } } });
 * ```
 *
 * Guarantees: tokens go to the server they are for and to nobody else, and are in no error; nothing is asked over
 * plain HTTP, or in a network that the server is not in; an answer of another issuer, or to another login, is not
 * used; however many processes share a store, one of them refreshes.
 *
 * @module
 */
export { oauth, type OAuthOptions } from './oauth.js';
export type { AssertionRequest, OAuthGrant } from './grants.js';
export type { AskPerson } from './authorization-code.js';
export type { ClientAuthMethod, RegisteredClient } from './client.js';
export type { OAuthFailure } from './oauth-error.js';
export { fileTokenStore } from './file-token-store.js';
export {
  openLogins,
  type EndedLogin,
  type Login,
  type LoginRequest,
  type Logins,
} from './logins.js';
export { withLogin } from './takes-login.js';
export { memoryTokenStore, type TokenStore } from './token-store.js';
export { enterpriseAssertion, type EnterpriseLogin } from './enterprise-assertion.js';
export { McpError } from '../mcp-error.js';
