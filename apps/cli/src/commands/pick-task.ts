import {
  findRepositoryRoot,
  findRun,
  findTask,
  readRun,
  type RunRecord,
  type TaskState,
} from '@orch/core/status';
import { oneLine } from '../render/neutral.js';
import { UsageError } from '../usage-error.js';

/** A run that a person asked for: its id, the beginning of one, or the newest. */
export async function pickRun(
  wanted: string | undefined,
): Promise<{ readonly root: string; readonly record: RunRecord }> {
  const root = await findRepositoryRoot(process.cwd());
  return { root, record: await readRun(root, await findRun(root, wanted)) };
}

/** A task of a run, by its label or id. @throws UsageError that names those there are */
export function pickTask(record: RunRecord, wanted: string): TaskState {
  const task = findTask(record.state, wanted);
  if (task) return task;
  const labels = Object.values(record.state.tasks).map(({ label }) => oneLine(label));
  const named = `${labels.slice(0, 12).join(', ')}${labels.length > 12 ? ', …' : ''}`;
  throw new UsageError(
    `Run ${record.run} has no task "${wanted}". Its tasks: ${named === '' ? 'none yet' : named}`,
  );
}
