import type { Graph } from '@orch/core';
import { formatProblem, loadPlan } from '@orch/core/plan';
import type { Screen } from '../render/screen.js';
import { UsageError } from '../usage-error.js';

/** `--input name=value`, repeatable. */
export function collectInput(argument: string, before: Readonly<Record<string, string>> = {}): Record<string, string> {
  const at = argument.indexOf('=');
  if (at < 1) throw new UsageError(`--input takes name=value, received "${argument}"`);
  return { ...before, [argument.slice(0, at)]: argument.slice(at + 1) };
}

/** Loads a plan, or says everything that is wrong with it and gives nothing. */
export async function readPlanFile(
  screen: Screen,
  file: string,
  inputs: Readonly<Record<string, string>>,
  json: boolean,
): Promise<Graph | undefined> {
  const loaded = await loadPlan(file, process.cwd(), inputs).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw new UsageError(`There is no plan file ${file}. Start with the example in docs/plan.md`);
    if ((error as NodeJS.ErrnoException).code === 'EISDIR') throw new UsageError(`${file} is a directory, not a plan file`);
    throw error;
  });
  if (loaded.kind === 'graph') {
    if (!json) for (const warning of loaded.warnings) screen.note(`${screen.style('yellow', 'warning')} ${formatProblem(warning)}`);
    return loaded.graph;
  }
  if (json) screen.line(JSON.stringify({ ok: false, problems: loaded.problems }));
  else {
    for (const problem of loaded.problems) screen.note(formatProblem(problem));
    const count = loaded.problems.filter((problem) => problem.severity === 'error').length;
    screen.note(`\n${count} ${count === 1 ? 'problem' : 'problems'} in ${file}; nothing was changed`);
  }
  return undefined;
}
