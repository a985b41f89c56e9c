import { basename, dirname, join } from 'node:path';
import { archiveName, archivesIn } from '../archive-names.js';
import { JsonlError, isFull, reasonOf, systemCode } from '../errors.js';
import { ask, type Steps } from './steps.js';
import type { Target } from './target.js';

/** Whether a group of `bytes` more would make the file too long. An empty file takes any group. */
export function isDue({ settings }: Target, size: number, bytes: number): boolean {
  return settings.rotate !== undefined && size > 0 && size + bytes > settings.rotate.bytes;
}

function rotateError(path: string, what: string, cause: unknown): JsonlError {
  return new JsonlError(
    isFull(cause) ? 'ORCH_JSONL_DISK_FULL' : 'ORCH_JSONL_ROTATE_FAILED',
    `Cannot rotate ${path}: ${what}: ${reasonOf(cause)}; nothing is lost; open it again once the cause is gone`,
    { path },
    cause,
  );
}

/**
 * Gives the full file its number. The new name is on the disk before another file can take the old
 * one: if only the second of both changes survived a power loss, the full file would have no name.
 */
export function* setAside(target: Target): Steps<void> {
  const { path, file } = target;
  const directory = dirname(path);
  try {
    if (target.unsynced) yield* ask('fdatasync', file);
    target.unsynced = false;
    const names = yield* ask('list', directory);
    const last = archivesIn(names, basename(path)).at(-1)?.number ?? 0;
    const name = archiveName(basename(path), last + 1);
    // To rename is to replace.
    if (names.includes(name)) throw new Error(`${name} is there already`);
    yield* ask('rename', path, join(directory, name));
    yield* ask('fsyncDirectory', directory);
  } catch (cause) {
    throw rotateError(path, 'it could not be renamed', cause);
  }
  target.rotations += 1;
}

/** Opens or creates, and knows for certain which of both it was. Throws what the system throws. */
export function* openOrCreate(
  path: string,
  create: 'open' | 'new' | 'existing',
  mode: number,
): Steps<{ file: number; created: boolean }> {
  // Another process may create or remove the file between two tries, but not for ever.
  for (let tries = 0; ; tries += 1) {
    try {
      if (create !== 'new')
        return { file: yield* ask('open', path, 'append', mode), created: false };
    } catch (cause) {
      if (create === 'existing' || systemCode(cause) !== 'ENOENT') throw cause;
    }
    try {
      return { file: yield* ask('open', path, 'create', mode), created: true };
    } catch (cause) {
      if (create === 'new' || systemCode(cause) !== 'EEXIST' || tries === 10) throw cause;
    }
  }
}

/** Goes on with the file that has the name now, and makes that name durable before anything is in it. */
export function* reopen(target: Target): Steps<void> {
  const { path, settings } = target;
  const { access, mode, fileSystem } = settings;
  const old = target.file;
  try {
    // What was written before another process renamed the file is a promise still.
    if (target.unsynced) yield* ask('fdatasync', old);
    const opened = yield* openOrCreate(path, access === 'exclusive' ? 'new' : 'open', mode);
    target.file = opened.file;
    target.unsynced = false;
    target.lineEnd = 0;
    if (target.length !== undefined) target.length = 0;
    if (target.identity !== undefined) target.identity = fileSystem.identifySync(opened.file);
    yield* ask('close', old);
    yield* ask('fsyncDirectory', dirname(path));
  } catch (cause) {
    throw rotateError(path, 'the next file could not be opened', cause);
  }
}
