import { createHash } from 'node:crypto';
import { lstatSync, readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { join, relative } from 'node:path';

/** Digest of a file, link or nothing, with the bit that makes a hook run. */
function digest(path: string): string {
  const found = lstatSync(path);
  if (found.isSymbolicLink()) {
    let content = '';
    try {
      content = readFileSync(path, 'base64');
    } catch {
      // Leads nowhere, or to no file: the link itself is all there is.
    }
    return hash(`link ${readlinkSync(path)}\n${content}`);
  }
  if (!found.isFile()) return 'other';
  return hash(`${found.mode & 0o111 ? 'x' : '-'}\n${readFileSync(path, 'base64')}`);
}

const hash = (text: string): string => createHash('sha256').update(text).digest('hex');

function below(directory: string, depth: number): string[] {
  try {
    return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
      const path = join(directory, entry.name);
      return entry.isDirectory() && depth > 0 ? below(path, depth - 1) : [path];
    });
  } catch {
    return [];
  }
}

/** Git directories of submodules: `modules/<name>`, where a name may have slashes and modules may be nested. */
function moduleDirectories(directory: string, depth = 0): string[] {
  if (depth > 8) return [];
  try {
    return readdirSync(directory, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .flatMap((entry) => {
        const path = join(directory, entry.name);
        const names = readdirSync(path);
        return names.includes('HEAD') && names.includes('objects')
          ? [path, ...moduleDirectories(join(path, 'modules'), depth + 1)]
          : moduleDirectories(path, depth + 1);
      });
  } catch {
    return [];
  }
}

/**
 * Digests of the files by which a repository can make the user's own git run something or see other
 * objects, by their path below the shared git directory.
 */
export function digestWatchedFiles(
  commonDirectory: string,
  hooksPath: string | undefined,
): Record<string, string> {
  const ofOne = (directory: string): string[] => [
    join(directory, 'config'),
    join(directory, 'config.worktree'),
    join(directory, 'info', 'attributes'),
    join(directory, 'info', 'exclude'),
    join(directory, 'info', 'grafts'),
    join(directory, 'objects', 'info', 'alternates'),
    ...below(join(directory, 'hooks'), 8),
  ];
  const linked = below(join(commonDirectory, 'worktrees'), 1).filter((path) =>
    path.endsWith('/config.worktree'),
  );
  const found: Record<string, string> = {};
  const paths = [
    ...ofOne(commonDirectory),
    ...linked,
    ...moduleDirectories(join(commonDirectory, 'modules')).flatMap(ofOne),
    ...(hooksPath === undefined ? [] : below(hooksPath, 2)),
  ];
  for (const path of paths) {
    try {
      found[relative(commonDirectory, path)] = digest(path);
    } catch {
      // Not there: its appearing later is a change.
    }
  }
  return found;
}
