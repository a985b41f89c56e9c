import { randomUUID } from 'node:crypto';
import * as fs from 'node:fs/promises';
import { dirname } from 'node:path';
import { isFull, JsonlError, reasonOf, systemCode } from '../errors.js';
import { nodeFileSystem } from '../file-system.js';

const flushBytes = 1024 * 1024;

/** A file that has its name only once it is whole and on the disk. */
export interface NewFile {
  readonly path: string;
  write(text: string): Promise<void>;
  /** Gives the file its name; never replaces another. */
  publish(): Promise<void>;
  /** Removes what was written under the temporary name. May be called after `publish`. */
  discard(): Promise<void>;
}

function existsError(path: string, cause?: unknown): JsonlError {
  return new JsonlError(
    'ORCH_JSONL_EXISTS',
    `Cannot create ${path}: it exists already, and is never replaced; choose another name`,
    { path },
    cause,
  );
}

async function failing<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const code = systemCode(cause);
    if (code === 'EEXIST') throw existsError(path, cause);
    const message = `Cannot write ${path}: ${reasonOf(cause)}; nothing was left there`;
    const kind = code === 'ENOENT' ? 'ORCH_JSONL_NOT_FOUND' : 'ORCH_JSONL_WRITE_FAILED';
    throw new JsonlError(isFull(cause) ? 'ORCH_JSONL_DISK_FULL' : kind, message, { path }, cause);
  }
}

/**
 * @throws JsonlError `ORCH_JSONL_EXISTS`, `ORCH_JSONL_NOT_FOUND` (its directory), `ORCH_JSONL_DISK_FULL`,
 * `ORCH_JSONL_WRITE_FAILED`, here and from its functions
 */
export async function createNewFile(path: string, mode: number): Promise<NewFile> {
  const isThere = await fs.lstat(path).then(
    () => true,
    () => false,
  );
  if (isThere) throw existsError(path);
  const temporary = `${path}.${randomUUID().slice(0, 8)}.tmp`;
  const handle = await failing(path, () => fs.open(temporary, 'wx', mode));
  let parts: string[] = [];
  let waiting = 0;
  let isOpen = true;

  const flush = async (): Promise<void> => {
    if (parts.length === 0) return;
    const bytes = Buffer.from(parts.join(''));
    parts = [];
    waiting = 0;
    for (let offset = 0; offset < bytes.length;) {
      offset += (await handle.write(bytes, offset)).bytesWritten;
    }
  };
  const close = async (): Promise<void> => {
    if (!isOpen) return;
    isOpen = false;
    await handle.close();
  };

  return {
    path,
    async write(text) {
      parts.push(text);
      waiting += text.length;
      if (waiting >= flushBytes) await failing(path, flush);
    },
    publish: () =>
      failing(path, async () => {
        await flush();
        await handle.sync();
        await close();
        // A link, unlike a rename, fails when somebody has taken the name meanwhile.
        await fs.link(temporary, path);
        await fs.unlink(temporary);
        await nodeFileSystem.fsyncDirectory(dirname(path));
      }),
    async discard() {
      await close();
      await fs.rm(temporary, { force: true });
    },
  };
}
