import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';

/**
 * The main worktree of the repository around a directory: the place of `.orch/`, whichever worktree
 * somebody stands in. Reads files only, so that looking at runs starts no process.
 * `undefined`: no repository here.
 */
export async function findMainWorktree(directory: string): Promise<string | undefined> {
  for (let at = path.resolve(directory); ; at = path.dirname(at)) {
    const entry = path.join(at, '.git');
    const kind = await stat(entry).catch(() => undefined);
    if (kind?.isDirectory()) return at;
    if (kind?.isFile()) return (await mainOfLinked(at, entry)) ?? at;
    if (path.dirname(at) === at) return undefined;
  }
}

/** A linked worktree's `.git` is a file that names its git directory, whose `commondir` names the shared one. */
async function mainOfLinked(worktree: string, file: string): Promise<string | undefined> {
  const gitDirectory = /^gitdir: (.+)$/m.exec(await readFile(file, 'utf8'))?.[1];
  if (gitDirectory === undefined) return undefined;
  const own = path.resolve(worktree, gitDirectory);
  const common = await readFile(path.join(own, 'commondir'), 'utf8').catch(() => undefined);
  if (common === undefined) return undefined;
  const shared = path.resolve(own, common.trim());
  return path.basename(shared) === '.git' ? path.dirname(shared) : undefined;
}

/** The bare repository around a directory, as git knows one: by what lies in it. */
export async function findBareRepository(directory: string): Promise<string | undefined> {
  const marks = ['HEAD', 'objects', 'refs'];
  for (let at = path.resolve(directory); ; at = path.dirname(at)) {
    const found = await Promise.all(
      marks.map((mark) => stat(path.join(at, mark)).catch(() => undefined)),
    );
    if (found.every((one, position) => one !== undefined && one.isDirectory() === position > 0)) {
      return at;
    }
    if (path.dirname(at) === at) return undefined;
  }
}
