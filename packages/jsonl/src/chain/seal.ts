import { createHash, type Hash } from 'node:crypto';

/**
 * What a chain begins with: the `previous` of the first file of a chain.
 *
 * @see openWriter
 */
export const chainStart: string = '0'.repeat(64);

/** The property that seals a group, as it is written: `,"hash":"<64 hex>"` before the last brace. */
const property = '"hash":"';
/** How many bytes a seal may add to a line. */
export const sealBytes: number = 1 + property.length + 64 + 1;
/** Length of the end of a sealed line, from the comma to its newline. */
export const sealedEndBytes: number = sealBytes + 2;

const sealedEnd = /^([,{])"hash":"([0-9a-f]{64})"\}\n$/;

/** @throws TypeError when this cannot be the hash that a chain goes on from. */
export function checkPrevious(previous: string): string {
  if (/^[0-9a-f]{64}$/.test(previous)) return previous;
  throw new TypeError(
    `chain.previous must be a sha256 in 64 lower-case hex digits (chainStart for a new chain), received ${JSON.stringify(previous)}`,
  );
}

/** Begins the hash of the group that follows `head`. */
export function beginGroup(head: string): Hash {
  return createHash('sha256').update(head, 'latin1');
}

/**
 * Seals a group in place. `length` bytes of `buffer` are the lines of the group, the last of which
 * is an object; `sealBytes` more bytes are free. Gives the new head and the new length.
 */
export function sealGroup(
  buffer: Buffer,
  length: number,
  hash: Hash,
): { head: string; length: number } {
  const head = hash.update(buffer.subarray(0, length)).digest('hex');
  const isEmptyObject = buffer[length - 3] === 0x7b;
  const seal = `${isEmptyObject ? '' : ','}${property}${head}"}\n`;
  return { head, length: length - 2 + buffer.write(seal, length - 2, 'latin1') };
}

/**
 * Reads a seal from the last bytes of a line (`sealedEndBytes`, or the whole line if it is shorter).
 * `unsealed` is how those bytes read without it; `undefined` when the line carries no seal.
 */
export function readSeal(
  end: Buffer,
  isWholeLine: boolean,
): { head: string; unsealed: string } | undefined {
  const match = sealedEnd.exec(end.toString('latin1'));
  const [, before, head] = match ?? [];
  if (head === undefined || (before === '{' && !isWholeLine)) return undefined;
  return { head, unsealed: before === '{' ? '{}\n' : '}\n' };
}
