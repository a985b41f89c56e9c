import { nodeFileSystem, type FileSystem } from '../src/index.js';

/** One moment of a call: when it was made, or when it had returned. */
export interface Moment {
  readonly call: keyof FileSystem;
  readonly stage: 'begin' | 'end';
  /** What a `write` took, at its end. */
  readonly bytes?: Buffer;
  readonly length?: number;
}

export interface Recording {
  readonly fileSystem: FileSystem;
  readonly moments: Moment[];
  /** How often a call was made. */
  readonly count: (call: keyof FileSystem) => number;
}

/** The real file system, with a record of every call that changes a file or makes it durable. */
export function recordFileSystem(base: FileSystem = nodeFileSystem): Recording {
  const moments: Moment[] = [];

  async function noting<T>(
    call: keyof FileSystem,
    work: () => Promise<T>,
    more: (result: T) => Partial<Moment> = () => ({}),
  ): Promise<T> {
    moments.push({ call, stage: 'begin' });
    const result = await work();
    moments.push({ call, stage: 'end', ...more(result) });
    return result;
  }
  function notingSync<T>(
    call: keyof FileSystem,
    work: () => T,
    more: (result: T) => Partial<Moment> = () => ({}),
  ): T {
    moments.push({ call, stage: 'begin' });
    const result = work();
    moments.push({ call, stage: 'end', ...more(result) });
    return result;
  }
  const taken = (bytes: Uint8Array, start: number) => (count: number) => ({
    bytes: Buffer.from(bytes.subarray(start, start + count)),
  });

  return {
    moments,
    count: (call) =>
      moments.filter((moment) => moment.call === call && moment.stage === 'begin').length,
    fileSystem: {
      ...base,
      open: (path, intent, mode) => noting('open', () => base.open(path, intent, mode)),
      write: (file, bytes, start, end) =>
        noting('write', () => base.write(file, bytes, start, end), taken(bytes, start)),
      writeSync: (file, bytes, start, end) =>
        notingSync('writeSync', () => base.writeSync(file, bytes, start, end), taken(bytes, start)),
      fdatasync: (file) => noting('fdatasync', () => base.fdatasync(file)),
      fdatasyncSync: (file) => notingSync('fdatasyncSync', () => base.fdatasyncSync(file)),
      truncate: (file, length) =>
        noting(
          'truncate',
          () => base.truncate(file, length),
          () => ({ length }),
        ),
      fsyncDirectory: (path) => noting('fsyncDirectory', () => base.fsyncDirectory(path)),
    },
  };
}

/**
 * What the disk is sure to hold if the power fails after these moments: what a returned sync covers.
 * A sync covers what was written before it was called. Without a synced name there is no file.
 */
export function durableImage(moments: readonly Moment[]): Buffer {
  let written = Buffer.alloc(0);
  let beingSynced = written;
  let durable = written;
  let named = false;
  for (const { call, stage, bytes, length } of moments) {
    if (bytes !== undefined) written = Buffer.concat([written, bytes]);
    if (length !== undefined) written = written.subarray(0, length);
    const syncs = call === 'fdatasync' || call === 'fdatasyncSync';
    if (syncs && stage === 'begin') beingSynced = written;
    if (syncs && stage === 'end') durable = beingSynced;
    if (call === 'fsyncDirectory' && stage === 'end') named = true;
  }
  return named ? durable : Buffer.alloc(0);
}
