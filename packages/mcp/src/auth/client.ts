import { randomUUID } from 'node:crypto';
import { importJWK, importPKCS8, SignJWT, type JWK } from 'jose';
import { oauthError } from './oauth-error.js';

export type ClientAuthMethod =
  'none' | 'client_secret_basic' | 'client_secret_post' | 'private_key_jwt';

/** A client that its authorization server knows already. */
export interface RegisteredClient {
  readonly id: string;
  readonly secret?: string;
  /** In place of a secret: a private key, as PKCS #8 PEM or as a JWK. */
  readonly privateKey?: string | Readonly<Record<string, unknown>>;
  /** Of the private key. Default: `ES256`. */
  readonly algorithm?: string;
  /** Default: by what is given, and what the authorization server takes. */
  readonly method?: ClientAuthMethod;
  /**
   * The authorization server that knows it. Default: the first that the server names; it is remembered, and no other
   * ever gets to see this client.
   */
  readonly issuer?: string;
}

/** How a client makes itself known at the token endpoint. */
export interface Client {
  readonly id: string;
  readonly method: ClientAuthMethod;
  readonly secret?: string;
  readonly privateKey?: RegisteredClient['privateKey'];
  readonly algorithm?: string;
}

/** The methods that a client with a secret can use, in the order of preference. */
const withSecret: readonly ClientAuthMethod[] = ['client_secret_basic', 'client_secret_post'];

/** `authMethods`: what the token endpoint says that it takes. */
export function givenClient(
  given: RegisteredClient,
  authMethods: readonly string[] | undefined,
): Client {
  const { id, secret, privateKey, algorithm } = given;
  const taken = authMethods ?? ['client_secret_basic'];
  const method =
    given.method ??
    (privateKey !== undefined
      ? 'private_key_jwt'
      : secret === undefined
        ? 'none'
        : (withSecret.find((one) => taken.includes(one)) ?? 'client_secret_basic'));
  return {
    id,
    method,
    ...(secret !== undefined && { secret }),
    ...(privateKey !== undefined && { privateKey }),
    ...(algorithm !== undefined && { algorithm }),
  };
}

/** What makes the client known, as headers and as fields of the form (RFC 6749 2.3.1, RFC 7523). */
export async function authenticateClient(
  client: Client,
  issuer: string,
): Promise<{ headers: Record<string, string>; form: Record<string, string> }> {
  const { id, method, secret = '' } = client;
  switch (method) {
    case 'none':
      return { headers: {}, form: { client_id: id } };
    case 'client_secret_post':
      return { headers: {}, form: { client_id: id, client_secret: secret } };
    case 'client_secret_basic': {
      const pair = Buffer.from(`${formEncode(id)}:${formEncode(secret)}`).toString('base64');
      return { headers: { authorization: `Basic ${pair}` }, form: {} };
    }
    case 'private_key_jwt':
      return {
        headers: {},
        form: {
          client_id: id,
          client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
          client_assertion: await assertion(client, issuer),
        },
      };
  }
}

/** For the issuer alone: an assertion for a token endpoint could be passed on to another server that has it too. */
async function assertion(client: Client, issuer: string): Promise<string> {
  const { id, privateKey, algorithm = 'ES256' } = client;
  let key;
  try {
    key =
      typeof privateKey === 'string'
        ? await importPKCS8(privateKey, algorithm)
        : await importJWK(privateKey as JWK, algorithm);
  } catch {
    // The cause could quote the key.
    throw oauthError(
      'client',
      `The private key of the client ${id} is no key for ${algorithm} in PKCS #8 or JWK.`,
    );
  }
  return new SignJWT()
    .setProtectedHeader({ alg: algorithm })
    .setIssuer(id)
    .setSubject(id)
    .setAudience(issuer)
    .setIssuedAt()
    .setExpirationTime('60s')
    .setJti(randomUUID())
    .sign(key);
}

const formEncode = (text: string): string => new URLSearchParams([['', text]]).toString().slice(1);
