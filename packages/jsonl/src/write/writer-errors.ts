import { JsonlError, reasonOf } from '../errors.js';

export function untidyError(path: string, cause: unknown): JsonlError {
  return new JsonlError(
    'ORCH_JSONL_ROTATE_FAILED',
    `Cannot compress or remove the full files of ${path}: ${reasonOf(cause)}; every record is in place, ` +
      'and the next rotation tries again',
    { path },
    cause,
  );
}

export function unexpectedError(path: string, cause: unknown): JsonlError {
  const message = `Cannot append to ${path}: ${reasonOf(cause)}`;
  return new JsonlError('ORCH_JSONL_WRITE_FAILED', message, { path }, cause);
}

export function writerFailedError(path: string, first: JsonlError): JsonlError {
  return new JsonlError(
    'ORCH_JSONL_WRITER_FAILED',
    `Cannot append to ${path}: an earlier append failed, and this writer takes nothing more; close it and open the file again`,
    { path, first: first.code },
    first,
  );
}

export function closeError(path: string, cause: unknown): JsonlError {
  const message = `Cannot close ${path}: ${reasonOf(cause)}`;
  return new JsonlError('ORCH_JSONL_WRITE_FAILED', message, { path }, cause);
}

export function closedError(path: string): JsonlError {
  const message = `Cannot append to ${path}: this writer was closed; open the file again`;
  return new JsonlError('ORCH_JSONL_CLOSED', message, { path });
}

export function busyError(path: string): JsonlError {
  const message = `Cannot append to ${path} synchronously while an asynchronous append is being written; await flush() first`;
  return new JsonlError('ORCH_JSONL_BUSY', message, { path });
}

/** @param value something that JSON.stringify gives undefined for */
export function notHoldable(value: unknown): TypeError {
  return new TypeError(
    `A record must be a value that JSON can hold, received ${value === undefined ? 'undefined' : `a ${typeof value}`}`,
  );
}

export function stringifyFailed(cause: unknown): TypeError {
  const message = `A record must be a value that JSON can hold: ${reasonOf(cause)}`;
  return new TypeError(message, { cause });
}
