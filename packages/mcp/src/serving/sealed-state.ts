import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { isJsonObject, type JsonObject } from '../json.js';
import { RpcError, rpcCode } from './service.js';

const macBytes = 32;
const livesMs = 15 * 60_000;

/**
 * What a client carries from one round of a request to the next, so that nobody here has to remember it. It holds for
 * the same caller, the same request, and a quarter of an hour; whatever else comes back is refused.
 */
export class SealedState {
  readonly #key = randomBytes(32);

  seal(answers: JsonObject, of: string): string {
    const body = Buffer.from(JSON.stringify({ answers, until: Date.now() + livesMs }));
    return Buffer.concat([this.#mac(body, of), body]).toString('base64url');
  }

  /** Throws `RpcError` for what was not sealed here, for this request. */
  open(state: unknown, of: string): JsonObject {
    // A decoder that skips what it does not know would take a changed text for the same.
    const given = typeof state === 'string' && /^[\w-]+$/.test(state) ? state : '';
    const bytes = Buffer.from(given, 'base64url');
    const mac = bytes.subarray(0, macBytes);
    const body = bytes.subarray(macBytes);
    const isOurs =
      bytes.toString('base64url') === given &&
      mac.length === macBytes &&
      timingSafeEqual(mac, this.#mac(body, of));
    const held: unknown = isOurs ? JSON.parse(body.toString()) : undefined;
    if (isJsonObject(held) && isJsonObject(held['answers']) && Number(held['until']) > Date.now())
      return held['answers'];
    throw new RpcError(
      rpcCode.params,
      'requestState is not what was given out for this request, or is too old. Make the request anew without it.',
    );
  }

  #mac(body: Buffer, of: string): Buffer {
    return createHmac('sha256', this.#key).update(`${of.length}:${of}`).update(body).digest();
  }
}
