import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { quotePath } from './quoted-path.js';

/** Settings that depend on the file system and on the repository. */
export interface GitDirectorySettings {
  readonly objectFormat: string;
  /** `core.*` values that git found out about the file system, such as `filemode`. */
  readonly core: Readonly<Record<string, string>>;
}

export interface GitDirectorySpec extends GitDirectorySettings {
  /** A ref that starts with `refs/`, or a commit for a detached head. */
  readonly head: string;
  readonly refs?: Readonly<Record<string, string>>;
  /** Object directories to borrow from. */
  readonly alternates?: readonly string[];
  /** Content of the `shallow` file. */
  readonly shallow?: string | undefined;
  readonly sections?: readonly string[];
}

function configText(spec: GitDirectorySpec): string {
  const sha1 = spec.objectFormat === 'sha1';
  const core = Object.entries(spec.core).map(([key, value]) => `\t${key} = ${value}`);
  return [
    '[core]',
    `\trepositoryformatversion = ${sha1 ? 0 : 1}`,
    '\tbare = false',
    '\tlogallrefupdates = true',
    ...core,
    ...(sha1 ? [] : ['[extensions]', `\tobjectformat = ${spec.objectFormat}`]),
    ...(spec.sections ?? []),
    '',
  ].join('\n');
}

/**
 * Writes a git directory without running git: nothing of a template, of the user's configuration or of
 * another repository can get into it.
 */
export function writeGitDirectory(directory: string, spec: GitDirectorySpec): void {
  for (const part of ['objects/info', 'objects/pack', 'refs/heads', 'refs/tags', 'info']) {
    mkdirSync(join(directory, part), { recursive: true });
  }
  const write = (path: string, text: string): void => writeFileSync(join(directory, path), text);
  write('config', configText(spec));
  if (spec.shallow !== undefined) write('shallow', spec.shallow);
  if (spec.alternates !== undefined) {
    const listed = spec.alternates.map((path) => (path.includes('\n') ? quotePath(path) : path));
    write('objects/info/alternates', `${listed.join('\n')}\n`);
  }
  for (const [name, commit] of Object.entries(spec.refs ?? {})) {
    mkdirSync(join(directory, name, '..'), { recursive: true });
    write(name, `${commit}\n`);
  }
  write('HEAD', spec.head.startsWith('refs/') ? `ref: ${spec.head}\n` : `${spec.head}\n`);
}
