import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';
import { WorkspaceError } from '../workspace-error.js';

/** The first git that merges without a worktree (`merge-tree --write-tree`). */
const oldest = [2, 38] as const;

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

/** Absolute path of git. Relative entries of the PATH are passed over: they would depend on where we stand. */
export function findGit(path: string): string {
  for (const directory of path.split(delimiter)) {
    const file = join(directory, 'git');
    if (isAbsolute(directory) && isProgram(file)) return file;
  }
  throw new WorkspaceError(
    'ORCH_GIT_MISSING',
    `git was not found: no directory of the PATH has it (${JSON.stringify(path)}). Install git ${oldest.join('.')} or newer.`,
    { details: { path }, next: 'git --version' },
  );
}

/** Takes the answer of `git version`; gives the version, such as `2.39.5`. */
export function checkVersion(answer: string): string {
  const found = /(\d+)\.(\d+)(?:\.\d+)*/.exec(answer);
  const [version, major, minor] = [found?.[0] ?? '', Number(found?.[1]), Number(found?.[2])];
  if (major > oldest[0] || (major === oldest[0] && minor >= oldest[1])) return version;
  throw new WorkspaceError(
    'ORCH_GIT_TOO_OLD',
    `git is too old: expected ${oldest.join('.')} or newer, received ${JSON.stringify(answer.trim())}. Update git.`,
    { details: { version: answer.trim() }, next: 'git --version' },
  );
}
