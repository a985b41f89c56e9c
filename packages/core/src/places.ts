import { createHash } from 'node:crypto';
import { accessSync, constants } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import { stateDirectory } from './state-directory.js';

type Environment = Readonly<Record<string, string | undefined>>;

export { stateDirectory };

/** A state directory that does not lie in the repository at `root`, for somebody whose own one does. */
export function stateDirectoryOutside(root: string, environment: Environment): string {
  const usual = stateDirectory({ ...environment, ORCH_STATE_DIR: undefined });
  if (path.relative(root, usual).startsWith('..')) return usual;
  const parent = path.dirname(root);
  if (parent !== root && isWritable(parent)) return path.join(parent, '.orch-state');
  return `/var/tmp/orch-${process.getuid?.() ?? 'state'}`;
}

function isWritable(directory: string): boolean {
  try {
    accessSync(directory, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** A directory name for a repository: readable, and unique to its path. */
export function repositoryKey(root: string): string {
  const readable = path
    .basename(root)
    .replaceAll(/[^A-Za-z0-9._-]/g, '-')
    .slice(0, 40);
  return `${readable}-${createHash('sha256').update(root).digest('hex').slice(0, 8)}`;
}

/** Everything orch keeps in a repository; it ignores itself. */
export const orchDirectory = (root: string): string => path.join(root, '.orch');

/** Where the user's own Claude Code keeps its configuration, login and transcripts. */
export const claudeDirectory = (environment: Environment): string =>
  environment['CLAUDE_CONFIG_DIR'] || path.join(environment['HOME'] || homedir(), '.claude');

/** Makes `.orch/`, which is never committed by accident. */
export async function makeOrchDirectory(orch: string): Promise<void> {
  await mkdir(orch, { recursive: true, mode: 0o700 });
  await writeFile(path.join(orch, '.gitignore'), '*\n', { flag: 'wx' }).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  });
}
