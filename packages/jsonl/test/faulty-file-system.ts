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

type AnyCall = (...given: readonly unknown[]) => unknown;

const inPlace = (call: string): boolean =>
  call.endsWith('Sync') || call === 'tryLock' || call === 'unlock';

/** The real file system, except where told. A file is closed even if that is told to fail. */
export function faultyFileSystem(faults: Faults, base: FileSystem = nodeFileSystem): FileSystem {
  const counts = new Map<string, number>();
  function perform(call: keyof FileSystem, given: readonly unknown[]): unknown {
    // A write is one whether it is made in place or not.
    const counted = call === 'writeSync' ? 'write' : call;
    const index = counts.get(counted) ?? 0;
    counts.set(counted, index + 1);
    const run: AnyCall = (...args) => (base[call] as AnyCall)(...args);
    if (call === 'close' || call === 'closeSync') {
      const closed = run(...given);
      faults.before?.(call, index);
      return closed;
    }
    faults.before?.(call, index);
    if (call !== 'write' && call !== 'writeSync') return run(...given);
    const [file, bytes, start, end] = given as [number, Uint8Array, number, number];
    const length = end - start;
    return run(file, bytes, start, start + (faults.take?.(index, length) ?? length));
  }
  const calls = (Object.keys(base) as (keyof FileSystem)[]).map((call) => {
    const wrapped: AnyCall = inPlace(call)
      ? (...given) => perform(call, given)
      : (...given) => new Promise((resolve) => resolve(perform(call, given)));
    return [call, wrapped] as const;
  });
  return Object.fromEntries(calls) as unknown as FileSystem;
}
