import type { FileSystem } from '../file-system.js';
import { checkPrevious } from '../chain/seal.js';

/**
 * What a resolved `append` means.
 *
 * - `none`: the record was taken; it is written soon. Failures appear at a later call.
 * - `kernel`: it is written; it survives the end of this process, not of the machine.
 * - `batch`: it is on the disk. Appends that wait at the same time share one sync.
 * - `sync`: it is on the disk, and each call has a sync (and in a chain a seal) of its own.
 */
export type Durability = 'none' | 'kernel' | 'batch' | 'sync';

/**
 * Who writes the file.
 *
 * - `exclusive`: only this writer, which the caller sees to. A file that somebody else appended to is
 *   noticed with the next group or `flush` (not by `appendSync` without a sync), which then fails
 *   with `ORCH_JSONL_NOT_EXCLUSIVE`: of two writers neither acknowledges what stands behind the other.
 * - `shared`: any number of processes of this machine on a local file system; each group begins with
 *   a newline, so that what a killed process left never swallows a record, and readers meet blank
 *   lines.
 * - `locked`: any number of processes which all use `locked`. Each group is written under flock(2),
 *   after a look at the last byte, so that there are no blank lines. Needs the package `koffi`.
 */
export type Access = 'exclusive' | 'shared' | 'locked';

/** When a file is put aside and another one begun in its place. */
export interface RotateOptions {
  /** The group that would make the file longer than this goes to a new file. */
  readonly bytes: number;
  /**
   * How many full files to keep, as `<path>.000001` and so on; the oldest beyond that are deleted.
   * @default Infinity
   */
  readonly keep?: number;
  /** Compress full files in the background, to `<path>.000001.gz`. @default none */
  readonly compress?: 'gzip';
}

export interface WriterOptions {
  /** @default 'exclusive' */
  readonly access?: Access;
  /** @default 'batch' */
  readonly durability?: Durability;
  /**
   * `open` creates the file or appends to it; `new` must create it; `existing` must find it.
   * @default 'open'
   */
  readonly create?: 'open' | 'new' | 'existing';
  /** Permission bits of a file that is created. @default 0o600 */
  readonly mode?: number;
  /** Seals each group with a hash over it and `previous`; only with `access: 'exclusive'`. */
  readonly chain?: { readonly previous: string };
  /** Begins a new file when this one is full; not with `access: 'shared'` or `chain`. */
  readonly rotate?: RotateOptions;
  /** How long a group waits for the lock of a `locked` file, in milliseconds. @default 10000 */
  readonly lockTimeoutMs?: number;
  /** Sees each line before it is written and returns what is written: one line of JSON. */
  readonly redact?: (line: string) => string;
  /**
   * Most bytes in a group, unless one call appends more: what one call appends stays together.
   * @default 1048576
   */
  readonly maxBatchBytes?: number;
  /** @default node:fs */
  readonly fileSystem?: FileSystem;
}

function oneOf<const T extends string>(name: string, value: string, allowed: readonly T[]): T {
  const found = allowed.find((candidate) => candidate === value);
  if (found !== undefined) return found;
  const expected = allowed.map((candidate) => `'${candidate}'`).join(', ');
  throw new TypeError(`${name} must be one of ${expected}, received ${JSON.stringify(value)}`);
}

/** What a line writer works with, checked once. */
export interface WriterSettings {
  readonly access: Access;
  readonly durability: Durability;
  readonly create: 'open' | 'new' | 'existing';
  readonly mode: number;
  readonly previous: string | undefined;
  readonly maxBatchBytes: number;
  readonly rotate: (Required<Omit<RotateOptions, 'compress'>> & { compress: boolean }) | undefined;
  readonly lockTimeoutMs: number;
  readonly fileSystem: FileSystem;
}

function atLeast(name: string, value: number, least: number): number {
  if (value === Infinity || (Number.isSafeInteger(value) && value >= least)) return value;
  throw new RangeError(`${name} must be a whole number of ${least} or more, received ${value}`);
}

function checkRotate(
  rotate: RotateOptions | undefined,
  access: Access,
  chained: boolean,
): WriterSettings['rotate'] {
  if (rotate === undefined) return undefined;
  if (access === 'shared') {
    throw new TypeError(
      "rotate needs access 'exclusive' or 'locked': others go on with the old file",
    );
  }
  if (chained) {
    throw new TypeError(
      'rotate and chain exclude each other: open each file of a chain with its own previous',
    );
  }
  if (rotate.compress !== undefined) oneOf('rotate.compress', rotate.compress, ['gzip']);
  return {
    bytes: atLeast('rotate.bytes', rotate.bytes, 1),
    keep: atLeast('rotate.keep', rotate.keep ?? Infinity, 1),
    compress: rotate.compress === 'gzip',
  };
}

/** @throws TypeError, RangeError for an option that is not what it must be. */
export function checkWriterOptions(options: WriterOptions, node: FileSystem): WriterSettings {
  const access = oneOf('access', options.access ?? 'exclusive', ['exclusive', 'shared', 'locked']);
  const durabilities = ['none', 'kernel', 'batch', 'sync'] as const;
  const rotate = checkRotate(options.rotate, access, options.chain !== undefined);
  const maxBatchBytes = atLeast('maxBatchBytes', options.maxBatchBytes ?? 1024 * 1024, 1);
  if (options.chain !== undefined && access !== 'exclusive') {
    throw new TypeError("chain needs access 'exclusive': one writer alone knows the previous hash");
  }
  return {
    access,
    durability: oneOf('durability', options.durability ?? 'batch', durabilities),
    create: oneOf('create', options.create ?? 'open', ['open', 'new', 'existing']),
    mode: options.mode ?? 0o600,
    previous: options.chain === undefined ? undefined : checkPrevious(options.chain.previous),
    maxBatchBytes: Math.min(maxBatchBytes, rotate?.bytes ?? Infinity),
    rotate,
    lockTimeoutMs: atLeast('lockTimeoutMs', options.lockTimeoutMs ?? 10_000, 0),
    fileSystem: options.fileSystem ?? node,
  };
}
