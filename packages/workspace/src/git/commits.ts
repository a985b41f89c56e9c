import type { Repository } from '../repository/open.js';
import { WorkspaceError } from '../workspace-error.js';

/** The commit that a revision names, in the worktree in which we were started. */
export async function resolveCommit(repository: Repository, revision: string): Promise<string> {
  const answer = await repository.user({
    args: ['rev-parse', '--verify', '--quiet', '--end-of-options', `${revision}^{commit}`],
    accept: [0, 1, 128],
  });
  const commit = answer.stdout.trim();
  if (answer.code === 0 && /^[0-9a-f]+$/.test(commit)) return commit;
  throw new WorkspaceError(
    'ORCH_GIT_UNKNOWN_REVISION',
    `The revision ${JSON.stringify(revision)} names no commit in ${repository.root}: expected a branch, tag or commit id. Look at \`git log\`.`,
    { details: { revision, root: repository.root } },
  );
}

/** Tree of a commit or tree id. */
export async function treeOf(repository: Repository, commit: string): Promise<string> {
  const answer = await repository.hub({
    args: ['rev-parse', '--verify', '--quiet', '--end-of-options', `${commit}^{tree}`],
    accept: [0, 1, 128],
  });
  const tree = answer.stdout.trim();
  if (answer.code === 0 && /^[0-9a-f]+$/.test(tree)) return tree;
  throw new WorkspaceError(
    'ORCH_GIT_UNKNOWN_REVISION',
    `${JSON.stringify(commit)} names no tree in ${repository.root}: expected the id of a commit that is there.`,
    { details: { commit, root: repository.root } },
  );
}

/** Whether `commit` contains `ancestor`. A commit contains itself. */
export async function contains(
  repository: Repository,
  commit: string,
  ancestor: string,
): Promise<boolean> {
  if (commit === ancestor) return true;
  const answer = await repository.hub({
    args: ['merge-base', '--is-ancestor', ancestor, commit],
    accept: [0, 1],
  });
  return answer.code === 0;
}

export interface NewCommit {
  readonly tree: string;
  readonly parents: readonly string[];
  readonly message: string;
  /** UTC. The same value gives the same commit id. */
  readonly at: Date;
}

/** Makes a commit object by our fixed identity. No ref points to it yet. */
export async function makeCommit(repository: Repository, commit: NewCommit): Promise<string> {
  const { name, email } = repository.identity;
  const date = `@${Math.floor(commit.at.getTime() / 1000)} +0000`;
  const { stdout } = await repository.hub({
    args: ['commit-tree', ...commit.parents.flatMap((parent) => ['-p', parent]), commit.tree],
    input: `${commit.message.trimEnd()}\n`,
    env: {
      GIT_AUTHOR_NAME: name,
      GIT_AUTHOR_EMAIL: email,
      GIT_AUTHOR_DATE: date,
      GIT_COMMITTER_NAME: name,
      GIT_COMMITTER_EMAIL: email,
      GIT_COMMITTER_DATE: date,
    },
  });
  return stdout.trim();
}
