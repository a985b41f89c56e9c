import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { writeGitDirectory } from '../git/git-directory.js';
import { lines } from '../git/quoted-path.js';
import type { Repository } from '../repository/open.js';
import { objectsProblem } from './untrusted-objects.js';

export interface Imported {
  /** Commits that are now, whole and checked, among the user's objects. */
  readonly commits: readonly string[];
  readonly rejected: readonly { readonly commit: string; readonly reason: string }[];
}

function readShallow(repository: Repository): string | undefined {
  try {
    return readFileSync(join(repository.commonDirectory, 'shallow'), 'utf8');
  } catch {
    return undefined;
  }
}

/**
 * Copies commits of a clone into the user's object directory. The clone's own git directory takes no part:
 * `view` is a git directory of ours that only borrows its objects, `receiver` one that writes to the user's
 * objects. What crosses between them is checked as if it came from a stranger.
 */
async function fetchChecked(
  repository: Repository,
  cloneObjects: string,
  base: string,
  commits: readonly string[],
): Promise<string | undefined> {
  const scratch = repository.makeScratch();
  try {
    const view = join(scratch, 'view');
    const receiver = join(scratch, 'receiver');
    const shallow = readShallow(repository);
    const names = commits.map((commit, at) => [`refs/heads/${at}`, commit] as const);
    writeGitDirectory(view, {
      ...repository.settings,
      // The agent could have forged these two; without them git looks at the objects themselves.
      core: { ...repository.settings.core, commitgraph: 'false', multipackindex: 'false' },
      head: 'refs/heads/none',
      refs: Object.fromEntries(names),
      alternates: [cloneObjects, ...repository.objectDirectories],
      shallow,
    });
    writeGitDirectory(receiver, {
      ...repository.settings,
      head: 'refs/heads/none',
      refs: { 'refs/heads/base': base },
      shallow,
    });
    mkdirSync(join(scratch, 'empty'));
    const answer = await repository.git({
      args: [
        `--git-dir=${receiver}`,
        'fetch',
        '--quiet',
        '--no-tags',
        '--no-write-fetch-head',
        '--no-auto-maintenance',
        '--no-recurse-submodules',
        '--no-show-forced-updates',
        '--upload-pack=git-upload-pack',
        '--end-of-options',
        view,
        ...names.map(([name], at) => `${name}:refs/imported/${at}`),
      ],
      cwd: join(scratch, 'empty'),
      config: [
        ['fetch.fsckObjects', 'true'],
        ['transfer.fsckObjects', 'true'],
        ['protocol.file.allow', 'always'],
        ...repository.objectConfig,
      ],
      env: {
        GIT_OBJECT_DIRECTORY: repository.objectDirectories[0],
        GIT_ALLOW_PROTOCOL: 'file',
      },
      accept: [0, 1, 128],
    });
    return answer.code === 0 ? undefined : answer.stderr || `exit code ${answer.code}`;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** The commits behind ids of commits and tags, in the same order; `undefined` for what is no commit. */
async function peel(
  repository: Repository,
  cloneObjects: string,
  ids: readonly string[],
): Promise<(string | undefined)[]> {
  const { stdout } = await repository.hub({
    args: ['cat-file', '--batch-check=%(objectname) %(objecttype)', '--buffer'],
    input: ids.map((value) => `${value}^{commit}\n`).join(''),
    env: { GIT_ALTERNATE_OBJECT_DIRECTORIES: quoteForList(cloneObjects) },
  });
  return lines(stdout).map((line) => /^([0-9a-f]+) commit$/.exec(line)?.[1]);
}

/** The list is separated by colons; a path between quotes may contain one. */
const quoteForList = (path: string): string =>
  `"${path.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`;

/** Imports commits, and those behind tags; what is broken, forged or not there is named and left out. */
export async function importCommits(
  repository: Repository,
  clone: string,
  base: string,
  ids: readonly string[],
): Promise<Imported> {
  const asked = ids.filter((value) => value !== base);
  if (asked.length === 0) return { commits: [...ids], rejected: [] };
  const cloneObjects = join(clone, '.git', 'objects');
  const commits = ids.filter((value) => value === base);
  const problem = objectsProblem(clone, repository.objectDirectories);
  if (problem !== undefined) {
    return { commits, rejected: asked.map((commit) => ({ commit, reason: problem })) };
  }
  const peeled = await peel(repository, cloneObjects, asked);
  const known = [...new Set(peeled.filter((value) => value !== undefined))];
  const rejected = asked
    .filter((_, at) => peeled[at] === undefined)
    .map((commit) => ({ commit, reason: 'it is no readable commit' }));
  if (known.length === 0) return { commits, rejected };
  if ((await fetchChecked(repository, cloneObjects, base, known)) === undefined) {
    return { commits: [...commits, ...known], rejected };
  }
  // One bad commit spoils a fetch: ask for each alone.
  for (const commit of known) {
    const refusal = await fetchChecked(repository, cloneObjects, base, [commit]);
    if (refusal === undefined) commits.push(commit);
    else rejected.push({ commit, reason: refusal.slice(-2000) });
  }
  return { commits, rejected };
}
