import * as fs from 'node:fs';

/** What a file is opened for. `append` and `create` also allow reading; `create` fails with EEXIST. */
export type OpenIntent = 'read' | 'append' | 'create';

/**
 * Every call that this package makes to the file system, and no other. Hand in another one to
 * inject faults or to record the order of calls. A file is whatever number `open` gave.
 *
 * `bytes` belong to the caller again once a call has returned: an implementation that keeps them
 * must copy them. Failures are thrown with a system `code` such as `ENOSPC`.
 */
export interface FileSystem {
  /** Opens a file. `mode` (permission bits) is used only for `create`. */
  open(path: string, intent: OpenIntent, mode: number): Promise<number>;
  close(file: number): Promise<void>;
  /** Reads at `position` into `bytes`; gives how many were read, 0 at the end of the file. */
  read(file: number, bytes: Uint8Array, position: number): Promise<number>;
  /** Appends at the end of the file in one call; gives how many bytes were taken, perhaps fewer. */
  write(file: number, bytes: Uint8Array): Promise<number>;
  writeSync(file: number, bytes: Uint8Array): number;
  /** Returns when all bytes of the file, and its length, are on the disk. */
  fdatasync(file: number): Promise<void>;
  fdatasyncSync(file: number): void;
  truncate(file: number, length: number): Promise<void>;
  truncateSync(file: number, length: number): void;
  /** The length of the file in bytes. */
  stat(file: number): Promise<number>;
  statSync(file: number): number;
  /**
   * What tells this file from every other, whatever name it has by now. Optional: without it,
   * following a file does not notice that another one took its place.
   */
  identify?(file: number): Promise<string>;
  /** Returns when the names of the files in this directory are on the disk. */
  fsyncDirectory(path: string): Promise<void>;
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

/** The real file system (`node:fs`). Plain descriptors are used because they close only when told. */
export const nodeFileSystem: FileSystem = {
  open: (path, intent, mode) => settle((done) => fs.open(path, flags[intent], mode, done)),
  close: (file) => settleVoid((done) => fs.close(file, done)),
  read: (file, bytes, position) =>
    settle((done) => fs.read(file, bytes, 0, bytes.length, position, done)),
  write: (file, bytes) => settle((done) => fs.write(file, bytes, 0, bytes.length, null, done)),
  writeSync: (file, bytes) => fs.writeSync(file, bytes, 0, bytes.length, null),
  fdatasync: (file) => settleVoid((done) => fs.fdatasync(file, done)),
  fdatasyncSync: (file) => fs.fdatasyncSync(file),
  truncate: (file, length) => settleVoid((done) => fs.ftruncate(file, length, done)),
  truncateSync: (file, length) => fs.ftruncateSync(file, length),
  stat: async (file) => (await settle<fs.Stats>((done) => fs.fstat(file, done))).size,
  statSync: (file) => fs.fstatSync(file).size,
  identify: async (file) => {
    const { dev, ino } = await settle<fs.BigIntStats>((done) =>
      fs.fstat(file, { bigint: true }, done),
    );
    return `${dev}:${ino}`;
  },
  fsyncDirectory: async (path) => {
    const directory = await settle<number>((done) => fs.open(path, O_RDONLY, done));
    try {
      await settleVoid((done) => fs.fsync(directory, done));
    } catch (error) {
      // Some network and FUSE file systems have no such call; their names need no separate sync.
      const code = (error as NodeJS.ErrnoException).code;
      if (code !== 'EINVAL' && code !== 'ENOTSUP') throw error;
    } finally {
      await settleVoid((done) => fs.close(directory, done));
    }
  },
};
