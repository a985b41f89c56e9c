import { webAssembly } from '../web-assembly.js';

/** Texts on their way into JSON: from `utf8` to the page, with the escapes that JSON asks for. */
export interface Escaper {
  /** Where a text is put first; 16 bytes more than it takes must be free behind it. */
  readonly utf8: Buffer;
  /** Where its copy is made; up to 15 bytes behind that are written, too. */
  readonly page: Buffer;
  /** Copies the first `length` bytes of `utf8` to `page` from `at` on. Gives where the copy ends. */
  readonly escape: (length: number, at: number) => number;
}

/** What the escaper has room for: a page, and a text of up to a third as many characters as `textBytes`. */
export const pageBytes: number = 128 * 1024;
export const textBytes: number = 12 * 1024;

/** `escape-text.wat`, assembled; a test compares them. */
export const assembled =
  'AGFzbQEAAAABCAFgA39/fwF/AwIBAAUDAQADBxMCBm1lbW9yeQIABmVzY2FwZQAACuwBAekBAgF7A38gAUEg/Q/9CwQAAkADQCAA' +
  'IAFPDQEgAiAA/QAEACID/QsEACADQSD9D/0mIANBIv0P/SMgA0HcAP0P/SP9UP1Q/WQhBCAERQRAIABBEGohACACQRBqIQIMAQsg' +
  'BGghBCAAIARqIQAgAiAEaiECIAAtAAAhBSAAQQFqIQAgBS0AACEGIAJB3AA6AAAgAiAGOgABIAJBAmohAiAGQfUARw0AIAJBsOAA' +
  'OwEAIAJBMCAFQQR2ajoAAiAFQQ9xIQUgAiAFQTBB1wAgBUEKSRtqOgADIAJBBGohAgwACwsgAiAAIAFrawsLYwEAQQALXXV1dXV1' +
  'dXV1YnRudWZydXV1dXV1dXV1dXV1dXV1dXV1dXUidXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1' +
  'dXV1dXV1dXV1dXV1XA==';

// Where things are in its memory.
const textOffset = 1024;
const pageOffset = 16 * 1024;

interface Assembled {
  readonly memory: { readonly buffer: ArrayBuffer };
  readonly escape: (from: number, end: number, to: number) => number;
}

/**
 * Looks at sixteen bytes at a time.
 *
 * @throws where there is no WebAssembly, as with `--jitless`; no SIMD; no room for the addresses of its memory
 */
export function createVectorEscaper(): Escaper {
  const { Module, Instance } = webAssembly();
  const { exports } = new Instance(new Module(Buffer.from(assembled, 'base64')));
  const { memory, escape } = exports as unknown as Assembled;
  return {
    utf8: Buffer.from(memory.buffer, textOffset, textBytes + 16),
    page: Buffer.from(memory.buffer, pageOffset, pageBytes),
    escape: (length, at) => escape(textOffset, textOffset + length, pageOffset + at) - pageOffset,
  };
}

/**
 * What stands behind the backslash for a byte; 0 for one that needs none, `u` for one that is written as `\u00` and two
 * digits. As JSON.stringify has it: DEL stands for itself.
 */
export function listEscapes(): Uint8Array {
  const escapes = new Uint8Array(128).fill(0x75, 0, 0x20);
  const pairs = '""\\\\\bb\tt\nn\ff\rr';
  for (let n = 0; n < pairs.length; n += 2) escapes[pairs.charCodeAt(n)] = pairs.charCodeAt(n + 1);
  return escapes;
}

/** Writes the escape with this letter; gives where it ends. */
export function putEscape(bytes: Uint8Array, byte: number, letter: number, at: number): number {
  bytes[at] = 0x5c;
  bytes[at + 1] = letter;
  if (letter !== 0x75) return at + 2;
  const low = byte & 0xf;
  bytes[at + 2] = 0x30;
  bytes[at + 3] = 0x30;
  bytes[at + 4] = 0x30 + (byte >> 4);
  bytes[at + 5] = low < 10 ? 0x30 + low : 0x57 + low;
  return at + 6;
}

/** Looks at four bytes at a time, for where there is no other way. */
export function createWordEscaper(): Escaper {
  const utf8 = Buffer.allocUnsafeSlow(textBytes + 16);
  const page = Buffer.allocUnsafeSlow(pageBytes);
  const from = new DataView(utf8.buffer);
  const to = new DataView(page.buffer);
  const escapes = listEscapes();
  const highBits = 0x80808080 | 0;

  /**
   * A word is plain if each byte is beyond ASCII, or at least 0x20 and neither a quote nor a backslash. Seven bits of
   * each are added to what brings the first allowed one to 0x80, all four at once, as no sum passes into the next byte.
   */
  function escape(length: number, at: number): number {
    let end = at;
    let n = 0;
    // The last word is filled up with spaces, which are taken back at the end.
    from.setInt32(length, 0x20202020, true);
    while (n < length) {
      const word = from.getInt32(n, true);
      const low = word & 0x7f7f7f7f;
      const noControl = low + 0x60606060;
      const noQuote = (low ^ 0x22222222) + 0x7f7f7f7f;
      const noBackslash = (low ^ 0x5c5c5c5c) + 0x7f7f7f7f;
      const plain = ((noControl & noQuote & noBackslash) | word) & highBits;
      to.setInt32(end, word, true);
      if (plain === highBits) {
        end += 4;
        n += 4;
        continue;
      }
      const found = ~plain & highBits;
      const before = (31 - Math.clz32(found & -found)) >> 3;
      const byte = utf8[n + before] ?? 0;
      n += before + 1;
      end = putEscape(page, byte, escapes[byte] ?? 0, end + before);
    }
    return end - (n - length);
  }
  return { utf8, page, escape };
}

export function createEscaper(): Escaper {
  try {
    return createVectorEscaper();
  } catch {
    return createWordEscaper();
  }
}
