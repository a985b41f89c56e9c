import { existsSync, watch } from 'node:fs';
import type { FSWatcher } from 'node:fs';
import { dirname } from 'node:path';

const POLL_MS = 50;

/** Resolves when the file exists; rejects when the signal aborts. */
export function waitForFile(file: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    let watcher: FSWatcher | undefined;
    const stop = () => {
      clearInterval(poll);
      watcher?.close();
      signal.removeEventListener('abort', abort);
    };
    const abort = () => {
      stop();
      reject(signal.reason as Error);
    };
    const look = () => {
      if (!existsSync(file)) return;
      stop();
      resolve();
    };
    // Watching is quick but not sure: the directory may be missing, or on a network file system.
    const poll = setInterval(look, POLL_MS);
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) {
      abort();
      return;
    }
    try {
      watcher = watch(dirname(file), look);
      watcher.on('error', () => watcher?.close());
    } catch {
      // The poll alone sees it then.
    }
    look();
  });
}
