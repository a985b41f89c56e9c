import { JsonlError } from './errors.js';

/** flock(2) of the C library, which Node has no call for. The kernel ends a lock with its process. */
interface Flock {
  readonly call: (file: number, operation: number) => number;
  readonly errno: () => number;
  readonly codes: Readonly<Record<string, number>>;
}

const lockExclusive = 2;
const lockNonBlocking = 4;
const unlock = 8;

let loaded: Flock | undefined;

/** Loads the optional package that calls the C library. @throws JsonlError `ORCH_JSONL_LOCK_UNAVAILABLE` */
export async function loadFlock(): Promise<void> {
  if (loaded !== undefined) return;
  try {
    const { default: koffi } = await import('koffi');
    loaded = {
      // The process itself: every C library, whatever its name, is in it already.
      call: koffi.load(null).func('int flock(int file, int operation)') as Flock['call'],
      errno: () => koffi.errno(),
      codes: koffi.os.errno,
    };
  } catch (cause) {
    throw new JsonlError(
      'ORCH_JSONL_LOCK_UNAVAILABLE',
      "access 'locked' needs the optional package koffi to call flock(2), and it could not be loaded; " +
        'install it with `npm install koffi@3`, or use another access',
      { install: 'npm install koffi@3' },
      cause,
    );
  }
}

function run(file: number, operation: number): boolean {
  if (loaded === undefined) throw new Error('loadLocks() comes before the first lock');
  const { call, errno, codes } = loaded;
  while (call(file, operation) !== 0) {
    const number = errno();
    if (number === codes['EINTR']) continue;
    if (number === codes['EWOULDBLOCK'] || number === codes['EAGAIN']) return false;
    const code = Object.keys(codes).find((name) => codes[name] === number) ?? `errno ${number}`;
    throw Object.assign(new Error(`${code}: flock`), { code, errno: number, syscall: 'flock' });
  }
  return true;
}

/**
 * Never waits: a wait would hold one of the four threads that all file calls of a process share, and
 * four waiting writers would keep the one that has the lock from ever writing and giving it back.
 */
export const tryFlock = (file: number): boolean => run(file, lockExclusive | lockNonBlocking);

export const unlockFlock = (file: number): void => void run(file, unlock);
