import { nodeFileSystem, type FileSystem } from '../src/index.js';

/**
 * Reads from bytes in memory, so that a check can be made for every offset of a file in a moment.
 * `chunkBytes` makes each read short, so that lines and characters are cut everywhere.
 */
export function bytesFileSystem(content: Uint8Array, chunkBytes = Infinity): FileSystem {
  return {
    ...nodeFileSystem,
    open: () => Promise.resolve(1),
    close: () => Promise.resolve(),
    stat: () => Promise.resolve(content.length),
    fdatasync: () => Promise.resolve(),
    read(_file, bytes, position) {
      const end = position + Math.min(bytes.length, chunkBytes);
      const part = content.subarray(position, end);
      bytes.set(part);
      return Promise.resolve(part.length);
    },
  };
}
