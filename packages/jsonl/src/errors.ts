/** Why something failed. The union is closed; each code keeps its meaning for ever. */
export type JsonlErrorCode =
  /** The file (or, when it was to be created, its directory) does not exist. */
  | 'ORCH_JSONL_NOT_FOUND'
  /** `create: 'new'` was asked for and the file is already there. */
  | 'ORCH_JSONL_EXISTS'
  /** The file could not be opened, created or prepared, for another reason; see `cause`. */
  | 'ORCH_JSONL_OPEN_FAILED'
  /** The chain of an existing file does not verify, so nothing may be appended to it. */
  | 'ORCH_JSONL_CHAIN_BROKEN'
  /** No space, quota or allowed file size was left; the group was not committed. */
  | 'ORCH_JSONL_DISK_FULL'
  /** A write failed; the group was not committed. */
  | 'ORCH_JSONL_WRITE_FAILED'
  /** The operating system could not make written bytes durable; the group counts as not committed. */
  | 'ORCH_JSONL_SYNC_FAILED'
  /** Somebody else changed a file that was opened with `access: 'exclusive'`; the group is not acknowledged. */
  | 'ORCH_JSONL_NOT_EXCLUSIVE'
  /** `access: 'locked'` was asked for and the optional package that locks files is not installed. */
  | 'ORCH_JSONL_LOCK_UNAVAILABLE'
  /** Another process held the lock of the file for too long; nothing was written. */
  | 'ORCH_JSONL_LOCK_TIMEOUT'
  /** A full file could not be put aside, or the next one not be begun; the group was not written. */
  | 'ORCH_JSONL_ROTATE_FAILED'
  /** An earlier group failed, so this writer takes nothing more; `cause` is that first failure. */
  | 'ORCH_JSONL_WRITER_FAILED'
  /** The writer or index was closed before this call. */
  | 'ORCH_JSONL_CLOSED'
  /** `appendSync` was called while an asynchronous group is being written. */
  | 'ORCH_JSONL_BUSY'
  /** The `redact` function returned something that is not one line of JSON. Nothing was written. */
  | 'ORCH_JSONL_REDACTION_INVALID'
  /** Reading failed; see `cause`. */
  | 'ORCH_JSONL_READ_FAILED'
  /** Damage was found and `onCorrupt: 'throw'` was asked for; `details.fault` says where. */
  | 'ORCH_JSONL_CORRUPT'
  /** A followed file became shorter than what was delivered from it, or indexed lines are no longer there. */
  | 'ORCH_JSONL_SHRUNK'
  /** The file in which following was to go on is not there any more; what came after may be lost to the reader. */
  | 'ORCH_JSONL_PLACE_LOST'
  /** The file is compressed in a way that this Node, or this function, cannot read. */
  | 'ORCH_JSONL_UNSUPPORTED'
  /** A session record was written in a newer format than this version knows. */
  | 'ORCH_JSONL_SESSION_VERSION'
  /** No session of this id is in the store. */
  | 'ORCH_JSONL_SESSION_NOT_FOUND'
  /** A session of this id is in the store already. */
  | 'ORCH_JSONL_SESSION_EXISTS'
  /** A process writes this session now; `details.pid` names it where it is known. */
  | 'ORCH_JSONL_SESSION_HELD'
  /** A file that was to be imported is no transcript. */
  | 'ORCH_JSONL_TRANSCRIPT_INVALID'
  /** A table of prices is not what it must be; `details.reason` says where. */
  | 'ORCH_JSONL_PRICES_INVALID';

const brand = Symbol.for('@orch/jsonl.error');

/** The one error class of this package. Use {@link JsonlError.isInstance}, which survives two copies of it. */
export class JsonlError extends Error {
  readonly code: JsonlErrorCode;
  /** Facts about the failure, such as `path`, byte offsets, or the fault found. */
  readonly details: Readonly<Record<string, unknown>>;
  readonly [brand] = true;

  constructor(
    code: JsonlErrorCode,
    message: string,
    details: Readonly<Record<string, unknown>>,
    cause?: unknown,
  ) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'JsonlError';
    this.code = code;
    this.details = details;
  }

  /** Whether a caught value is an error of this package, whichever copy of it threw. */
  static isInstance(value: unknown): value is JsonlError {
    return typeof value === 'object' && value !== null && brand in value;
  }
}

/** The code of a system error (`ENOENT`), or an empty string. */
export function systemCode(error: unknown): string {
  if (typeof error !== 'object' || error === null || !('code' in error)) return '';
  return typeof error.code === 'string' ? error.code : '';
}

const fullCodes = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

/** Whether space, quota or the allowed size of a file was used up. */
export function isFull(error: unknown): boolean {
  return fullCodes.has(systemCode(error));
}

/** What a caught value says about itself. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
