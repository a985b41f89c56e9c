import { nodeFileSystem, type FileSystem } from '../src/index.js';

/** A system error as `node:fs` throws it. */
export function systemError(code: string, call: string): Error {
  return Object.assign(new Error(`${code}: injected, ${call}`), { code, syscall: call });
}

export interface Faults {
  /** Called before each call with its name and how often that name was called before; may throw. */
  before?(call: keyof FileSystem, index: number): void;
  /** How many of `length` bytes the write with this index takes. */
  take?(index: number, length: number): number;
}

/** The real file system, except where told. */
export function faultyFileSystem(faults: Faults, base: FileSystem = nodeFileSystem): FileSystem {
  const counts = new Map<keyof FileSystem, number>();
  function enter(call: keyof FileSystem): number {
    const index = counts.get(call) ?? 0;
    counts.set(call, index + 1);
    faults.before?.(call, index);
    return index;
  }
  function part(bytes: Uint8Array, index: number): Uint8Array {
    return bytes.subarray(0, faults.take?.(index, bytes.length) ?? bytes.length);
  }
  return {
    async open(path, intent, mode) {
      enter('open');
      return base.open(path, intent, mode);
    },
    async close(file) {
      await base.close(file);
      enter('close');
    },
    async read(file, bytes, position) {
      enter('read');
      return base.read(file, bytes, position);
    },
    async write(file, bytes) {
      const index = enter('write');
      return base.write(file, part(bytes, index));
    },
    writeSync(file, bytes) {
      const index = enter('writeSync');
      return base.writeSync(file, part(bytes, index));
    },
    async fdatasync(file) {
      enter('fdatasync');
      await base.fdatasync(file);
    },
    fdatasyncSync(file) {
      enter('fdatasyncSync');
      base.fdatasyncSync(file);
    },
    async truncate(file, length) {
      enter('truncate');
      await base.truncate(file, length);
    },
    truncateSync(file, length) {
      enter('truncateSync');
      base.truncateSync(file, length);
    },
    async stat(file) {
      enter('stat');
      return base.stat(file);
    },
    statSync(file) {
      enter('statSync');
      return base.statSync(file);
    },
    async fsyncDirectory(path) {
      enter('fsyncDirectory');
      await base.fsyncDirectory(path);
    },
  };
}
