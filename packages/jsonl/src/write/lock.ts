import { JsonlError } from '../errors.js';
import { pause, type Steps } from './steps.js';
import type { Target } from './target.js';

/** What writers of this process have locked: waiting in place for one of them would be for ever. */
const lockedHere = new Set<string>();
/** The first tries follow at once: a group is written in less time than a timer takes. */
const eagerTries = 3;
const longestPauseMs = 10;

/** Waits until nobody else holds the lock. @throws JsonlError `ORCH_JSONL_LOCK_TIMEOUT` */
export function* lock(target: Target): Steps<void> {
  const { path, settings, file, identity } = target;
  const since = performance.now();
  for (let tries = 0; !settings.fileSystem.tryLock(file); tries += 1) {
    if (performance.now() - since >= settings.lockTimeoutMs) {
      throw new JsonlError(
        'ORCH_JSONL_LOCK_TIMEOUT',
        `Cannot append to ${path}: another process has held its lock for ${settings.lockTimeoutMs} ms; ` +
          'see which one with `lslocks`, and open the file again once it has gone on or ended',
        { path, lockTimeoutMs: settings.lockTimeoutMs },
      );
    }
    const longest = Math.min(Math.max(0, tries - eagerTries), longestPauseMs);
    yield* pause(longest * (0.5 + Math.random() / 2));
  }
  if (identity !== undefined) lockedHere.add(identity);
}

export function unlock({ settings, file, identity }: Target): void {
  if (identity !== undefined) lockedHere.delete(identity);
  settings.fileSystem.unlock(file);
}

/** Whether a writer of this process has locked the file right now. */
export function isLockedHere({ identity }: Target): boolean {
  return identity !== undefined && lockedHere.has(identity);
}
