import { createHash } from 'node:crypto';

/** What was kept of one output stream. */
export interface Captured {
  /** All of it; or its head, a line that says how many bytes are left out, and its tail. */
  readonly text: string;
  /** Bytes in all, kept or not. */
  readonly bytes: number;
  readonly truncated: boolean;
  /** Hex digest of all bytes, kept or not. */
  readonly sha256: string;
}

export interface Capture {
  add(chunk: Buffer): void;
  end(): Captured;
}

/** Of no bytes at all. */
export const nothingCaptured: Captured = {
  text: '',
  bytes: 0,
  truncated: false,
  sha256: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
};

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

/** A buffer that takes only as much memory as is used, up to `limit` bytes. */
function createStore(limit: number): { grow(size: number): Buffer } {
  let buffer = Buffer.alloc(0);
  return {
    grow(size) {
      if (size > buffer.length) {
        const larger = Buffer.allocUnsafe(Math.min(limit, Math.max(size, buffer.length * 2, 512)));
        buffer.copy(larger);
        buffer = larger;
      }
      return buffer;
    },
  };
}

/** Keeps the first and the last half of `limitBytes` of a stream, and the digest of all of it. */
export function createCapture(limitBytes: number): Capture {
  const headLimit = Math.ceil(limitBytes / 2);
  const tailLimit = Math.floor(limitBytes / 2);
  const head = createStore(headLimit);
  const tail = createStore(tailLimit);
  const hash = createHash('sha256');
  let bytes = 0;
  let headBytes = 0;
  /** Bytes that went past the head; the tail is a ring over the last `tailLimit` of them. */
  let pastBytes = 0;

  function addToTail(rest: Buffer): void {
    const kept = rest.subarray(Math.max(0, rest.length - tailLimit));
    pastBytes += rest.length - kept.length;
    const ring = tail.grow(Math.min(tailLimit, pastBytes + kept.length));
    const at = tailLimit === 0 ? 0 : pastBytes % tailLimit;
    const first = kept.subarray(0, tailLimit - at);
    first.copy(ring, at);
    kept.copy(ring, 0, first.length);
    pastBytes += kept.length;
  }

  return {
    add(chunk) {
      hash.update(chunk);
      bytes += chunk.length;
      const forHead = chunk.subarray(0, headLimit - headBytes);
      forHead.copy(head.grow(headBytes + forHead.length), headBytes);
      headBytes += forHead.length;
      if (forHead.length < chunk.length) addToTail(chunk.subarray(forHead.length));
    },
    end() {
      const headPart = head.grow(0).subarray(0, headBytes);
      const ring = tail.grow(0);
      const sha256 = hash.digest('hex');
      if (pastBytes <= tailLimit) {
        const text = Buffer.concat([headPart, ring.subarray(0, pastBytes)]).toString('utf8');
        return { text, bytes, truncated: false, sha256 };
      }
      const at = pastBytes % tailLimit || 0;
      const tailPart = Buffer.concat([ring.subarray(at), ring.subarray(0, at)]);
      const first = headPart.subarray(0, endOfCharacter(headPart));
      const last = tailPart.subarray(startOfCharacter(tailPart));
      const out = bytes - first.length - last.length;
      const text = `${first.toString('utf8')}\n[... ${out} bytes left out ...]\n${last.toString('utf8')}`;
      return { text, bytes, truncated: true, sha256 };
    },
  };
}
