import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { systemCode } from '../errors.js';
import { nodeFileSystem } from '../file-system.js';

/**
 * Makes a directory, and those above it that are missing, whose names are on the disk when this
 * resolves: a file in a directory whose name was lost is lost. Also the name of one that is there
 * already is synced, as whoever made it may have died before that.
 */
export async function makeLasting(directory: string): Promise<void> {
  const first = await mkdir(directory, { recursive: true, mode: 0o700 });
  if (first === undefined) {
    // Where the directory above may not be read, nobody of us made the one in it.
    await nodeFileSystem.fsyncDirectory(dirname(directory)).catch((error: unknown) => {
      if (!['EACCES', 'EPERM'].includes(systemCode(error))) throw error;
    });
    return;
  }
  const above = dirname(first);
  for (let made = directory; made !== above && made !== dirname(made); made = dirname(made)) {
    await nodeFileSystem.fsyncDirectory(dirname(made));
  }
}
