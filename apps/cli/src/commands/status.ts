import {
  findRepositoryRoot,
  listRuns,
  readRun,
  summarize,
  type RunRecord,
} from '@orch/core/status';
import { exitCode } from '../exit-codes.js';
import { oneLine } from '../render/neutral.js';
import type { Screen } from '../render/screen.js';
import { standingOf, statusLines } from '../render/status-lines.js';
import { pickRun } from './pick-task.js';

/** `orch status [RUN]`: one run in full, or with `--all` a line for each. */
export async function statusCommand(
  screen: Screen,
  wanted: string | undefined,
  flags: { readonly json?: boolean; readonly all?: boolean },
): Promise<number> {
  if (flags.all) return allRuns(screen, flags.json ?? false);
  const { record } = await pickRun(wanted);
  if (flags.json) screen.json({ ...overview(record), state: record.state });
  else for (const line of statusLines(screen, record)) screen.line(line);
  return exitCode.ok;
}

/** One run that cannot be read does not hide the others. */
async function allRuns(screen: Screen, json: boolean): Promise<number> {
  const root = await findRepositoryRoot(process.cwd());
  const runs = await Promise.all(
    (await listRuns(root)).map(async (run) => {
      try {
        return await readRun(root, run);
      } catch (error) {
        const { code = 'ORCH_DEFECT', message } = error as { code?: string; message: string };
        return { run, error: { code, message } };
      }
    }),
  );
  if (json) screen.json(runs.map((run) => ('error' in run ? run : overview(run))));
  else if (runs.length === 0)
    screen.line('No run in this repository. Start one with: orch run plan.yaml');
  else {
    for (const run of runs) {
      screen.line(
        'error' in run
          ? `${run.run}  ${screen.style('red', 'unreadable')}   ${oneLine(run.error.message)}`
          : `${run.run}  ${standingOf(run).padEnd(11)}  ${oneLine(run.state.name)}  ${screen.style('dim', summarize(run.state).line)}`,
      );
    }
  }
  return exitCode.ok;
}

function overview(record: RunRecord): Record<string, unknown> {
  const { run, state, led } = record;
  const status = standingOf(record);
  return { run, name: state.name, mode: state.mode, status, led, ...summarize(state) };
}
