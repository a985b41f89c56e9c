import { JsonlError, reasonOf, systemCode } from '../errors.js';
import type { FileSystem } from '../file-system.js';

export function openError(path: string, cause: unknown): JsonlError {
  if (systemCode(cause) === 'ENOENT') {
    return new JsonlError(
      'ORCH_JSONL_NOT_FOUND',
      `Cannot read ${path}: there is no such file; check the path, or use follow() to wait for it`,
      { path },
      cause,
    );
  }
  const message = `Cannot open ${path} for reading: ${reasonOf(cause)}`;
  return new JsonlError('ORCH_JSONL_OPEN_FAILED', message, { path }, cause);
}

export function readError(path: string, position: number, cause: unknown): JsonlError {
  const message = `Cannot read ${path} at byte ${position}: ${reasonOf(cause)}`;
  return new JsonlError('ORCH_JSONL_READ_FAILED', message, { path, position }, cause);
}

/** Opens a file for reading. @throws JsonlError ORCH_JSONL_NOT_FOUND, ORCH_JSONL_OPEN_FAILED */
export async function openForReading(
  fileSystem: Pick<FileSystem, 'open'>,
  path: string,
): Promise<number> {
  try {
    return await fileSystem.open(path, 'read', 0);
  } catch (cause) {
    throw openError(path, cause);
  }
}

/** The same, undefined where there is no such file. @throws JsonlError ORCH_JSONL_OPEN_FAILED */
export async function openIfThere(
  fileSystem: Pick<FileSystem, 'open'>,
  path: string,
): Promise<number | undefined> {
  try {
    return await openForReading(fileSystem, path);
  } catch (error) {
    if (JsonlError.isInstance(error) && error.code === 'ORCH_JSONL_NOT_FOUND') return undefined;
    throw error;
  }
}

/** Reads once. @throws JsonlError ORCH_JSONL_READ_FAILED */
export async function readBytes(
  fileSystem: Pick<FileSystem, 'read'>,
  file: number,
  path: string,
  bytes: Uint8Array,
  position: number,
): Promise<number> {
  try {
    return await fileSystem.read(file, bytes, position);
  } catch (cause) {
    throw readError(path, position, cause);
  }
}
