import { WorkspaceError } from './workspace-error.js';

const component = /^[a-z0-9][a-z0-9-]*(?:\.[a-z0-9-]+)*$/;

/** Checks a run id, task id or checkout name: it becomes a directory name and a part of refs. */
export function checkName(kind: 'run' | 'task' | 'checkout', name: string): string {
  if (component.test(name) && name.length <= 128 && !name.endsWith('.lock')) return name;
  throw new WorkspaceError(
    'ORCH_WORKSPACE_NAME',
    `The ${kind} name is not usable: expected at most 128 of a-z, 0-9, "-" and single dots, beginning with a letter or digit, received ${JSON.stringify(name)}.`,
    { details: { kind, name } },
  );
}

/** Checks an attempt number. */
export function checkAttempt(attempt: number): number {
  if (Number.isSafeInteger(attempt) && attempt >= 1) return attempt;
  throw new WorkspaceError(
    'ORCH_WORKSPACE_NAME',
    `The attempt is not usable: expected a whole number, 1 or more, received ${attempt}.`,
    { details: { attempt } },
  );
}

/** Checks an id that is handed to git, so that nothing else, such as an option, gets there. */
export function checkCommit(commit: string): string {
  if (/^[0-9a-f]{40}(?:[0-9a-f]{24})?$/.test(commit)) return commit;
  throw new WorkspaceError(
    'ORCH_GIT_UNKNOWN_REVISION',
    `Expected the full id of a commit, received ${JSON.stringify(commit)}. Use resolve() for other names.`,
    { details: { revision: commit } },
  );
}

/** Checks that a delivery goes to a branch, by its full name. */
export function checkBranchRef(ref: string): string {
  if (/^refs\/heads\/[^-]/.test(ref)) return ref;
  throw new WorkspaceError(
    'ORCH_WORKSPACE_NAME',
    `The target of a delivery must be the full name of a branch (refs/heads/...), received ${JSON.stringify(ref)}.`,
    { details: { ref } },
  );
}

/**
 * Pathspecs for globs of a plan. A glob has git's `:(glob)` meaning: `*` stays within a directory,
 * `**` crosses them, and a directory means everything below it.
 */
export function globPathspecs(
  globs: readonly string[],
  magic: 'glob' | 'exclude,glob' = 'glob',
): string[] {
  return globs.map((glob) => {
    const bad =
      glob === '' ||
      glob.startsWith(':') ||
      glob.startsWith('/') ||
      glob.includes('\0') ||
      glob.split('/').includes('..');
    if (!bad) return `:(${magic})${glob}`;
    throw new WorkspaceError(
      'ORCH_WORKSPACE_GLOB',
      `The glob is not usable: expected a path pattern relative to the root of the repository, without ":" at its start and without "..", received ${JSON.stringify(glob)}.`,
      { details: { glob } },
    );
  });
}
