/** A byte that continues a UTF-8 character. */
const continues = (byte: number | undefined): boolean =>
  byte !== undefined && (byte & 0xc0) === 0x80;

/**
 * The longest start of `text` that takes at most `limit` bytes of UTF-8; never ends inside a character.
 * A copy: it does not keep the whole text in memory, as a slice would.
 */
export function firstBytes(text: string, limit: number): string {
  const bytes = Buffer.from(text);
  let end = Math.max(0, Math.min(limit, bytes.length));
  while (continues(bytes[end])) end -= 1;
  return bytes.toString('utf8', 0, end);
}

/** The longest end of `text` that takes at most `limit` bytes of UTF-8; the same holds. */
export function lastBytes(text: string, limit: number): string {
  const bytes = Buffer.from(text);
  let start = Math.max(0, bytes.length - Math.max(0, limit));
  while (continues(bytes[start])) start += 1;
  return bytes.toString('utf8', start);
}
