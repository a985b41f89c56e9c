import type { Loaded } from './loaded.js';
import { sameJson } from './json.js';
import type { Source } from './source.js';
import { watchPlaces } from './watch-places.js';

export interface WatchOptions<T> {
  /** The settings are other ones now, and good. */
  readonly onChange: (loaded: Loaded<T>) => void;
  /** What is wrong is not what it was: with errors the last good settings stay; without any, all is well again. */
  readonly onProblems?: (loaded: Loaded<T>) => void;
  /** Changes that follow each other within this time are one. @default 100 */
  readonly debounceMs?: number;
}

export interface SettingsWatch<T> {
  /** The last good settings; before there were any, the newest with their problems. */
  readonly current: Loaded<T>;
  /** Stops. Nothing is called afterwards. */
  close(): void;
}

/** Loads settings, and again whenever one of their sources changes. */
export async function watchSettings<T>(
  load: () => Promise<Loaded<T>>,
  sources: readonly Source[],
  { onChange, onProblems, debounceMs = 100 }: WatchOptions<T>,
): Promise<SettingsWatch<T>> {
  let timer: NodeJS.Timeout | undefined;
  let reloading: Promise<void> | undefined;
  let closed = false;
  const places = watchPlaces(sources, touched);
  let latest = await load();
  let good = latest;

  function touched(): void {
    if (closed) return;
    clearTimeout(timer);
    timer = setTimeout(() => {
      // A load under way may have read what is now old: one more comes after it.
      reloading = (reloading ?? Promise.resolve()).then(reload);
    }, debounceMs);
  }

  async function reload(): Promise<void> {
    if (closed) return;
    places.refresh();
    const next = await load();
    if (!isClosed()) take(next);
  }

  const isClosed = (): boolean => closed;

  function take(next: Loaded<T>): void {
    const problemsChanged = said(latest) !== said(next);
    latest = next;
    const wasGood = good.value !== undefined;
    if (next.value !== undefined || !wasGood) {
      const changed = !wasGood || !sameJson(good.merged, next.merged);
      good = next;
      if (next.value !== undefined && changed) {
        onChange(next);
        return;
      }
    }
    if (problemsChanged) onProblems?.(next);
  }

  return {
    get current() {
      return good;
    },
    close() {
      closed = true;
      clearTimeout(timer);
      places.close();
    },
  };
}

const said = (loaded: Loaded<unknown>): string => JSON.stringify(loaded.problems);
