import { watch, type FSWatcher } from 'node:fs';
import { basename, dirname } from 'node:path';

/** Tells when a file may have changed. */
export interface Wake {
  /** Resolves at the next change, after `pollMs` at the latest, or when the signal aborts. */
  wait(): Promise<void>;
  close(): void;
}

/**
 * Watches the directory, as the file need not be there yet. A watch is only a hint (it may be refused
 * or miss changes, and network file systems have none), so time passing wakes as well.
 */
export function createWake(path: string, pollMs: number, signal: AbortSignal): Wake {
  const name = basename(path);
  let watcher: FSWatcher | undefined;
  /** A change came while nobody waited. */
  let changed = false;
  let notify: (() => void) | undefined;

  const wake = (): void => {
    changed = true;
    notify?.();
  };
  const stopWatching = (): void => {
    watcher?.close();
    watcher = undefined;
  };
  const startWatching = (): void => {
    try {
      watcher = watch(dirname(path), (_event, changedName) => {
        if (changedName === null || changedName === name) wake();
      });
      watcher.on('error', stopWatching);
    } catch {
      // The directory is not there yet, or no more watches are to be had: polling goes on.
    }
  };

  signal.addEventListener('abort', wake);
  startWatching();
  return {
    async wait() {
      if (watcher === undefined) startWatching();
      if (!changed && !signal.aborted) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, pollMs);
          notify = () => {
            clearTimeout(timer);
            resolve();
          };
        });
        notify = undefined;
      }
      changed = false;
    },
    close() {
      signal.removeEventListener('abort', wake);
      stopWatching();
    },
  };
}
