import { createHash, type Hash } from 'node:crypto';

/** What was kept of one output stream. */
export interface Captured {
  /** All of it; or its head, a line that says how many bytes are left out, and its tail. */
  readonly text: string;
  /** Bytes in all, kept or not. */
  readonly bytes: number;
  readonly truncated: boolean;
  /** Hex digest of all bytes, kept or not; empty if none was to be made. */
  readonly sha256: string;
}

export interface Capture {
  add(chunk: Buffer): void;
  end(): Captured;
}

/** Of no bytes at all. */
export const nothingCaptured = (hasDigest: boolean): Captured => ({
  text: '',
  bytes: 0,
  truncated: false,
  sha256: hasDigest ? 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855' : '',
});

/** A byte that continues a UTF-8 character. */
const continues = (byte: number | undefined): boolean =>
  byte !== undefined && (byte & 0xc0) === 0x80;

function startOfCharacter(bytes: Buffer): number {
  let at = 0;
  while (at < 3 && continues(bytes[at])) at += 1;
  return at;
}

/** Where `bytes` must be cut so that it does not end inside a character. */
function endOfCharacter(bytes: Buffer): number {
  let lead = bytes.length - 1;
  while (lead > bytes.length - 4 && continues(bytes[lead])) lead -= 1;
  const first = bytes[lead] ?? 0;
  const length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 1;
  return lead >= 0 && lead + length > bytes.length ? lead : bytes.length;
}

/** Memory that grows with its use, up to `limit` bytes. */
function grown(buffer: Buffer, size: number, limit: number): Buffer {
  if (size <= buffer.length) return buffer;
  const larger = Buffer.allocUnsafe(Math.min(limit, Math.max(size, buffer.length * 2, 64)));
  buffer.copy(larger);
  return larger;
}

const nothing: Buffer = Buffer.alloc(0);

class HeadAndTail implements Capture {
  readonly #headLimit: number;
  readonly #tailLimit: number;
  #head: Buffer = nothing;
  #headBytes = 0;
  /** A ring over the last `tailLimit` of the bytes that went past the head. */
  #tail: Buffer = nothing;
  #pastBytes = 0;
  /** Of all bytes; made when there are some that are not in the head. */
  #hash: Hash | undefined;
  readonly #hasDigest: boolean;

  constructor(limitBytes: number, hasDigest: boolean) {
    this.#hasDigest = hasDigest;
    this.#headLimit = Math.ceil(limitBytes / 2);
    this.#tailLimit = Math.floor(limitBytes / 2);
  }

  add(chunk: Buffer): void {
    const forHead = chunk.subarray(0, this.#headLimit - this.#headBytes);
    if (forHead.length > 0) {
      const end = this.#headBytes + forHead.length;
      this.#head = grown(this.#head, end, this.#headLimit);
      forHead.copy(this.#head, this.#headBytes);
      this.#headBytes = end;
    }
    if (forHead.length < chunk.length) this.#addPast(chunk.subarray(forHead.length));
  }

  #addPast(rest: Buffer): void {
    if (this.#hasDigest) {
      this.#hash ??= createHash('sha256').update(this.#headPart());
      this.#hash.update(rest);
    }
    const limit = this.#tailLimit;
    const kept = rest.subarray(Math.max(0, rest.length - limit));
    this.#pastBytes += rest.length - kept.length;
    this.#tail = grown(this.#tail, Math.min(limit, this.#pastBytes + kept.length), limit);
    const at = limit === 0 ? 0 : this.#pastBytes % limit;
    const first = kept.subarray(0, limit - at);
    first.copy(this.#tail, at);
    kept.copy(this.#tail, 0, first.length);
    this.#pastBytes += kept.length;
  }

  #headPart(): Buffer {
    return this.#head.subarray(0, this.#headBytes);
  }

  #digest(): string {
    if (!this.#hasDigest) return '';
    const hash = this.#hash ?? createHash('sha256').update(this.#headPart());
    return hash.digest('hex');
  }

  end(): Captured {
    const headPart = this.#headPart();
    const bytes = this.#headBytes + this.#pastBytes;
    const sha256 = this.#digest();
    if (this.#pastBytes <= this.#tailLimit) {
      const text = Buffer.concat([headPart, this.#tail.subarray(0, this.#pastBytes)]);
      return { text: text.toString('utf8'), bytes, truncated: false, sha256 };
    }
    const at = this.#pastBytes % this.#tailLimit || 0;
    const tailPart = Buffer.concat([this.#tail.subarray(at), this.#tail.subarray(0, at)]);
    const first = headPart.subarray(0, endOfCharacter(headPart));
    const last = tailPart.subarray(startOfCharacter(tailPart));
    const out = bytes - first.length - last.length;
    const text = `${first.toString('utf8')}\n[... ${out} bytes left out ...]\n${last.toString('utf8')}`;
    return { text, bytes, truncated: true, sha256 };
  }
}

/** Keeps the first and the last half of `limitBytes` of a stream, and the digest of all of it if it is to have one. */
export const createCapture = (limitBytes: number, hasDigest: boolean): Capture =>
  new HeadAndTail(limitBytes, hasDigest);
