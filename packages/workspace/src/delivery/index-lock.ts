import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, linkSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

/**
 * git's own lock of a worktree's index, held by us. Its content says by whom, so that after a crash we can
 * tell our lock from that of another git process.
 */
export interface IndexLock {
  /** `foreign`: another process holds it. */
  look(): 'free' | 'ours' | 'foreign';
  /** Waits a little for another process; false when it stays locked. A lock of ours is taken over. */
  take(): Promise<boolean>;
  release(): void;
}

const tries = 20;
const pauseMs = 100;

export function createIndexLock(gitDirectory: string, purpose: string): IndexLock {
  const file = join(gitDirectory, 'index.lock');
  const mark = `orch ${purpose}\n`;
  const look = (): 'free' | 'ours' | 'foreign' => {
    try {
      return readFileSync(file, 'utf8') === mark ? 'ours' : 'foreign';
    } catch {
      return 'free';
    }
  };
  const create = (): boolean => {
    // Linked into place with its content, so that a crash leaves no lock without an owner.
    const half = join(gitDirectory, `orch-lock-${randomBytes(4).toString('hex')}`);
    const descriptor = openSync(half, 'wx', 0o600);
    try {
      writeSync(descriptor, mark);
      fsyncSync(descriptor);
      linkSync(half, file);
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
      throw error;
    } finally {
      closeSync(descriptor);
      rmSync(half, { force: true });
    }
  };
  return {
    look,
    async take() {
      for (let attempt = 1; attempt <= tries; attempt += 1) {
        if (look() === 'ours' || create()) return true;
        await wait(pauseMs);
      }
      return false;
    },
    release: () => rmSync(file, { force: true }),
  };
}
