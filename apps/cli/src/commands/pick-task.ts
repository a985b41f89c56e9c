import {
  findRepositoryRoot,
  findRun,
  findTask,
  readRun,
  type RunRecord,
  type TaskState,
} from '@orch/core/status';
import { oneLine } from '../render/neutral.js';
import { counted } from '../render/run-lines.js';
import { shellWord } from '../render/shell-word.js';
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
  const items = labels.filter((label) => label.startsWith(`${wanted}[`));
  const [item] = items;
  if (item !== undefined)
    throw new UsageError(
      `"${wanted}" has ${counted(items.length, 'item')} in run ${record.run}. Name one, such as ${shellWord(item)}: orch status ${record.run} lists them`,
    );
  const named = `${labels.slice(0, 12).join(', ')}${labels.length > 12 ? ', …' : ''}`;
  throw new UsageError(
    `Run ${record.run} has no task "${wanted}". Its tasks: ${named === '' ? 'none yet' : named}`,
  );
}
