import type { Hash } from 'node:crypto';
import { chunkBytes } from '../read/line-buffer.js';
import { beginGroup, readSeal, sealedEndBytes } from './seal.js';

/** How far a chain was followed. */
export interface ChainState {
  /** The last hash that holds. */
  head: string;
  /** The byte after the last group that holds. */
  bytes: number;
  records: number;
  groups: number;
  /** Hash over `head` and everything after `bytes`: where the next group goes on. */
  open: Hash;
  /** Lines and bytes read after the last sealed group. */
  openRecords: number;
  read: number;
  /** The first group whose seal does not fit, when there is one; nothing after it was read. */
  broken: { byteStart: number; byteEnd: number } | undefined;
}

/**
 * Follows a chain from `previous` over `[0, to)` of what `read` gives. Only the end of each line is held back,
 * as the seal in it is not part of what it seals, so memory is constant whatever a line's length.
 */
export async function scanChain(
  read: (into: Uint8Array) => Promise<number>,
  previous: string,
  to: number,
): Promise<ChainState> {
  const state: ChainState = {
    head: previous,
    bytes: 0,
    records: 0,
    groups: 0,
    open: beginGroup(previous),
    openRecords: 0,
    read: 0,
    broken: undefined,
  };
  const chunk = Buffer.allocUnsafe(chunkBytes);
  let held: Buffer = Buffer.alloc(0);
  let lineBytes = 0;
  let blank = true;

  const feed = (part: Buffer): void => {
    lineBytes += part.length;
    blank &&= part.every(
      (byte) => byte === 0x20 || byte === 0x09 || byte === 0x0d || byte === 0x0a,
    );
    const all = held.length === 0 ? part : Buffer.concat([held, part]);
    const settled = Math.max(0, all.length - sealedEndBytes);
    state.open.update(all.subarray(0, settled));
    held = all.subarray(settled);
  };

  /** Gives whether the chain still holds. */
  const endLine = (byteEnd: number): boolean => {
    if (!blank) state.openRecords += 1;
    const seal = readSeal(held, lineBytes === held.length);
    state.open.update(seal === undefined ? held : Buffer.from(seal.unsealed, 'latin1'));
    held = Buffer.alloc(0);
    lineBytes = 0;
    blank = true;
    if (seal === undefined) return true;
    if (state.open.digest('hex') !== seal.head) {
      state.broken = { byteStart: state.bytes, byteEnd };
      return false;
    }
    state.head = seal.head;
    state.bytes = byteEnd;
    state.records += state.openRecords;
    state.groups += 1;
    state.openRecords = 0;
    state.open = beginGroup(state.head);
    return true;
  };

  const endFile = (): ChainState => {
    state.open.update(held);
    if (!blank) state.openRecords += 1;
    return state;
  };

  while (state.read < to) {
    const room = chunk.subarray(0, Math.min(chunk.length, to - state.read));
    const count = await read(room);
    if (count === 0) break;
    const got = chunk.subarray(0, count);
    let start = 0;
    for (let newline = got.indexOf(10); newline !== -1; newline = got.indexOf(10, start)) {
      feed(got.subarray(start, newline + 1));
      start = newline + 1;
      if (!endLine(state.read + start)) return state;
    }
    feed(got.subarray(start));
    // The chunk is read into again.
    held = Buffer.from(held);
    state.read += count;
  }
  return endFile();
}
