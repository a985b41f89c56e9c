import type { Hash } from 'node:crypto';
import type { JsonlError } from '../errors.js';
import { beginGroup, sealBytes, sealGroup } from '../chain/seal.js';

/** Lines that one call appends. They are never divided between groups. */
export interface Entry {
  readonly lines: readonly string[];
  /** Bytes of the lines with their newlines. */
  readonly bytes: number;
  /** Whether this entry asks for a sync even if the writer's durability does not. */
  readonly sync: boolean;
  readonly resolve: (result: { readonly bytes: number }) => void;
  readonly reject: (error: JsonlError) => void;
}

/** Where the chain of a file stands. */
export interface ChainTip {
  readonly head: string;
  /** Hash over `head` and the lines after the last seal, when there are such lines. */
  readonly open: Hash | undefined;
}

export interface LaidOutGroup {
  readonly bytes: Buffer;
  /** The chain after this group. */
  readonly tip: ChainTip | undefined;
  /** Bytes the seal added to the last line. */
  readonly sealed: number;
}

export interface GroupLayout {
  layOut(entries: readonly Entry[], tip: ChainTip | undefined): LaidOutGroup;
}

/** Puts the lines of a group into one buffer, which is used again for the next group. */
export function createGroupLayout(leadingNewline: boolean): GroupLayout {
  let scratch = Buffer.alloc(0);
  return {
    layOut(entries, tip) {
      const lead = leadingNewline ? 1 : 0;
      const needed = entries.reduce((sum, entry) => sum + entry.bytes, lead + sealBytes);
      if (scratch.length < needed) {
        scratch = Buffer.allocUnsafeSlow(Math.max(needed, Math.min(scratch.length * 2, 1 << 20)));
      }
      let length = 0;
      if (leadingNewline) length = scratch.writeUInt8(10, 0);
      for (const entry of entries) {
        for (const line of entry.lines) {
          length += scratch.write(line, length, 'utf8');
          length = scratch.writeUInt8(10, length);
        }
      }
      if (length === lead) return { bytes: scratch.subarray(0, 0), tip, sealed: 0 };
      if (tip === undefined) return { bytes: scratch.subarray(0, length), tip, sealed: 0 };
      const hash = tip.open?.copy() ?? beginGroup(tip.head);
      const sealed = sealGroup(scratch, length, hash);
      return {
        bytes: scratch.subarray(0, sealed.length),
        tip: { head: sealed.head, open: undefined },
        sealed: sealed.length - length,
      };
    },
  };
}
