import { isJsonObject, type Json } from '../json.js';
import type { RegisteredClient } from './client.js';
import { credentialKey } from './credential.js';
import { parseObject } from './discovery.js';
import type { TokenStore } from './token-store.js';

/** How somebody got into a server, so that tokens can be got again. Bound to the server's address; holds secrets. */
export interface LoginTerms {
  readonly server: string;
  readonly grant: 'authorization_code' | 'client_credentials';
  readonly client?: Pick<RegisteredClient, 'id' | 'secret'>;
  readonly scopes?: readonly string[];
}

const keyOf = (server: string): string => `login at ${server}`;

/** Where the tokens are that were got in this way. */
export const tokensOf = ({ server, grant, client }: LoginTerms): string =>
  credentialKey(server, grant, client?.id);

export const keepTerms = (store: TokenStore, terms: LoginTerms): Promise<void> =>
  store.set(keyOf(terms.server), JSON.stringify(terms));

export const forgetTerms = (store: TokenStore, server: string): Promise<void> =>
  store.set(keyOf(server), undefined);

/** Undefined for what is none, or is for another server: it is as good as not there. */
export async function readTerms(
  store: TokenStore,
  server: string,
): Promise<LoginTerms | undefined> {
  const value = parseObject((await store.get(keyOf(server))) ?? '');
  if (value?.['server'] !== server) return undefined;
  const { grant, client, scopes } = value;
  if (grant !== 'authorization_code' && grant !== 'client_credentials') return undefined;
  const { id, secret } = isJsonObject(client) ? client : {};
  const isClient = typeof id === 'string' && id !== '';
  if (grant === 'client_credentials' && !(isClient && typeof secret === 'string')) return undefined;
  return {
    server,
    grant,
    ...(isClient && { client: { id, ...(typeof secret === 'string' && { secret }) } }),
    ...(Array.isArray(scopes) && {
      scopes: (scopes as readonly Json[]).filter((one) => typeof one === 'string'),
    }),
  };
}
