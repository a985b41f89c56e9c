import { basename, dirname, join } from 'node:path';
import { archivesIn, type Archive } from '../archive-names.js';
import type { FileSystem } from '../file-system.js';
import { openIfThere } from './open-for-reading.js';

/** The file that is being followed, whatever its name is by now. */
export interface Held {
  readonly file: number;
  readonly identity: string | undefined;
  /** The number that it has among rotated files, or will have once it is one. */
  readonly number: number;
  readonly compressed: boolean;
}

/** Which file is followed after which. */
export interface Succession {
  /**
   * Opens the file that comes after `held`, or the first one; `undefined` while there is none. A file
   * that was rotated and has a successor since is not passed over, unless it was removed.
   */
  after(held: Held | undefined): Promise<Held | undefined>;
}

type Opened = Pick<Held, 'file' | 'identity'>;

async function openAsHeld(fileSystem: FileSystem, path: string): Promise<Opened | undefined> {
  const file = await openIfThere(fileSystem, path);
  if (file === undefined) return undefined;
  try {
    return { file, identity: await fileSystem.identify(file) };
  } catch (error) {
    await fileSystem.close(file);
    throw error;
  }
}

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

  /** One try; `again` when names changed meanwhile. */
  async function look(held: Held | undefined): Promise<Held | undefined | 'again'> {
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
    const since = held?.number ?? before;
    const missed = archives.find(({ number }) => since !== undefined && number > since);
    if (missed !== undefined) {
      await drop();
      const opened = await openAsHeld(fileSystem, join(dirname(path), missed.name));
      if (opened === undefined) return 'again';
      return { ...opened, number: missed.number, compressed: missed.compressed };
    }
    if (current === undefined) {
      before ??= last;
      return undefined;
    }
    // Its number is known only if it was not rotated while the names were read.
    if ((await fileSystem.identify(path)) === current.identity) {
      return { ...current, number: last + 1, compressed: false };
    }
    await drop();
    return 'again';
  }

  return {
    async after(held) {
      for (;;) {
        const found = await look(held);
        if (found !== 'again') return found;
      }
    },
  };
}
