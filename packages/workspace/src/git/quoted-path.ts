/**
 * Paths as git writes them line by line: plain, or between double quotes with C escapes. They are kept
 * in this form between git commands, because it is ASCII and holds every name, also one that is no UTF-8.
 */
export type QuotedPath = string;

const escapes: Readonly<Record<string, number>> = {
  a: 7,
  b: 8,
  t: 9,
  n: 10,
  v: 11,
  f: 12,
  r: 13,
  '"': 34,
  '\\': 92,
};

/** The bytes of a path. */
export function pathBytes(path: QuotedPath): Buffer {
  if (!path.startsWith('"')) return Buffer.from(path, 'utf8');
  const bytes: number[] = [];
  const end = path.length - 1;
  for (let at = 1; at < end; at += 1) {
    const character = path.charAt(at);
    if (character !== '\\') {
      bytes.push(path.charCodeAt(at));
      continue;
    }
    const octal = /^[0-3][0-7]{2}/.exec(path.slice(at + 1, at + 4))?.[0];
    if (octal === undefined) {
      bytes.push(escapes[path.charAt(at + 1)] ?? path.charCodeAt(at + 1));
      at += 1;
    } else {
      bytes.push(Number.parseInt(octal, 8));
      at += 3;
    }
  }
  return Buffer.from(bytes);
}

/** A path for people and for plans; bytes that are no UTF-8 become U+FFFD. */
export function pathText(path: QuotedPath): string {
  return pathBytes(path).toString('utf8');
}

/** The inverse of {@link pathText}, always between quotes. */
export function quotePath(path: string | Buffer): QuotedPath {
  const bytes = typeof path === 'string' ? Buffer.from(path, 'utf8') : path;
  let quoted = '"';
  for (const byte of bytes) {
    const plain = byte >= 32 && byte < 127 && byte !== 34 && byte !== 92;
    quoted += plain ? String.fromCharCode(byte) : `\\${byte.toString(8).padStart(3, '0')}`;
  }
  return `${quoted}"`;
}

/** Lines of an answer, without the empty one at the end. */
export function lines(text: string): string[] {
  return text.split('\n').filter((line) => line !== '');
}
