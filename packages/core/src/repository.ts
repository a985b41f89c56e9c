import { randomBytes } from 'node:crypto';
import { createProcessOwner } from '@orch/process';
import { createWorkspaces, WorkspaceError, type Workspaces } from '@orch/workspace';
import type { Graph, Workspace } from '@orch/coordinator';
import { findMainWorktree } from './main-worktree.js';
import { stateDirectory, stateDirectoryOutside } from './places.js';
import { shellWord } from './shell-word.js';

/** The user's repository, as a run sees it. */
export interface Repository {
  /** The main worktree: the place of `.orch/`. */
  readonly root: string;
  /** What a run starts from. `branch` is null for a detached HEAD. */
  readonly head: { readonly commit: string; readonly branch: string | null };
  /** Changes that a run leaves out, because it uses HEAD. */
  readonly uncommitted: { readonly count: number; readonly paths: readonly string[] };
  readonly gitVersion: string;
  /**
   * The coordinator's workspace for one run: with the plan's `copy:` files put into each clone, and with the
   * branch that it delivers to guarded.
   */
  workspaceOf(graph: Pick<Graph, 'copy' | 'deliver'>): Workspace;
  /** What changed from one commit to another, as a patch. */
  diff(from: string, to: string): Promise<string>;
  close(): Promise<void>;
}

/** Opens the repository around a directory. @throws WorkspaceError for what is no usable repository */
export async function openRepository(
  directory: string,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<Repository> {
  const owner = createProcessOwner({
    marker: `git.${process.pid}.${randomBytes(4).toString('hex')}`,
  });
  try {
    const workspaces = await createWorkspaces({
      repository: directory,
      stateDirectory: stateDirectory(environment),
      owner,
      ...(environment['PATH'] === undefined ? {} : { path: environment['PATH'] }),
    });
    const { root, head, uncommitted, gitVersion } = await workspaces.describeRepository();
    const { staged, unstaged, untracked } = uncommitted;
    const paths = [...new Set([...staged.paths, ...unstaged.paths, ...untracked.paths])];
    // A file can be staged and changed again: it is one change to whoever reads the number.
    const twice = staged.paths.filter((changed) => unstaged.paths.includes(changed)).length;
    return {
      root: (await findMainWorktree(root)) ?? root,
      head,
      uncommitted: { count: staged.count + unstaged.count + untracked.count - twice, paths },
      gitVersion,
      workspaceOf: (graph) => workspaceOf(workspaces, graph),
      diff: (from, to) => workspaces.diff(from, to),
      close: async () => {
        await owner.close();
      },
    };
  } catch (error) {
    await owner.close();
    throw withPlace(error, environment);
  }
}

/** Only we know where the state directory comes from, and so what to do about one that is refused. */
function withPlace(
  error: unknown,
  environment: Readonly<Record<string, string | undefined>>,
): unknown {
  if (!WorkspaceError.isInstance(error) || error.code !== 'ORCH_WORKSPACE_STATE_DIRECTORY') {
    return error;
  }
  const outside = stateDirectoryOutside(String(error.details['root']), environment);
  return new WorkspaceError(error.code, error.message, {
    details: error.details,
    cause: error,
    next: `export ORCH_STATE_DIR=${shellWord(outside)}`,
  });
}

/** Files of `copy:` are part of what "prepared" means, and the plan says which branch must not go back. */
function workspaceOf(
  workspaces: Workspaces,
  { copy, deliver }: Pick<Graph, 'copy' | 'deliver'>,
): Workspace {
  const targets = deliver.branch === undefined ? [] : [deliver.branch];
  return {
    ...workspaces,
    compare: (before) => workspaces.compare(before, targets),
    async prepare(request) {
      const prepared = await workspaces.prepare(request);
      if (copy.length > 0) await workspaces.copyInto(request.run, request.task, copy);
      return prepared;
    },
  };
}
