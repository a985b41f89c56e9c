import { createHash, randomUUID } from 'node:crypto';
import {
  calculateJwkThumbprint,
  exportJWK,
  generateKeyPair,
  importJWK,
  SignJWT,
  type JWK,
} from 'jose';

/** The one algorithm of our proofs; every implementation of RFC 9449 that we know of takes it. */
export const dpopAlgorithm = 'ES256';

/** A key whose holder alone can use the tokens that are bound to it (RFC 9449). */
export interface DpopKey {
  /** The private key; kept beside the tokens that are of no use without it. */
  readonly privateJwk: JWK;
  readonly publicJwk: JWK;
  readonly thumbprint: string;
  readonly sign: (claims: Record<string, string>) => Promise<string>;
}

export async function createDpopKey(): Promise<DpopKey> {
  const { privateKey } = await generateKeyPair(dpopAlgorithm, { extractable: true });
  return readDpopKey(await exportJWK(privateKey));
}

export async function readDpopKey(privateJwk: JWK): Promise<DpopKey> {
  const key = await importJWK(privateJwk, dpopAlgorithm);
  const { kty = '', crv = '', x = '', y = '' } = privateJwk;
  const publicJwk = { kty, crv, x, y };
  return {
    privateJwk,
    publicJwk,
    thumbprint: await calculateJwkThumbprint(publicJwk),
    sign: (claims) =>
      new SignJWT(claims)
        .setProtectedHeader({ typ: 'dpop+jwt', alg: dpopAlgorithm, jwk: publicJwk })
        .setIssuedAt()
        .setJti(randomUUID())
        .sign(key),
  };
}

/** What a proof is of: one request, and with it one token. */
export interface Proof {
  readonly method: string;
  readonly url: URL;
  readonly accessToken?: string;
}

/** Proofs of one key, with the last nonce that each origin asked for (RFC 9449, 8 and 9). */
export class DpopNonces {
  readonly #byOrigin = new Map<string, string>();

  /** Notes what an answer brings. True if it is a nonce that was not known. */
  note(url: URL, nonce: string | string[] | undefined): boolean {
    if (typeof nonce !== 'string' || nonce === '' || this.#byOrigin.get(url.origin) === nonce)
      return false;
    this.#byOrigin.set(url.origin, nonce);
    return true;
  }

  prove(key: DpopKey, { method, url, accessToken }: Proof): Promise<string> {
    const nonce = this.#byOrigin.get(url.origin);
    return key.sign({
      htm: method,
      htu: `${url.origin}${url.pathname}`,
      ...(accessToken !== undefined && {
        ath: createHash('sha256').update(accessToken, 'latin1').digest('base64url'),
      }),
      ...(nonce !== undefined && { nonce }),
    });
  }
}
