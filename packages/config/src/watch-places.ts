import type { FSWatcher } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { fs } from './file-system.js';
import type { Source } from './source.js';

export interface WatchedPlaces {
  /** Looks again which directories are there. */
  refresh(): void;
  close(): void;
}

/** Names that count in a directory; undefined: all of them. */
type Places = Map<string, Set<string> | undefined>;

/**
 * Watches directories, not files: what an editor puts in the place of a file is another file. Where a
 * directory is not there, the nearest one above says when it appears; where a file is a link, the
 * directory of what it leads to is watched too.
 */
export function watchPlaces(sources: readonly Source[], onTouched: () => void): WatchedPlaces {
  const watchers = new Map<string, FSWatcher>();
  let places: Places = new Map();
  let closed = false;

  function refresh(): void {
    if (closed) return;
    // Something may have appeared between looking and watching: look until nothing is new.
    for (let grown = true; grown;) {
      places = findPlaces(sources);
      for (const place of watchers.keys()) if (!places.has(place)) drop(place);
      grown = [...places.keys()].filter((place) => !watchers.has(place) && add(place)).length > 0;
    }
  }

  function add(place: string): boolean {
    try {
      const watcher = fs.watch(place, { persistent: false }, (_event, name) => {
        const names = places.get(place);
        if (name === null || names === undefined || names.has(name)) onTouched();
      });
      watcher.on('error', () => {
        drop(place);
        onTouched();
      });
      watchers.set(place, watcher);
      return true;
    } catch {
      // It went away in between, and what is above it says so.
      return false;
    }
  }

  function drop(place: string): void {
    watchers.get(place)?.close();
    watchers.delete(place);
  }

  refresh();
  return {
    refresh,
    close() {
      closed = true;
      for (const place of [...watchers.keys()]) drop(place);
    },
  };
}

function findPlaces(sources: readonly Source[]): Places {
  const places: Places = new Map();
  for (const source of sources) {
    if ('value' in source) continue;
    const path = resolve('file' in source ? source.file : source.directory);
    const holder = 'file' in source ? dirname(path) : path;
    addPlace(places, holder);
    const target = realPath(path);
    if ('file' in source && target !== undefined) addPlace(places, dirname(target));
  }
  return places;
}

/** The directory with all its names, and the one above it, which tells when it is replaced. */
function addPlace(places: Places, directory: string): void {
  let child: string | undefined;
  for (let at = directory; ; at = dirname(at)) {
    const there = isDirectory(at);
    if (there) {
      if (child === undefined) places.set(at, undefined);
      else watchName(places, at, child);
    }
    if (there && child !== undefined) return;
    if (dirname(at) === at) return;
    child = basename(at);
  }
}

function watchName(places: Places, place: string, name: string): void {
  const names = places.get(place);
  if (names !== undefined) names.add(name);
  else if (!places.has(place)) places.set(place, new Set([name]));
}

function isDirectory(path: string): boolean {
  try {
    return fs.statSync(path).isDirectory();
  } catch {
    return false;
  }
}

function realPath(path: string): string | undefined {
  try {
    return fs.realpathSync.native(path);
  } catch {
    return undefined;
  }
}
