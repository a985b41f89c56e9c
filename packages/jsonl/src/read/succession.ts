import { basename, dirname, join } from 'node:path';
import { archivesIn, type Archive } from '../archive-names.js';
import type { FileSystem } from '../file-system.js';
import { openIfThere, readBytes } from './open-for-reading.js';
import { digestOf, headBytes, readHead, type Held, type Sought } from './place.js';

/** A file that comes after another. */
export interface Successor extends Held {
  /** How many files further on it is: more than one where some were removed, as far as numbers tell. */
  readonly steps: number;
}

/** Which file is followed after which. */
export interface Succession {
  /**
   * Opens the file that comes after `held`, or the first one; `undefined` while there is none. A file
   * that was rotated and has a successor since is not passed over, unless it was removed.
   */
  after(held: Held | undefined): Promise<Successor | undefined>;
  /** Opens the file of a place, under the name or among the rotated ones; `undefined` if it is neither. */
  of(place: Sought): Promise<Held | undefined>;
}

type Opened = Pick<Held, 'file' | 'identity'>;

async function openAsHeld(fileSystem: FileSystem, path: string): Promise<Opened | undefined> {
  const file = await openIfThere(fileSystem, path);
  if (file === undefined) return undefined;
  try {
    // What cannot be read at a place, as a pipe, would be waited for without end: it never has a length.
    await readBytes(fileSystem, file, path, new Uint8Array(1), 0);
    return { file, identity: await fileSystem.identify(file) };
  } catch (error) {
    await fileSystem.close(file);
    throw error;
  }
}

const namesOf = (archives: readonly Archive[]): string =>
  archives.map(({ name }) => name).join('\n');

export function createSuccession(fileSystem: FileSystem, path: string): Succession {
  /** What was rotated before following began, when there was no file of the name yet. */
  let before: number | undefined;

  async function listArchives(): Promise<Archive[]> {
    try {
      return archivesIn(await fileSystem.list(dirname(path)), basename(path));
    } catch {
      // Of a directory that may not be listed only the file itself can be followed.
      return [];
    }
  }

  /** The number that a file has by now: a lower one than it was to get, if somebody removed others before it. */
  async function numberOf(held: Held, archives: readonly Archive[]): Promise<number> {
    if (held.identity === undefined) return held.number;
    for (const { name, number } of archives.toReversed()) {
      if (number > held.number) continue;
      const identity = await fileSystem.identify(join(dirname(path), name));
      if (identity === held.identity) return number;
    }
    return held.number;
  }

  /** One try; `again` when names changed meanwhile. */
  async function look(held: Held | undefined): Promise<Successor | undefined | 'again'> {
    const current = await openAsHeld(fileSystem, path);
    const drop = async (): Promise<void> => {
      if (current !== undefined) await fileSystem.close(current.file);
    };
    if (current !== undefined && current.identity === held?.identity) {
      await drop();
      return undefined;
    }
    const archives = await listArchives();
    const last = archives.at(-1)?.number ?? 0;
    const since = held === undefined ? before : await numberOf(held, archives);
    const stepsTo = (number: number): number => Math.max(1, number - (since ?? number));
    const missed = archives.find(({ number }) => since !== undefined && number > since);
    if (missed !== undefined) {
      await drop();
      const opened = await openAsHeld(fileSystem, join(dirname(path), missed.name));
      if (opened === undefined) return 'again';
      const { number, compressed } = missed;
      return { ...opened, number, compressed, steps: stepsTo(number) };
    }
    if (current === undefined) {
      before ??= last;
      return undefined;
    }
    // Its number is known only if it was not rotated while the names were read.
    if ((await fileSystem.identify(path)) === current.identity) {
      return { ...current, number: last + 1, compressed: false, steps: stepsTo(last + 1) };
    }
    await drop();
    return 'again';
  }

  /** Opens a rotated file, if it is the one of the place; `again` when it has gone meanwhile. */
  async function openArchive(
    { name, number, compressed }: Archive,
    place: Sought,
  ): Promise<Held | undefined | 'again'> {
    const opened = await openAsHeld(fileSystem, join(dirname(path), name));
    if (opened === undefined) return 'again';
    return keepIf({ ...opened, number, compressed }, place);
  }

  async function keepIf(held: Held, place: Sought): Promise<Held | undefined> {
    let isKept = false;
    try {
      const bytes = Math.min(place.byteEnd, headBytes);
      const head = await readHead(fileSystem, held, path, bytes);
      isKept = head.length === bytes && digestOf(head) === place.digest;
    } finally {
      if (!isKept) await fileSystem.close(held.file);
    }
    return isKept ? held : undefined;
  }

  /** One try; `again` when names changed meanwhile. */
  async function seek(place: Sought): Promise<Held | undefined | 'again'> {
    const current = await openAsHeld(fileSystem, path);
    let isHandedOn = false;
    try {
      const archives = await listArchives();
      // First what was rotated: of a file that is put aside right now, its number counts.
      const earlier = archives.filter(({ number }) => number <= place.number);
      for (const archive of earlier) {
        const at = join(dirname(path), archive.name);
        if ((await fileSystem.identify(at)) !== place.identity) continue;
        const found = await openArchive(archive, place);
        if (found !== undefined) return found;
      }
      const number = (archives.at(-1)?.number ?? 0) + 1;
      if (current !== undefined && current.identity === place.identity && number <= place.number) {
        if ((await fileSystem.identify(path)) !== current.identity) return 'again';
        isHandedOn = true;
        const found = await keepIf({ ...current, number, compressed: false }, place);
        if (found !== undefined) return found;
      }
      // Compressing makes another file of it, which has the same number and text.
      for (const archive of earlier) {
        if (archive.number !== place.number || !archive.compressed) continue;
        const found = await openArchive(archive, place);
        if (found !== undefined) return found;
      }
      const isStill =
        (await fileSystem.identify(path)) === current?.identity &&
        namesOf(await listArchives()) === namesOf(archives);
      return isStill ? undefined : 'again';
    } finally {
      if (current !== undefined && !isHandedOn) await fileSystem.close(current.file);
    }
  }

  return {
    async after(held) {
      for (;;) {
        const found = await look(held);
        if (found !== 'again') return found;
      }
    },
    async of(place) {
      for (;;) {
        const found = await seek(place);
        if (found !== 'again') return found;
      }
    },
  };
}
