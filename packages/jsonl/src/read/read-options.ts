import { constants } from 'node:buffer';
import type { FileSystem } from '../file-system.js';
import type { Compression } from './byte-source.js';
import type { Fault } from './fault.js';
import { checkSchema, type StandardSchema } from './schema.js';
import { checkWhere, type Where } from './select-lines.js';

/**
 * What to do about damage: `skip` reports it in `faults` and goes on; `throw` ends the pass with
 * `ORCH_JSONL_CORRUPT` (a torn or pending tail, and what loses nothing, is still only reported); a
 * function is called with each fault, and nothing is kept in `faults`.
 */
export type OnCorrupt = 'throw' | 'skip' | ((fault: Fault) => void);

/** How a file is read. */
export interface ReadOptions {
  /** Byte offset to begin at: 0, or the `byteEnd` of an entry. @default 0 */
  readonly from?: number;
  /** Byte offset to end at, as if the file ended there. @default Infinity */
  readonly to?: number;
  /** Longest line that is held in memory, in bytes; a longer one is a `too_long` fault. @default 67108864 */
  readonly maxLineBytes?: number;
  /** @default 'skip' */
  readonly onCorrupt?: OnCorrupt;
  /**
   * Gives only records whose top-level fields equal these. Lines whose bytes show that they cannot
   * match are not parsed, and damage in them is not reported.
   */
  readonly where?: Where;
  /**
   * Gives only these top-level fields of each record, `{}` for a record that is no object. A line is
   * not parsed for them but searched, up to the last of them: what stands in other fields is not
   * checked to be valid JSON. Of a name that stands twice either value may be given. Behind the last
   * field that is wanted, damage is seen where the line does not end with a brace or another record
   * seems to begin in it; damage that leaves the line looking whole is not.
   */
  readonly fields?: readonly string[];
  /** Validates each record (after `where` and `fields`); one that does not fit is an `invalid_schema` fault. */
  readonly schema?: StandardSchema;
  /** A last line without newline may still be being written: it is a `pending_tail`. @default false */
  readonly live?: boolean;
  /**
   * `remove` leaves out every property named `__proto__`, at any depth; `keep` gives it as the own
   * property that JSON.parse makes of it, which is harmless until something like Object.assign copies it.
   * @default 'keep'
   */
  readonly proto?: 'keep' | 'remove';
  /** How the file is packed. Offsets are those of the unpacked text. @default 'auto' */
  readonly compression?: Compression;
  /** @default node:fs */
  readonly fileSystem?: FileSystem;
}

/** What is read of a file, and how much a line may have. */
export interface ScanRange {
  readonly from: number;
  readonly to: number;
  readonly maxLineBytes: number;
}

export const defaultMaxLineBytes = 64 * 1024 * 1024;

function offset(name: string, value: number): number {
  if (value === Infinity || (Number.isSafeInteger(value) && value >= 0)) return value;
  throw new RangeError(`${name} must be a byte offset of 0 or more, received ${value}`);
}

/** Checks a range once, where it enters. @throws RangeError */
export function checkRange(range: {
  from?: number | undefined;
  to?: number | undefined;
  maxLineBytes?: number | undefined;
}): ScanRange {
  const { from = 0, to = Infinity, maxLineBytes = defaultMaxLineBytes } = range;
  const most = constants.MAX_STRING_LENGTH;
  if (!Number.isSafeInteger(maxLineBytes) || maxLineBytes < 1 || maxLineBytes > most) {
    throw new RangeError(`maxLineBytes must be from 1 to ${most}, received ${maxLineBytes}`);
  }
  return { from: offset('from', from), to: offset('to', to), maxLineBytes };
}

/** @throws TypeError */
export function checkOneOf(name: string, value: string, allowed: readonly string[]): void {
  if (allowed.includes(value)) return;
  const expected = allowed.map((candidate) => `'${candidate}'`).join(', ');
  throw new TypeError(`${name} must be one of ${expected}, received ${JSON.stringify(value)}`);
}

/** @throws TypeError, RangeError for an option that is not what it must be. */
export function checkReadOptions(options: ReadOptions): ScanRange {
  checkSchema(options.schema);
  checkWhere(options.where);
  const { fields } = options;
  if (fields !== undefined && !fields.every((name) => typeof name === 'string')) {
    throw new TypeError('fields must be a list of names');
  }
  const { compression = 'auto', proto = 'keep' } = options;
  checkOneOf('compression', compression, ['auto', 'none', 'gzip', 'zstd']);
  checkOneOf('proto', proto, ['keep', 'remove']);
  return checkRange(options);
}
