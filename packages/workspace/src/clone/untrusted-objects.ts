import { lstatSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

function onlyPlainEntries(directory: string, depth: number): string | undefined {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (entry.isDirectory() && depth > 0) {
      const problem = onlyPlainEntries(path, depth - 1);
      if (problem !== undefined) return problem;
    } else if (!entry.isFile() && !entry.isDirectory()) {
      return `${path} is neither a file nor a directory`;
    }
  }
  return undefined;
}

/**
 * Why the objects of an agent's clone are not to be read; `undefined` when they are. A link, or another
 * alternate, would make us read for the agent what it may not be able to read itself.
 */
export function objectsProblem(
  clone: string,
  objectDirectories: readonly string[],
): string | undefined {
  const git = join(clone, '.git');
  const objects = join(git, 'objects');
  try {
    for (const directory of [git, objects, join(objects, 'info')]) {
      if (!lstatSync(directory).isDirectory()) return `${directory} is not a directory`;
    }
    const problem = onlyPlainEntries(objects, 1);
    if (problem !== undefined) return problem;
    // A path with a line end is written between quotes: compare what is there with what we wrote.
    const listed = readFileSync(join(objects, 'info', 'alternates'), 'utf8');
    const foreign = listed
      .split('\n')
      .find((line) => line !== '' && !line.startsWith('"') && !objectDirectories.includes(line));
    return foreign === undefined ? undefined : `it borrows objects from ${foreign}`;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT'
      ? 'its git directory is not whole'
      : String(error);
  }
}
