import type { RequestId } from '../transport/transport.js';

const quote = 0x22;
const backslash = 0x5c;
/** No longer key or id is looked at. */
const tokenBytes = 256;

/**
 * Finds in the bytes of one JSON-RPC message, which is never whole in memory, what it answers, and which of its bytes
 * are the result. Servers write the id before the result or after it, so nothing is known before the end. It checks
 * no more of the JSON than that.
 */
export class MessageScan {
  /** What it answers. */
  id: RequestId | undefined;
  hasMethod = false;
  hasError = false;
  hasResult = false;
  /** The result is that of a tool that failed. */
  isError = false;
  #isOver = false;
  #isMalformed = false;
  #depth = 0;
  #inString = false;
  #escaped = false;
  /** The next string at depth 1, or at depth 2 in the result, is a key. */
  #keyExpected = false;
  /** The keys of the values at depth 1, and at depth 2 in the result. */
  #key = '';
  #innerKey = '';
  #token: number[] | undefined;
  #inResult = false;
  #resultIsObject = false;

  /** It is one object that came to its end. */
  get isWhole(): boolean {
    return this.#isOver && !this.#isMalformed;
  }

  /** Looks at the next bytes, and gives those that are of the result. */
  scan(bytes: Buffer, take: (part: Buffer) => void): void {
    let from = 0;
    for (let at = 0; at < bytes.length; at += 1) {
      const byte = bytes[at] as number;
      if (this.#inString) {
        this.#inText(byte);
        continue;
      }
      const wasResult = this.#inResult;
      this.#between(byte);
      if (!wasResult && this.#inResult) from = at + 1;
      // A bracket that closes the result is part of it; a comma or the bracket of the message is not.
      else if (wasResult && !this.#inResult)
        take(bytes.subarray(from, this.#depth === 1 && byte !== 0x2c ? at + 1 : at));
    }
    if (this.#inResult) take(bytes.subarray(from));
  }

  #inText(byte: number): void {
    if (this.#token !== undefined && this.#token.length < tokenBytes) this.#token.push(byte);
    if (this.#escaped) this.#escaped = false;
    else if (byte === backslash) this.#escaped = true;
    else if (byte === quote) {
      this.#inString = false;
      if (this.#keyExpected) this.#readKey();
    }
  }

  #between(byte: number): void {
    switch (byte) {
      case 0x20:
      case 0x09:
      case 0x0a:
      case 0x0d:
        return;
      case quote:
        this.#inString = true;
        if (this.#isLookedAt(byte)) this.#token = [quote];
        return;
      case 0x7b: // {
      case 0x5b: // [
        this.#open(byte === 0x7b);
        return;
      case 0x7d: // }
      case 0x5d: // ]
        this.#close();
        return;
      case 0x2c: // ,
        this.#next();
        return;
      case 0x3a: // :
        this.#begin();
        return;
      default:
        if (this.#isLookedAt(byte)) (this.#token ??= []).push(byte);
    }
  }

  /** A key, the value of `id`, or that of `isError`. */
  #isLookedAt(byte: number): boolean {
    if (this.#depth === 0) this.#isMalformed = true;
    if (this.#token !== undefined && this.#token.length >= tokenBytes) return false;
    if (this.#depth === 1)
      return this.#keyExpected ? byte === quote : this.#key === 'id' && !this.#inResult;
    if (this.#depth !== 2 || !this.#inResult || !this.#resultIsObject) return false;
    return this.#keyExpected ? byte === quote : this.#innerKey === 'isError';
  }

  #readKey(): void {
    const key = this.#taken();
    if (this.#depth === 1) this.#key = typeof key === 'string' ? key : '';
    else this.#innerKey = typeof key === 'string' ? key : '';
  }

  #taken(): unknown {
    const token = this.#token;
    this.#token = undefined;
    if (token === undefined) return undefined;
    try {
      return JSON.parse(Buffer.from(token).toString());
    } catch {
      return undefined;
    }
  }

  #open(isObject: boolean): void {
    if (this.#depth === 0 && (!isObject || this.#isOver)) this.#isMalformed = true;
    if (this.#depth === 1 && this.#inResult) this.#resultIsObject = isObject;
    this.#depth += 1;
    this.#keyExpected = isObject && this.#depth <= 2;
  }

  #close(): void {
    this.#endValue();
    this.#depth -= 1;
    this.#keyExpected = false;
    if (this.#depth === 1) this.#inResult = false;
    if (this.#depth === 0) this.#isOver = true;
  }

  #next(): void {
    this.#endValue();
    if (this.#depth === 1) this.#keyExpected = true;
    else if (this.#depth === 2) this.#keyExpected = this.#inResult && this.#resultIsObject;
  }

  /** A value at depth 1 or 2 is over. */
  #endValue(): void {
    const value = this.#taken();
    if (this.#depth === 2 && this.#innerKey === 'isError' && this.#inResult)
      this.isError = value === true;
    if (this.#depth !== 1) return;
    if (this.#key === 'id')
      this.id = typeof value === 'number' || typeof value === 'string' ? value : undefined;
    this.#inResult = false;
  }

  #begin(): void {
    this.#keyExpected = false;
    if (this.#depth !== 1) return;
    if (this.#key === 'method') this.hasMethod = true;
    if (this.#key === 'error') this.hasError = true;
    if (this.#key !== 'result') return;
    // The bytes of two would be one after the other in the file.
    if (this.hasResult) this.#isMalformed = true;
    this.hasResult = true;
    this.#inResult = true;
    this.#innerKey = '';
  }
}
