/**
 * Private clones, snapshots, refs, merging and delivery: the one module that runs git.
 *
 * ```ts
 * const owner = createProcessOwner({ marker: 'example-1' });
 * const workspaces = await createWorkspaces({ repository: '.', stateDirectory: '/var/tmp/example', owner });
 * const base = await workspaces.resolve('HEAD');
 * const at = { run: 'r1', task: 'fix', attempt: 1, base };
 * const { path } = await workspaces.prepare({ ...at, mode: 'fresh', hideAgentSettings: true });
 * // ... an agent works in `path` ...
 * const result = await workspaces.capture({ ...at, message: 'Fix it', writes: ['src/**'] });
 * console.log(result.commit, result.files, result.outside);
 * await owner.close();
 * ```
 *
 * Guarantees: the user's configuration, worktree and branches are not touched except by `deliver`; git runs
 * no hook, filter, driver, monitor or helper of any repository; git never runs on a git directory that an
 * agent can write; every result passes fsck; refs move by compare-and-swap only; nothing that git would keep
 * is deleted before a ref holds it; a crash at any point is finished by the same call made again.
 *
 * It is no sandbox: an agent of the same user can read and write what the user can, unless its processes are
 * confined. It does not look into submodules, and runs no filter such as git-lfs.
 *
 * @module
 */
export { createWorkspaces, type Workspaces, type WorkspacesOptions } from './workspaces.js';
export type { Identity } from './repository/open.js';
export type {
  Captured,
  CaptureRequest,
  ChangedFile,
  CheckedOut,
  CheckoutRequest,
  Copied,
  Delivered,
  Delivery,
  DeliveryIntent,
  FileList,
  Fingerprint,
  ForeignChange,
  Merged,
  MergeRequest,
  Prepared,
  PrepareRequest,
  RefusedPlan,
  Removed,
  RepositoryDescription,
  WorktreeDescription,
} from './contract.js';
export { WorkspaceError, type WorkspaceErrorCode } from './workspace-error.js';
