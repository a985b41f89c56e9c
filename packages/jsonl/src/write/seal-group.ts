import type { Hash } from 'node:crypto';
import { beginGroup, sealGroup as sealLines } from '../chain/seal.js';
import { firstLine, type LineBytes } from './line-bytes.js';

/** Where the chain of a file stands. */
export interface ChainTip {
  readonly head: string;
  /** Hash over `head` and the lines after the last seal, when there are such lines. */
  readonly open: Hash | undefined;
}

/** Seals the last line of a group that has lines. Gives the chain after it. */
export function sealGroup(lines: LineBytes, tip: ChainTip): ChainTip {
  const hash = tip.open?.copy() ?? beginGroup(tip.head);
  const { head, length } = sealLines(lines.bytes.subarray(firstLine), lines.end - firstLine, hash);
  lines.end = firstLine + length;
  return { head, open: undefined };
}
