import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { RunGit } from '../git/run-git.js';

/** Settings of the user's repository that say how its files are to be read and written. None of them runs anything. */
const wanted = [
  'core.filemode',
  'core.ignorecase',
  'core.symlinks',
  'core.precomposeunicode',
  'core.trustctime',
  'core.checkstat',
  'core.autocrlf',
  'core.eol',
  'core.sharedrepository',
] as const;

export interface UserConfig {
  /** To be handed to git when it looks at the user's own worktree. */
  readonly files: readonly (readonly [string, string])[];
  /** To be handed to git when it writes objects for the user. */
  readonly objects: readonly (readonly [string, string])[];
  readonly hooksPath: string | undefined;
  readonly sparse: boolean;
}

/** Reads the repository's own configuration; the user's and the machine's are not looked at. */
export async function readUserConfig(
  git: RunGit,
  gitDirectory: string,
  commonDirectory: string,
): Promise<UserConfig> {
  const { stdout } = await git({
    args: [`--git-dir=${gitDirectory}`, 'config', '--includes', '--show-scope', '--list', '-z'],
  });
  const values = new Map<string, string>();
  const parts = stdout.split('\0');
  for (let at = 0; at + 1 < parts.length; at += 2) {
    // Scope `command` is what we give ourselves.
    if (parts[at] !== 'local' && parts[at] !== 'worktree') continue;
    const entry = parts[at + 1] ?? '';
    const cut = entry.indexOf('\n');
    // A key without a value means true.
    if (cut < 0) values.set(entry, 'true');
    else values.set(entry.slice(0, cut), entry.slice(cut + 1));
  }
  const files = wanted.flatMap((key) => {
    const value = values.get(key);
    return value === undefined ? [] : [[key, value] as const];
  });
  const attributes = join(commonDirectory, 'info', 'attributes');
  return {
    files: existsSync(attributes) ? [...files, ['core.attributesfile', attributes]] : files,
    objects: files.filter(([key]) => key === 'core.sharedrepository'),
    hooksPath: values.get('core.hookspath'),
    sparse: /^(true|yes|on|1)$/i.test(values.get('core.sparsecheckout') ?? ''),
  };
}
