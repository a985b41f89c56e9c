import type { Graph } from '@orch/core';
import { formatProblem, loadPlan, type LoadedPlan } from '@orch/core/plan';
import { counted } from '../render/run-lines.js';
import type { Screen } from '../render/screen.js';
import { PlanError, UsageError } from '../usage-error.js';

/**
 * Loads a plan; warnings go to stderr. Executes nothing.
 * @throws PlanError with everything that is wrong with it; UsageError when there is no such file
 */
export async function readPlanFile(
  screen: Screen,
  file: string,
  inputs: Readonly<Record<string, string>>,
): Promise<Graph> {
  return graphOf(screen, file, await load(file, inputs));
}

/**
 * The same for a run that goes on: inputs keep the values they were recorded with, unless they are
 * given anew or the edited plan has no such input any more.
 */
export async function readRevisedPlan(
  screen: Screen,
  file: string,
  recorded: Graph['inputs'],
  given: Readonly<Record<string, string>>,
): Promise<Graph> {
  const kept = Object.entries(recorded).flatMap(([name, value]) =>
    value === null
      ? []
      : [[name, typeof value === 'string' ? value : JSON.stringify(value)] as const],
  );
  const inputs = { ...Object.fromEntries(kept), ...given };
  const loaded = await load(file, inputs);
  const gone = new Set(
    loaded.kind === 'graph'
      ? []
      : loaded.problems.flatMap((problem) =>
          problem.code === 'ORCH_PLAN_INPUT_UNKNOWN' && !(String(problem.received) in given)
            ? [String(problem.received)]
            : [],
        ),
  );
  if (gone.size === 0) return graphOf(screen, file, loaded);
  const left = Object.entries(inputs).filter(([name]) => !gone.has(name));
  return readPlanFile(screen, file, Object.fromEntries(left));
}

async function load(file: string, inputs: Readonly<Record<string, string>>): Promise<LoadedPlan> {
  try {
    return await loadPlan(file, process.cwd(), inputs);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT')
      throw new UsageError(
        `There is no plan file ${file}. Give the path of one, or write one: ten lines are in the README of @orch/cli`,
      );
    if (code === 'EISDIR')
      throw new UsageError(`${file} is a directory. Give the path of a plan file in it`);
    throw error;
  }
}

function graphOf(screen: Screen, file: string, loaded: LoadedPlan): Graph {
  if (loaded.kind === 'graph') {
    for (const warning of loaded.warnings) screen.note(formatProblem(warning));
    return loaded.graph;
  }
  const count = loaded.problems.filter((problem) => problem.severity === 'error').length;
  throw new PlanError(
    `${counted(count, 'problem')} in ${file}; nothing was started. Repair it, then: orch plan check ${file}`,
    loaded.problems,
    loaded.problems.map(formatProblem),
  );
}
