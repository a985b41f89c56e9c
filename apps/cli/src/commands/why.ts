import { explainTask, readGraph } from '@orch/core/status';
import { exitCode } from '../exit-codes.js';
import type { Screen } from '../render/screen.js';
import { whyLines } from '../render/why-lines.js';
import { pickRun, pickTask } from './pick-task.js';

/** `orch why TASK`: verdict, refused calls, failing excerpt, the one next command. */
export async function whyCommand(
  screen: Screen,
  wanted: string,
  flags: { readonly json?: boolean; readonly run?: string },
): Promise<number> {
  const { record } = await pickRun(flags.run);
  const why = explainTask(record, await readGraph(record.layout), pickTask(record, wanted));
  if (flags.json) screen.json({ run: record.run, ...why });
  else for (const line of whyLines(screen, record.run, why)) screen.line(line);
  return exitCode.ok;
}
