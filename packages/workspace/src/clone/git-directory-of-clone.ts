import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeGitDirectory } from '../git/git-directory.js';
import { copyIndex } from '../git/index-file.js';
import type { Repository } from '../repository/open.js';
import { removeDirectory } from './own-directory.js';
import type { Place } from './records.js';

/** Gives a directory a git directory of its own that borrows the user's objects, and an index that fits its files. */
export function giveGitDirectory(
  repository: Repository,
  place: Place,
  head: { readonly branch?: string; readonly commit: string },
): void {
  const { branch, commit } = head;
  const shallow = join(repository.commonDirectory, 'shallow');
  const { name, email } = repository.identity;
  const git = join(place.directory, '.git');
  removeDirectory(git);
  writeGitDirectory(git, {
    ...repository.settings,
    head: branch === undefined ? commit : `refs/heads/${branch}`,
    refs: branch === undefined ? {} : { [`refs/heads/${branch}`]: commit },
    alternates: repository.objectDirectories,
    shallow: existsSync(shallow) ? readFileSync(shallow, 'utf8') : undefined,
    sections: [
      '[user]',
      `\tname = ${JSON.stringify(name)}`,
      `\temail = ${JSON.stringify(email)}`,
      '[commit]',
      '\tgpgsign = false',
      '[gc]',
      '\tauto = 0',
      '[maintenance]',
      '\tauto = false',
    ],
  });
  writeFileSync(join(git, 'info', 'exclude'), '');
  copyIndex(place.index, join(git, 'index'));
}
