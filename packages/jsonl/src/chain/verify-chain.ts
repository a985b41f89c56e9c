import { nodeFileSystem, type FileSystem } from '../file-system.js';
import { openSource } from '../read/byte-source.js';
import { readError } from '../read/open-for-reading.js';
import { checkRange } from '../read/read-options.js';
import { scanChain } from './scan-chain.js';
import { checkPrevious } from './seal.js';

export interface VerifyChainOptions {
  /** The hash the file goes on from: the head of the file before it, or `chainStart`. */
  readonly previous: string;
  /** Verify only the first `until` bytes, as if the file ended there. @default Infinity */
  readonly until?: number;
  /** @default node:fs */
  readonly fileSystem?: FileSystem;
}

/** The part of a file whose chain holds. */
export interface ChainHeld {
  /** The last hash: it stands for every byte before `bytes`, and for `previous`. */
  readonly head: string;
  /** Length of that part in bytes. */
  readonly bytes: number;
  /** Lines in it that are not blank. */
  readonly records: number;
  /** Commit groups in it. */
  readonly groups: number;
}

/** Where and how a chain is broken. */
export interface ChainBreak {
  /**
   * `hash_mismatch`: the bytes of this group, or of its seal, are not what was written.
   * `too_short`: the file ends before `until`.
   */
  readonly reason: 'hash_mismatch' | 'too_short';
  /** The first group that does not hold, or what is missing of the file. */
  readonly byteStart: number;
  readonly byteEnd: number;
  /** What holds before it. */
  readonly held: ChainHeld;
}

/** What {@link verifyChain} found. */
export type ChainCheck =
  | (ChainHeld & {
      /** What follows the last seal, and is vouched for by nothing: it was never acknowledged. */
      readonly unsealed?: {
        readonly records: number;
        readonly byteStart: number;
        readonly byteEnd: number;
      };
      readonly broken?: undefined;
    })
  | { readonly broken: ChainBreak };

/**
 * Follows the hash chain of a file written with `chain`, in one pass and constant memory. A file that was
 * compressed since is read as its text, and bytes are counted in that.
 *
 * A chain shows that bytes were changed, not by whom; and a file cut at the end of a group holds.
 * Whoever needs to know that nothing is missing compares `head` or `bytes` with what it kept.
 *
 * @throws TypeError when `previous` is no hash. @throws RangeError when `until` is no byte offset.
 * @throws JsonlError `ORCH_JSONL_NOT_FOUND`, `ORCH_JSONL_OPEN_FAILED`, `ORCH_JSONL_READ_FAILED`
 * (also where what is compressed is damaged), `ORCH_JSONL_UNSUPPORTED`.
 */
export async function verifyChain(path: string, options: VerifyChainOptions): Promise<ChainCheck> {
  const { previous, until = Infinity, fileSystem = nodeFileSystem } = options;
  checkPrevious(previous);
  const { to } = checkRange({ to: until });
  const source = await openSource(fileSystem, path, 0, 'auto');
  try {
    const state = await scanChain((into) => source.read(into), previous, to);
    const { head, bytes, records, groups, broken, read } = state;
    const held: ChainHeld = { head, bytes, records, groups };
    if (broken !== undefined) {
      const { byteStart, byteEnd } = broken;
      return { broken: { reason: 'hash_mismatch', byteStart, byteEnd, held } };
    }
    const damage = source.damage();
    if (damage !== undefined) throw readError(path, read, damage);
    if (to !== Infinity && read < to) {
      return { broken: { reason: 'too_short', byteStart: read, byteEnd: to, held } };
    }
    if (read === bytes) return held;
    return { ...held, unsealed: { records: state.openRecords, byteStart: bytes, byteEnd: read } };
  } finally {
    await source.close();
  }
}
