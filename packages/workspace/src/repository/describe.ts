import type { FileList, RepositoryDescription } from '../contract.js';
import { resolveCommit } from '../git/commits.js';
import type { Repository } from './open.js';
import { listUncommitted } from './uncommitted.js';
import { listWorktrees } from './worktrees.js';

const shown = (paths: readonly string[]): FileList => ({
  count: paths.length,
  paths: paths.slice(0, 20),
});

/** What a person wants to know about the repository before a run. */
export async function describeRepository(repository: Repository): Promise<RepositoryDescription> {
  const commit = await resolveCommit(repository, 'HEAD');
  const branch = await repository.user({
    args: ['symbolic-ref', '--quiet', '--short', 'HEAD'],
    accept: [0, 1],
  });
  const { root, gitDirectory } = repository;
  const { files } = await repository.userConfig();
  const worktree = { path: root, gitDirectory, head: commit };
  const found = await listUncommitted(repository, worktree, files);
  return {
    root,
    gitDirectory,
    commonDirectory: repository.commonDirectory,
    objectDirectories: repository.objectDirectories,
    head: { commit, branch: branch.stdout.trim() || null },
    bare: false,
    uncommitted: {
      staged: shown(found.staged),
      unstaged: shown(found.unstaged),
      untracked: shown(found.untracked),
    },
    worktrees: (await listWorktrees(repository)).map(({ path, main, ...rest }) => ({
      path,
      commit: rest.commit,
      branch: rest.branch,
      main,
    })),
    gitVersion: repository.version,
  };
}
