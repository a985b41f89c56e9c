import { enterpriseAssertion, oauth, type OAuthOptions } from '../../src/auth/index.js';
import { McpError } from '../../src/index.js';
import type { Scenario, Scenarios, Scene } from '../scenario.js';

/** The suite's authorization servers ask nobody: they answer a login by sending the browser back at once. */
const browse = async (url: URL): Promise<void> => {
  await (await fetch(url)).text();
};

const text = ({ context }: Scene, key: string): string => {
  const value = context[key];
  if (typeof value !== 'string') throw new Error(`The suite did not say ${key}.`);
  return value;
};

/** Lists and calls, so that what is asked for later is asked for too. */
async function use(scene: Scene, options: OAuthOptions): Promise<void> {
  const auth = oauth({ onAuthorizationUrl: browse, clientName: 'orch conformance', ...options });
  const server = await scene.connect({}, { auth });
  try {
    await server.tools();
    await server.call('test-tool');
  } finally {
    await server.close();
  }
}

const byLogin: Scenario = (scene) => use(scene, {});

/** The suite has a document for us, which nobody can read. */
const byDocument: Scenario = (scene) =>
  use(scene, { clientDocument: 'https://conformance-test.local/client-metadata.json' });

/** A server that is not to be trusted must make the client fail, and by this reason. */
const refused =
  (reason: string): Scenario =>
  async (scene) => {
    try {
      await use(scene, {});
    } catch (error) {
      if (McpError.isInstance(error) && error.details['reason'] === reason) return;
      throw error;
    }
    throw new Error(`The client did not notice it (${reason}).`);
  };

const registeredBefore: Scenario = (scene) =>
  use(scene, {
    client: { id: text(scene, 'client_id'), secret: text(scene, 'client_secret') },
  });

const bySecret: Scenario = (scene) =>
  use(scene, {
    grant: { type: 'client_credentials' },
    client: { id: text(scene, 'client_id'), secret: text(scene, 'client_secret') },
  });

const byKey: Scenario = (scene) =>
  use(scene, {
    grant: { type: 'client_credentials' },
    client: {
      id: text(scene, 'client_id'),
      privateKey: text(scene, 'private_key_pem'),
      algorithm: text(scene, 'signing_algorithm'),
    },
  });

const byWorkload: Scenario = (scene) =>
  use(scene, {
    grant: { type: 'jwt_bearer', assertion: () => text(scene, 'valid_jwt') },
    client: { id: text(scene, 'client_id') },
  });

const byEnterprise: Scenario = (scene) =>
  use(scene, {
    grant: {
      type: 'jwt_bearer',
      assertion: enterpriseAssertion({
        tokenEndpoint: text(scene, 'idp_token_endpoint'),
        client: { id: text(scene, 'idp_client_id') },
        idToken: () => text(scene, 'idp_id_token'),
      }),
    },
    client: { id: text(scene, 'client_id'), secret: text(scene, 'client_secret') },
  });

export const scenarios: Scenarios = {
  'auth/metadata-default': byLogin,
  'auth/metadata-var1': byLogin,
  'auth/metadata-var2': byLogin,
  'auth/metadata-var3': byLogin,
  'auth/basic-cimd': byDocument,
  'auth/scope-from-www-authenticate': byLogin,
  'auth/scope-from-scopes-supported': byLogin,
  'auth/scope-omitted-when-undefined': byLogin,
  'auth/scope-step-up': byLogin,
  'auth/scope-retry-limit': refused('scope'),
  'auth/token-endpoint-auth-basic': byLogin,
  'auth/token-endpoint-auth-post': byLogin,
  'auth/token-endpoint-auth-none': byLogin,
  'auth/pre-registration': registeredBefore,
  'auth/2025-03-26-oauth-metadata-backcompat': byLogin,
  'auth/2025-03-26-oauth-endpoint-fallback': byLogin,
  'auth/resource-mismatch': refused('resource'),
  'auth/offline-access-scope': byLogin,
  'auth/offline-access-not-supported': byLogin,
  'auth/authorization-server-migration': byLogin,
  'auth/iss-supported': byLogin,
  'auth/iss-not-advertised': byLogin,
  'auth/iss-supported-missing': refused('issuer'),
  'auth/iss-wrong-issuer': refused('issuer'),
  'auth/iss-unexpected': refused('issuer'),
  'auth/iss-normalized': refused('issuer'),
  'auth/metadata-issuer-mismatch': refused('issuer'),
  'auth/client-credentials-jwt': byKey,
  'auth/client-credentials-basic': bySecret,
  'auth/enterprise-managed-authorization': byEnterprise,
  'auth/cross-app-access-complete-flow': byEnterprise,
  'auth/dpop': byLogin,
  'auth/dpop-nonce': byLogin,
  'auth/wif-jwt-bearer': byWorkload,
};
