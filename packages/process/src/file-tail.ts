import { closeSync, fstatSync, read, watch, type FSWatcher } from 'node:fs';
import { Readable } from 'node:stream';

/** Where changes are not told (network file systems), they are looked for this often. */
const lookMs = 200;
const chunkBytes = 64 * 1024;

/** A file that others still append to, as a stream. */
export interface FileTail {
  /** Ends only after `noMore`. */
  readonly stream: Readable;
  /** Nobody appends any more: the stream ends with what the file has now. */
  noMore(): void;
}

export interface FileTailOptions {
  /** Called once when the file is larger. It is looked at with every read, and 5 times a second. */
  readonly maxBytes: number;
  onTooLarge(): void;
}

/** Follows an open file, which is at `path`, from its beginning; closes it when the stream has ended. */
export function createFileTail(file: number, path: string, options: FileTailOptions): FileTail {
  let position = 0;
  let end = Infinity;
  let reading = false;
  let waiting = false;
  let changed = false;
  let isTooLarge = false;
  let watcher: FSWatcher | undefined;

  function measure(): void {
    if (isTooLarge || fstatSync(file).size <= options.maxBytes) return;
    isTooLarge = true;
    options.onTooLarge();
  }

  function next(): void {
    if (reading || stream.destroyed) return;
    waiting = false;
    if (position >= end) {
      stream.push(null);
      return;
    }
    reading = true;
    changed = false;
    const length = Math.min(chunkBytes, end - position);
    const isWhole = end < Infinity;
    read(file, Buffer.allocUnsafe(length), 0, length, position, (error, count, buffer) => {
      reading = false;
      if (stream.destroyed) {
        closeSync(file);
        return;
      }
      if (error !== null) {
        stream.destroy(error);
        return;
      }
      measure();
      position += count;
      if (count > 0) {
        stream.push(buffer.subarray(0, count));
      } else if (isWhole) {
        // The file was cut meanwhile.
        end = position;
        next();
      } else if (changed) {
        // It has grown since, perhaps by the last that it will.
        next();
      } else {
        waiting = true;
      }
    });
  }

  function look(): void {
    changed = true;
    if (waiting) next();
  }

  const stream = new Readable({
    highWaterMark: chunkBytes,
    read: next,
    destroy(error, callback) {
      clearInterval(timer);
      watcher?.close();
      if (!reading) closeSync(file);
      callback(error);
    },
  });
  const timer = setInterval(() => {
    measure();
    look();
  }, lookMs);
  timer.unref();
  try {
    watcher = watch(path, { persistent: false }, look);
    watcher.on('error', () => watcher?.close());
  } catch {
    // No more files can be watched on this system: the timer looks.
  }
  return {
    stream,
    noMore() {
      if (stream.destroyed || end < Infinity) return;
      end = fstatSync(file).size;
      look();
    },
  };
}
