import { randomBytes } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, isAbsolute, join, relative, sep } from 'node:path';
import { writeGitDirectory, type GitDirectorySettings } from '../git/git-directory.js';
import type { RunGit } from '../git/run-git.js';
import type { Layout } from '../layout.js';
import { WorkspaceError } from '../workspace-error.js';
import type { Location } from './locate.js';

/** Where a path leads, also when its end is not there yet. */
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    const parent = dirname(path);
    return parent === path ? path : join(realPath(parent), basename(path));
  }
}

/**
 * Makes the state directory, once it is sure that no agent finds it in its repository. What is refused is not
 * made.
 */
export function checkStateDirectory(stateDirectory: string, location: Location): string {
  const refuse = (expected: string): never => {
    throw new WorkspaceError(
      'ORCH_WORKSPACE_STATE_DIRECTORY',
      `The state directory is not usable: expected ${expected}, received ${stateDirectory}.`,
      { details: { stateDirectory, root: location.root } },
    );
  };
  if (!isAbsolute(stateDirectory)) refuse('an absolute path');
  const real = realPath(stateDirectory);
  for (const inside of [location.root, location.commonDirectory]) {
    const path = relative(inside, real);
    if (path === '' || (!path.startsWith(`..${sep}`) && path !== '..' && !isAbsolute(path))) {
      refuse(`a directory outside the repository ${location.root}`);
    }
  }
  try {
    mkdirSync(real, { recursive: true, mode: 0o700 });
  } catch (error) {
    refuse(`a directory that can be made and written (${String(error)})`);
  }
  return realpathSync(real);
}

/** Asks git once what the file system of the state directory can do. */
export async function probeFileSystem(
  git: RunGit,
  directory: string,
): Promise<Readonly<Record<string, string>>> {
  const answers = join(directory, 'file-system.json');
  if (existsSync(answers)) {
    return JSON.parse(readFileSync(answers, 'utf8')) as Record<string, string>;
  }
  const probe = mkdtempSync(join(directory, 'probe-'));
  await git({ args: ['init', '--quiet', '--template=', probe] });
  const { stdout } = await git({
    args: [`--git-dir=${join(probe, '.git')}`, 'config', '--local', '--list', '-z'],
  });
  rmSync(probe, { recursive: true, force: true });
  const known = ['filemode', 'ignorecase', 'symlinks', 'precomposeunicode'];
  const found: Record<string, string> = {};
  for (const entry of stdout.split('\0')) {
    const [key, value] = entry.split('\n');
    const name = key?.replace(/^core\./, '') ?? '';
    if (known.includes(name) && value !== undefined) found[name] = value;
  }
  const half = `${answers}.${randomBytes(4).toString('hex')}`;
  writeFileSync(half, JSON.stringify(found));
  renameSync(half, answers);
  return found;
}

/** Makes our git directory, or leaves the one that is there. Two processes may do it at once. */
export function makeHub(
  layout: Layout,
  settings: GitDirectorySettings,
  commonDirectory: string,
): void {
  if (existsSync(join(layout.hub, 'HEAD'))) return;
  const half = `${layout.hub}.${randomBytes(4).toString('hex')}`;
  writeGitDirectory(half, { ...settings, head: 'refs/heads/none' });
  // Says where history ends in a shallow repository; it dangles, and counts as absent, in a full one.
  symlinkSync(join(commonDirectory, 'shallow'), join(half, 'shallow'));
  try {
    renameSync(half, layout.hub);
  } catch (error) {
    rmSync(half, { recursive: true, force: true });
    if (!existsSync(join(layout.hub, 'HEAD'))) throw error;
  }
}
