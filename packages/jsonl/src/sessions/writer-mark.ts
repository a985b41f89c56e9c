import { randomBytes } from 'node:crypto';
import { mkdir, open, readdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCode } from '../errors.js';
import { livingProcess, signOfProcess } from '../process-sign.js';

/** The sign that this process writes a session. */
export interface WriterMark {
  /** The mark itself. Files whose names begin with it belong to its process, and go when it is gone. */
  readonly path: string;
  /** Removes the mark. May be called again. */
  release(): Promise<void>;
}

export type Marked =
  | { readonly kind: 'taken'; readonly mark: WriterMark }
  | { readonly kind: 'held'; readonly pid: number };

/**
 * Takes the right to write or remove a session, or says who has it. A mark is an empty file whose
 * name says who made it, so that it is there whole or not at all. Who makes one looks for others
 * only afterwards: of two who come at once at least one sees the other, and none writes beside the
 * other. A mark of a process that is gone does not count and is removed.
 */
export async function takeMark(directory: string, id: string): Promise<Marked> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const own = [id, await signOfProcess(), randomBytes(6).toString('hex')].join('~');
  const path = join(directory, own);
  const file = await open(path, 'wx', 0o600);
  await file.close();
  const release = (): Promise<void> => removeMark(path);
  try {
    const pid = await findHolder(directory, id, own);
    if (pid === undefined) return { kind: 'taken', mark: { path, release } };
    await release();
    return { kind: 'held', pid };
  } catch (error) {
    await release();
    throw error;
  }
}

/** The process that writes a session, if one does. Marks of processes that are gone are removed. */
export async function findHolder(
  directory: string,
  id: string,
  except?: string,
): Promise<number | undefined> {
  const names = await readdir(directory).catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return [];
    throw error;
  });
  for (const name of names) {
    const [marked, ...sign] = name.split('~');
    if (marked !== id || name === except) continue;
    const pid = await livingProcess(sign.join('~'));
    if (pid !== undefined) return pid;
    await removeMark(join(directory, name));
  }
  return undefined;
}

async function removeMark(path: string): Promise<void> {
  await unlink(path).catch((error: unknown) => {
    if (systemCode(error) !== 'ENOENT') throw error;
  });
}
