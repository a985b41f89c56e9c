import { statSync } from 'node:fs';
import path from 'node:path';

/**
 * Tells whether an agent could put something else at a path: because the path, or what it resolves to, lies
 * in one of `roots` (workspaces, the repository), or because everybody may write on the way there.
 * Returns the reason; undefined if it could not.
 */
export function agentCanWrite(file: string, roots: readonly string[]): string | undefined {
  const root = roots.find((one) => isInside(file, one));
  if (root !== undefined) return `${file} lies in ${root}, where agents write`;
  for (let place = file; ; place = path.dirname(place)) {
    const stats = statSync(place, { throwIfNoEntry: false });
    const isOpen = stats !== undefined && (stats.mode & 0o002) !== 0;
    // In a sticky directory nobody can replace what is somebody else's.
    const isSticky = stats?.isDirectory() === true && (stats.mode & 0o1000) !== 0;
    if (isOpen && !isSticky) return `everybody may write to ${place}`;
    if (place === path.dirname(place)) return undefined;
  }
}

/** True for the directory itself and all below it. */
export function isInside(file: string, directory: string): boolean {
  const relative = path.relative(directory, file);
  return relative === '' || (relative.split(path.sep)[0] !== '..' && !path.isAbsolute(relative));
}
