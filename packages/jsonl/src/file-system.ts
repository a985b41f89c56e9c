import * as fs from 'node:fs';
import { loadFlock, tryFlock, unlockFlock } from './flock.js';

/** What a file is opened for. `append` and `create` also allow reading; `create` fails with EEXIST. */
export type OpenIntent = 'read' | 'append' | 'create';

/**
 * Every call that writers, readers, `follow`, the lines of an index and a session make to the files of
 * records that they were given. Hand in another one to inject faults or to record the order of calls.
 * A file is whatever number `open` gave. `readSync`, `repair` and its new files, the sidecar of an
 * index, the watch that wakes `follow`, and a store of sessions have no such option: they use `node:fs`.
 *
 * `bytes` belong to the caller again once a call has returned: an implementation that keeps them
 * must copy them. Failures are thrown with a system `code` such as `ENOSPC`. What ends in `Sync`
 * does the same in place.
 */
export interface FileSystem {
  /** Opens a file. `mode` (permission bits) is used only for `create`. */
  open(path: string, intent: OpenIntent, mode: number): Promise<number>;
  openSync(path: string, intent: OpenIntent, mode: number): number;
  close(file: number): Promise<void>;
  closeSync(file: number): void;
  /** Reads at `position` into `bytes`; gives how many were read, 0 at the end of the file. */
  read(file: number, bytes: Uint8Array, position: number): Promise<number>;
  readSync(file: number, bytes: Uint8Array, position: number): number;
  /** Appends `[start, end)` of `bytes` in one call; gives how many bytes were taken, perhaps fewer. */
  write(file: number, bytes: Uint8Array, start: number, end: number): Promise<number>;
  writeSync(file: number, bytes: Uint8Array, start: number, end: number): number;
  /** Returns when all bytes of the file, and its length, are on the disk. */
  fdatasync(file: number): Promise<void>;
  fdatasyncSync(file: number): void;
  truncate(file: number, length: number): Promise<void>;
  truncateSync(file: number, length: number): void;
  /** The length of the file in bytes. */
  stat(file: number): Promise<number>;
  statSync(file: number): number;
  /** What tells this file from every other on the machine; `undefined` for a path that names none. */
  identify(target: number | string): Promise<string | undefined>;
  identifySync(target: number | string): string | undefined;
  /** Gives a file another name in one step. A file of that name is replaced. */
  rename(from: string, to: string): Promise<void>;
  renameSync(from: string, to: string): void;
  /** The names in a directory, in no order. */
  list(directory: string): Promise<string[]>;
  listSync(directory: string): string[];
  /** Removes a name. */
  remove(path: string): Promise<void>;
  /** Returns when the names of the files in this directory are on the disk. */
  fsyncDirectory(path: string): Promise<void>;
  fsyncDirectorySync(path: string): void;
  /** Called once before the first lock. @throws JsonlError `ORCH_JSONL_LOCK_UNAVAILABLE` */
  loadLocks(): Promise<void>;
  /** Locks a file against other open files, unless it is locked; gives whether it did. Never waits. */
  tryLock(file: number): boolean;
  unlock(file: number): void;
}

const { O_RDONLY, O_RDWR, O_APPEND, O_CREAT, O_EXCL, O_NONBLOCK } = fs.constants;
const flags: Record<OpenIntent, number> = {
  // A pipe under the name of a file must be an error, not a wait without end.
  read: O_RDONLY | O_NONBLOCK,
  append: O_RDWR | O_APPEND,
  create: O_RDWR | O_APPEND | O_CREAT | O_EXCL,
};

type Done<T> = (error: NodeJS.ErrnoException | null, value: T) => void;

function settle<T>(start: (done: Done<T>) => void): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    start((error, value) => {
      if (error === null) resolve(value);
      else reject(error);
    });
  });
}

function settleVoid(
  start: (done: (error: NodeJS.ErrnoException | null) => void) => void,
): Promise<void> {
  return new Promise<void>((resolve, reject) => {
    start((error) => {
      if (error === null) resolve();
      else reject(error);
    });
  });
}

/** Some network and FUSE file systems have no such call; their names need no separate sync. */
function ignoreUnsupported(error: unknown): void {
  const { code } = error as NodeJS.ErrnoException;
  if (code !== 'EINVAL' && code !== 'ENOTSUP') throw error;
}

const exact = { bigint: true } as const;
const tellApart = ({ dev, ino }: fs.BigIntStats): string => `${dev}:${ino}`;

/** The real file system (`node:fs`). Plain descriptors are used because they close only when told. */
export const nodeFileSystem: FileSystem = {
  open: (path, intent, mode) => settle((done) => fs.open(path, flags[intent], mode, done)),
  openSync: (path, intent, mode) => fs.openSync(path, flags[intent], mode),
  close: (file) => settleVoid((done) => fs.close(file, done)),
  closeSync: (file) => fs.closeSync(file),
  read: (file, bytes, position) =>
    settle((done) => fs.read(file, bytes, 0, bytes.length, position, done)),
  readSync: (file, bytes, position) => fs.readSync(file, bytes, 0, bytes.length, position),
  write: (file, bytes, start, end) =>
    settle((done) => fs.write(file, bytes, start, end - start, null, done)),
  // To check an offset takes a good part of what a short record takes.
  writeSync: (file, bytes, start, end) =>
    fs.writeSync(file, bytes, start === 0 ? undefined : start, end - start),
  fdatasync: (file) => settleVoid((done) => fs.fdatasync(file, done)),
  fdatasyncSync: (file) => fs.fdatasyncSync(file),
  truncate: (file, length) => settleVoid((done) => fs.ftruncate(file, length, done)),
  truncateSync: (file, length) => fs.ftruncateSync(file, length),
  stat: async (file) => (await settle<fs.Stats>((done) => fs.fstat(file, done))).size,
  statSync: (file) => fs.fstatSync(file).size,
  identify: async (target) => {
    if (typeof target === 'number') {
      return tellApart(await settle<fs.BigIntStats>((done) => fs.fstat(target, exact, done)));
    }
    try {
      return tellApart(await settle<fs.BigIntStats>((done) => fs.stat(target, exact, done)));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  },
  identifySync: (target) => {
    if (typeof target === 'number') return tellApart(fs.fstatSync(target, exact));
    const found = fs.statSync(target, { bigint: true, throwIfNoEntry: false });
    return found === undefined ? undefined : tellApart(found);
  },
  rename: (from, to) => settleVoid((done) => fs.rename(from, to, done)),
  renameSync: (from, to) => fs.renameSync(from, to),
  list: (directory) => settle<string[]>((done) => fs.readdir(directory, done)),
  listSync: (directory) => fs.readdirSync(directory),
  remove: (path) => settleVoid((done) => fs.unlink(path, done)),
  fsyncDirectory: async (path) => {
    const directory = await settle<number>((done) => fs.open(path, O_RDONLY, done));
    try {
      await settleVoid((done) => fs.fsync(directory, done)).catch(ignoreUnsupported);
    } finally {
      await settleVoid((done) => fs.close(directory, done));
    }
  },
  fsyncDirectorySync: (path) => {
    const directory = fs.openSync(path, O_RDONLY);
    try {
      fs.fsyncSync(directory);
    } catch (error) {
      ignoreUnsupported(error);
    } finally {
      fs.closeSync(directory);
    }
  },
  loadLocks: loadFlock,
  tryLock: tryFlock,
  unlock: unlockFlock,
};
