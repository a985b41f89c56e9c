/**
 * Durable append, fast read and recovery of JSON Lines files.
 *
 * ```ts
 * import { openWriter, read } from '@orch/jsonl';
 *
 * const writer = await openWriter<{ n: number }>('events.jsonl');
 * await Promise.all([writer.append({ n: 1 }), writer.append({ n: 2 })]); // one write, one sync
 * await writer.close();
 *
 * const reader = read<{ n: number }>('events.jsonl');
 * for await (const { n } of reader) console.log(n);
 * console.log(reader.faults); // damage, with byte ranges; [] here
 * ```
 *
 * Guarantees: with the default durability a resolved append is on the disk; records stand in the
 * order of the calls; a torn line of a killed process never swallows another record; a writer that
 * met an error refuses everything after it; a reader delivers every whole record and reports the rest.
 *
 * It does not: bring the records of several writers into one order, change a damaged file in place,
 * or keep several hosts apart on a network file system.
 *
 * @module
 */
export { openWriter, type JsonlWriter } from './write/writer.js';
export type { Access, Durability, RotateOptions, WriterOptions } from './write/writer-options.js';
export type { Opened } from './write/open-file.js';

export { read, readAll, type Entry, type JsonlReader, type ReadResult } from './read/reader.js';
export { readSync, type ReadSyncOptions, type SyncJsonlReader } from './read/read-sync.js';
export {
  readBackwards,
  readTail,
  type BackwardsOptions,
  type BackwardsReader,
} from './read/read-backwards.js';
export type { OnCorrupt, ReadOptions } from './read/read-options.js';
export type { Compression, Input } from './read/byte-source.js';
export type { Scalar, Where } from './read/select-lines.js';
export type { StandardSchema } from './read/schema.js';
export { follow, type Followed, type FollowOptions } from './read/follow.js';
export type { FollowPlace } from './read/place.js';
export { isHarmless, type Fault, type FaultKind } from './read/fault.js';

export {
  openIndex,
  type IndexedLine,
  type IndexOptions,
  type LineIndex,
} from './index-file/open-index.js';
export { verify, type Verification, type VerifyOptions } from './recover/verify.js';
export { repair, type Repair, type RepairOptions } from './recover/repair.js';

export { chainStart } from './chain/seal.js';
export {
  verifyChain,
  type ChainBreak,
  type ChainCheck,
  type ChainHeld,
  type VerifyChainOptions,
} from './chain/verify-chain.js';

export { nodeFileSystem, type FileSystem, type OpenIntent } from './file-system.js';
export { JsonlError, type JsonlErrorCode } from './errors.js';
