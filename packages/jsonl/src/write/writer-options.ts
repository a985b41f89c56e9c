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
 * Who writes the file. `exclusive`: only this writer, which the caller sees to. `shared`: any number
 * of processes of this machine on a local file system; each group begins with a newline, so that
 * what a killed process left never swallows a record, and readers meet blank lines.
 */
export type Access = 'exclusive' | 'shared';

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
  readonly fileSystem: FileSystem;
}

/** @throws TypeError, RangeError for an option that is not what it must be. */
export function checkWriterOptions(options: WriterOptions, node: FileSystem): WriterSettings {
  const access = oneOf('access', options.access ?? 'exclusive', ['exclusive', 'shared']);
  const durabilities = ['none', 'kernel', 'batch', 'sync'] as const;
  const maxBatchBytes = options.maxBatchBytes ?? 1024 * 1024;
  if (!Number.isSafeInteger(maxBatchBytes) || maxBatchBytes < 1) {
    throw new RangeError(`maxBatchBytes must be 1 or more, received ${maxBatchBytes}`);
  }
  if (options.chain !== undefined && access === 'shared') {
    throw new TypeError("chain needs access 'exclusive': one writer alone knows the previous hash");
  }
  return {
    access,
    durability: oneOf('durability', options.durability ?? 'batch', durabilities),
    create: oneOf('create', options.create ?? 'open', ['open', 'new', 'existing']),
    mode: options.mode ?? 0o600,
    previous: options.chain === undefined ? undefined : checkPrevious(options.chain.previous),
    maxBatchBytes,
    fileSystem: options.fileSystem ?? node,
  };
}
