import { randomBytes } from 'node:crypto';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { archivesIn, partialName, partialsIn } from '../archive-names.js';
import { systemCode } from '../errors.js';
import type { FileSystem } from '../file-system.js';
import { livingProcess, signOfProcess } from '../process-sign.js';

const chunkBytes = 256 * 1024;

async function* readChunks(fileSystem: FileSystem, file: number): AsyncGenerator<Buffer> {
  for (let position = 0; ;) {
    const chunk = Buffer.allocUnsafe(chunkBytes);
    const count = await fileSystem.read(file, chunk, position);
    if (count === 0) return;
    position += count;
    yield chunk.subarray(0, count);
  }
}

async function closing<T>(
  fileSystem: FileSystem,
  file: number,
  work: (file: number) => Promise<T>,
): Promise<T> {
  try {
    return await work(file);
  } finally {
    await fileSystem.close(file);
  }
}

/** Removes a name; that it is gone already is as good. */
async function removeName(fileSystem: FileSystem, path: string): Promise<void> {
  await fileSystem.remove(path).catch((error: unknown) => {
    if (systemCode(error) !== 'ENOENT') throw error;
  });
}

/** The compressed file is whole and has its name on the disk before the other one goes. */
async function compress(fileSystem: FileSystem, path: string, mode: number): Promise<void> {
  const partial = partialName(path, await signOfProcess(), randomBytes(6).toString('hex'));
  let source: number;
  try {
    source = await fileSystem.open(path, 'read', 0);
  } catch (error) {
    // Another process, which rotates the same file, was faster.
    if (systemCode(error) === 'ENOENT') return;
    throw error;
  }
  await closing(fileSystem, source, async () => {
    try {
      await closing(fileSystem, await fileSystem.open(partial, 'create', mode), async (file) => {
        await pipeline(
          readChunks(fileSystem, source),
          createGzip(),
          async (compressed: AsyncIterable<Buffer>) => {
            for await (const bytes of compressed) {
              for (let start = 0; start < bytes.length;) {
                start += await fileSystem.write(file, bytes, start, bytes.length);
              }
            }
          },
        );
        await fileSystem.fdatasync(file);
      });
      await fileSystem.rename(partial, `${path}.gz`);
    } catch (error) {
      await removeName(fileSystem, partial).catch(() => undefined);
      throw error;
    }
  });
  await fileSystem.fsyncDirectory(dirname(path));
  await removeName(fileSystem, path);
}

/** What is done about files that were rotated. */
export interface ArchivePolicy {
  /** How many are kept; the oldest are removed. */
  readonly keep: number;
  readonly compress: boolean;
  readonly mode: number;
}

/**
 * Removes what processes that were killed had begun to compress; the file itself is still there. Not
 * by its age: a process may be stopped for hours and go on. Where nothing tells that the process has
 * gone (it ran in another container, or had the number of one that lives), the file stays.
 */
async function removeLeft(
  fileSystem: FileSystem,
  directory: string,
  partials: ReturnType<typeof partialsIn>,
): Promise<void> {
  for (const { name, sign } of partials) {
    if ((await livingProcess(sign)) !== undefined) continue;
    await removeName(fileSystem, join(directory, name));
  }
}

/** Compresses what is not yet compressed, and removes the oldest beyond `keep` and what was left half done. */
export async function tidyArchives(
  fileSystem: FileSystem,
  path: string,
  { keep, compress: compressing, mode }: ArchivePolicy,
): Promise<void> {
  const directory = dirname(path);
  const names = await fileSystem.list(directory);
  await removeLeft(fileSystem, directory, partialsIn(names, basename(path)));
  const found = archivesIn(names, basename(path));
  const numbers = [...new Set(found.map(({ number }) => number))];
  const kept = new Set(numbers.slice(Math.max(0, numbers.length - keep)));
  for (const { name, number, compressed } of found) {
    const at = join(directory, name);
    if (!kept.has(number)) await removeName(fileSystem, at);
    else if (compressing && !compressed) await compress(fileSystem, at, mode);
  }
}
