import { setTimeout as wait } from 'node:timers/promises';
import type { Repository } from '../repository/open.js';
import { WorkspaceError } from '../workspace-error.js';
import { lines } from './quoted-path.js';

/** Value of a ref by its full name. */
export async function readRef(repository: Repository, ref: string): Promise<string | undefined> {
  const answer = await repository.user({
    args: ['rev-parse', '--verify', '--quiet', '--end-of-options', ref],
    accept: [0, 1, 128],
  });
  return answer.code === 0 ? answer.stdout.trim() : undefined;
}

/** Refs by full name, those below `prefix` (which ends in `/`) or all. */
export async function listRefs(
  repository: Repository,
  prefix?: string,
): Promise<Map<string, string>> {
  const { stdout } = await repository.user({
    args: [
      'for-each-ref',
      '--format=%(objectname) %(refname)',
      ...(prefix === undefined ? [] : [prefix]),
    ],
  });
  return new Map(
    lines(stdout).map((line) => {
      const cut = line.indexOf(' ');
      return [line.slice(cut + 1), line.slice(0, cut)];
    }),
  );
}

export interface RefMove {
  readonly ref: string;
  /** Expected value; `null`: it must not exist. */
  readonly from: string | null;
  /** New value; `null` deletes. */
  readonly to: string | null;
  /** For the reflog. */
  readonly reason: string;
}

/** How often a lock that another process holds is tried again, and how long the last wait is. */
const attempts = 12;
const longestWaitMs = 200;

const lockTaken = /\.lock'?: File exists|Unable to create .*\.lock|unable to lock/i;

/**
 * Moves a ref by compare-and-swap. The value it should get is there already: done.
 * Throws `ORCH_GIT_REF_MOVED` when it has another value than expected, `ORCH_GIT_REF_BUSY` when it
 * stays locked.
 */
export async function moveRef(repository: Repository, move: RefMove): Promise<void> {
  const { ref, from, to } = move;
  // Noted before, so that a comparison beside us does not take our own write for somebody else's.
  repository.written.add(`${ref} ${to ?? ''}`);
  await repository.serial('refs', async () => {
    for (let attempt = 1; ; attempt += 1) {
      const change =
        to === null ? ['-d', ref, from ?? repository.zero] : [ref, to, from ?? repository.zero];
      const answer = await repository.user({
        args: ['update-ref', '--no-deref', '-m', move.reason, ...change],
        accept: [0, 1, 128],
      });
      if (answer.code === 0) return;
      const actual = (await readRef(repository, ref)) ?? null;
      if (actual === to) return;
      const busy = lockTaken.test(answer.stderr);
      if (actual !== from) throw refMoved(move, actual);
      if (!busy || attempt >= attempts) throw refusedMove(move, busy, answer.stderr);
      await wait(Math.min(longestWaitMs, 10 * 2 ** attempt) * (0.5 + Math.random() / 2));
    }
  });
}

function refMoved(move: RefMove, actual: string | null): WorkspaceError {
  return new WorkspaceError(
    'ORCH_GIT_REF_MOVED',
    `${move.ref} was not moved to ${move.to ?? 'nothing'}: expected it at ${move.from ?? 'nothing'}, found it at ${actual ?? 'nothing'}. Somebody else moved it; look before you try again.`,
    { details: { ref: move.ref, expected: move.from, actual, to: move.to } },
  );
}

function refusedMove(move: RefMove, busy: boolean, stderr: string): WorkspaceError {
  return new WorkspaceError(
    busy ? 'ORCH_GIT_REF_BUSY' : 'ORCH_GIT_FAILED',
    `${move.ref} could not be moved to ${move.to ?? 'nothing'}: ${stderr}. ${busy ? 'Another git process holds its lock; if none runs, remove the lock file.' : 'Repair the cause, then try again.'}`,
    { details: { ref: move.ref, stderr } },
  );
}
