import { createHash } from 'node:crypto';
import { calculateJwkThumbprint, EmbeddedJWK, jwtVerify } from 'jose';

/** Checks proofs as RFC 9449, 4.3 says, and hands out nonces that end after some uses. */
export class ProofChecker {
  readonly #usesOfNonce: number;
  readonly #known = new Set<string>();
  #nonce = 0;
  #uses = 0;

  constructor(usesOfNonce: number) {
    this.#usesOfNonce = usesOfNonce;
  }

  get nonce(): string {
    return `nonce-${this.#nonce}`;
  }

  /** The thumbprint of the key, or why the proof is none. */
  async check(
    proof: string | string[] | undefined,
    of: { method: string; url: string; token?: string },
  ): Promise<{ thumbprint: string } | { refusal: 'use_dpop_nonce' | 'invalid_dpop_proof' }> {
    const wrong = { refusal: 'invalid_dpop_proof' } as const;
    if (typeof proof !== 'string') return wrong;
    const { payload, protectedHeader } = await jwtVerify(proof, EmbeddedJWK, {
      typ: 'dpop+jwt',
      algorithms: ['ES256'],
      maxTokenAge: 60,
    });
    const { jwk = {} } = protectedHeader;
    const { jti = '', htm, htu, ath, nonce } = payload;
    if ('d' in jwk || this.#known.has(jti) || htm !== of.method || htu !== of.url) return wrong;
    this.#known.add(jti);
    const hash = of.token && createHash('sha256').update(of.token).digest('base64url');
    if (ath !== hash) return wrong;
    if (nonce !== this.nonce) return { refusal: 'use_dpop_nonce' };
    this.#uses += 1;
    if (this.#uses % this.#usesOfNonce === 0) this.#nonce += 1;
    return { thumbprint: await calculateJwkThumbprint(jwk) };
  }
}
