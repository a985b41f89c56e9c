import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readSync,
  realpathSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { dirname, isAbsolute, join, relative, sep } from 'node:path';
import type { Copied } from '../contract.js';
import { lines } from '../git/quoted-path.js';
import type { Repository } from '../repository/open.js';
import { WorkspaceError } from '../workspace-error.js';
import { ownDirectoryExists } from './own-directory.js';
import { exactPattern, placeOf, readRecords, writeRecords, type Place } from './records.js';

function refuse(path: string, why: string): never {
  throw new WorkspaceError(
    'ORCH_WORKSPACE_COPY',
    `${JSON.stringify(path)} was not copied into the workspace: ${why}. Name untracked regular files of the worktree, relative to its root.`,
    { details: { path, why } },
  );
}

function checkPath(path: string): readonly string[] {
  const parts = path.split('/');
  const bad = parts.some((part) => ['', '.', '..'].includes(part) || part.toLowerCase() === '.git');
  if (path === '' || isAbsolute(path) || bad || /[\0\n]/.test(path)) {
    refuse(path, 'it is no plain relative path');
  }
  return parts;
}

/** Opens a file of the user's worktree; nothing on the way may lead out of it. */
function openSource(root: string, path: string): number | undefined {
  const file = join(root, path);
  let directory: string;
  try {
    directory = realpathSync(dirname(file));
  } catch {
    return undefined;
  }
  const inside = relative(root, directory);
  if (inside === '..' || inside.startsWith(`..${sep}`) || isAbsolute(inside)) {
    refuse(path, `it leads to ${directory}, outside of the worktree`);
  }
  let descriptor: number;
  try {
    descriptor = openSync(
      join(directory, path.split('/').at(-1) ?? ''),
      constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK,
    );
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    refuse(path, code === 'ELOOP' ? 'it is a symbolic link' : String(error));
  }
  if (fstatSync(descriptor).isFile()) return descriptor;
  closeSync(descriptor);
  return refuse(path, 'it is no regular file');
}

/** Creates the file below `base` anew; a link that stands in the way is never followed. */
function openTarget(base: string, parts: readonly string[], path: string): number {
  let directory = base;
  for (const part of parts.slice(0, -1)) {
    directory = join(directory, part);
    mkdirSync(directory, { recursive: true });
    if (!lstatSync(directory).isDirectory()) refuse(path, `${directory} is no directory`);
  }
  const file = join(directory, parts.at(-1) ?? '');
  rmSync(file, { force: true });
  return openSync(
    file,
    constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
    0o600,
  );
}

function copyBytes(from: number, to: number): void {
  const buffer = Buffer.allocUnsafe(1024 * 1024);
  for (;;) {
    const count = readSync(from, buffer, 0, buffer.length, null);
    if (count === 0) break;
    for (let at = 0; at < count;) at += writeSync(to, buffer, at, count - at);
  }
  fchmodSync(to, fstatSync(from).mode & 0o777);
}

/** Tells the agent's own git to pass over the copied files; ours does not need to be told. */
function excludeForAgent(place: Place, paths: readonly string[]): void {
  const info = join(place.directory, '.git', 'info');
  try {
    if (!lstatSync(info).isDirectory() || !lstatSync(dirname(info)).isDirectory()) return;
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND;
    const file = openSync(join(info, 'exclude'), flags | constants.O_NOFOLLOW);
    writeSync(file, paths.map((path) => `${exactPattern(path)}\n`).join(''));
    closeSync(file);
  } catch {
    // Its git directory is its own affair: the result leaves the files out in any case.
  }
}

/** Copies untracked files of the user's worktree into a prepared workspace. */
export async function copyInto(
  repository: Repository,
  run: string,
  task: string,
  files: readonly string[],
): Promise<Copied> {
  const place = placeOf(repository, run, task);
  const records = readRecords(place);
  if (records?.state !== 'ready' || !ownDirectoryExists(place.directory)) {
    throw new WorkspaceError(
      'ORCH_WORKSPACE_ABSENT',
      `Nothing can be copied for ${task} in run ${run}: expected a prepared workspace at ${place.directory}. Prepare it first.`,
      { details: { run, task, directory: place.directory } },
    );
  }
  const checked = files.map((path) => ({ path, parts: checkPath(path) }));
  for (const { path } of checked) {
    const { stdout } = await repository.hub({
      args: ['ls-files', '--', `:(literal)${path}`],
      index: place.index,
    });
    if (lines(stdout).length > 0) refuse(path, 'it is tracked, so the workspace has it already');
  }
  // Recorded before the first byte, so that a crash in between leaves no file that could be captured.
  writeRecords(place, { ...records, copied: [...new Set([...records.copied, ...files])] });
  excludeForAgent(place, files);
  const copied: string[] = [];
  const missing: string[] = [];
  for (const { path, parts } of checked) {
    const source = openSource(repository.root, path);
    if (source === undefined) {
      missing.push(path);
      continue;
    }
    try {
      const target = openTarget(place.directory, parts, path);
      try {
        copyBytes(source, target);
      } finally {
        closeSync(target);
      }
    } finally {
      closeSync(source);
    }
    copied.push(path);
  }
  return { copied, missing };
}
