import { readdir } from 'node:fs/promises';
import {
  readJournal,
  readRunPlan,
  runLayout,
  sendCommand,
  CoordinatorError,
  type Graph,
  type RunLayout,
} from '@orch/coordinator';
import type { RunState } from '@orch/coordinator/state';
import { localOwners } from '../parts/owners.js';
import { CoreError } from '../core-error.js';
import { findBareRepository, findMainWorktree } from '../main-worktree.js';
import { orchDirectory } from '../places.js';
import { shellWord } from '../shell-word.js';

/** A run as it stands on disk. */
export interface RunRecord {
  readonly run: string;
  readonly layout: RunLayout;
  readonly state: RunState;
  /** Somebody leads it right now. A run that says `running` without a leader was interrupted. */
  readonly led: boolean;
}

/**
 * The repository around a directory: the place of its `.orch/`.
 * @throws CoreError `ORCH_REPOSITORY_NOT_FOUND`, `ORCH_REPOSITORY_BARE`
 */
export async function findRepositoryRoot(directory: string): Promise<string> {
  const root = await findMainWorktree(directory);
  if (root !== undefined) return root;
  const bare = await findBareRepository(directory);
  if (bare !== undefined) {
    throw new CoreError(
      'ORCH_REPOSITORY_BARE',
      `The repository at ${bare} is bare: runs are kept in the worktree in which they were started. Look from there.`,
      { directory, repository: bare },
      { next: `git -C ${shellWord(bare)} worktree list` },
    );
  }
  throw new CoreError(
    'ORCH_REPOSITORY_NOT_FOUND',
    `There is no git repository at ${directory}. Start in the directory of one, or make one.`,
    { directory },
    { next: `git init ${shellWord(directory)}` },
  );
}

/** Ids of all runs of a repository, newest first. */
export async function listRuns(root: string): Promise<readonly string[]> {
  const names = await readdir(`${orchDirectory(root)}/runs`).catch(() => []);
  return names
    .filter((name) => /^[0-9a-z]{10}$/.test(name))
    .sort()
    .reverse();
}

/**
 * The run that a person means: its id, the beginning of one, or the newest.
 * @throws CoordinatorError `ORCH_RUN_NOT_FOUND`
 */
export async function findRun(root: string, wanted?: string): Promise<string> {
  const runs = await listRuns(root);
  const found =
    wanted === undefined ? runs.slice(0, 1) : runs.filter((run) => run.startsWith(wanted));
  const [run] = found;
  if (run !== undefined && (found.length === 1 || run === wanted)) return run;
  const known =
    runs.length === 0
      ? 'Start one with: orch run plan.yaml'
      : `Runs: ${runs.slice(0, 5).join(', ')}`;
  const problem =
    found.length > 1
      ? `${found.length} runs begin with "${wanted ?? ''}"`
      : wanted === undefined
        ? 'There is no run yet in this repository'
        : `No run "${wanted}" in this repository`;
  throw new CoordinatorError('ORCH_RUN_NOT_FOUND', `${problem}. ${known}`, { root, wanted });
}

/** Reads a run without leading it. @throws CoordinatorError */
export async function readRun(root: string, run: string): Promise<RunRecord> {
  const layout = runLayout(orchDirectory(root), run);
  const state = await readJournal(layout);
  const led =
    state.status === 'running' && state.owner !== undefined && localOwners().isAlive(state.owner);
  return { run, layout, state, led };
}

/** The compiled plan of a run, as it was recorded. @throws CoordinatorError `ORCH_RUN_PLAN_BROKEN` */
export const readGraph = (layout: RunLayout): Promise<Graph> => readRunPlan(layout);

/** Asks the leader to cancel a run. False: nobody leads it, nothing was asked. */
export async function cancelRun(root: string, run: string, by: string): Promise<boolean> {
  const record = await readRun(root, run);
  if (!record.led) return false;
  await sendCommand(record.layout, { kind: 'cancel', by }, Date.now());
  return true;
}
