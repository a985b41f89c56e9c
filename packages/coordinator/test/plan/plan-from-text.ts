import { readPlan, type Plan, type PlanProblem } from '../../src/plan/index.js';

/** Problems of a plan text as `line:column CODE`, with helper files by path. */
export async function problemsOf(
  text: string,
  files: { readonly [path: string]: string } = {},
  file = 'orch.yaml',
): Promise<readonly PlanProblem[]> {
  const result = await readPlan({ file, text, readFile: (path) => Promise.resolve(files[path]) });
  return 'problems' in result ? result.problems : [];
}

/** A plan that must be without a fault. */
export async function planOf(
  text: string,
  files: { readonly [path: string]: string } = {},
): Promise<Plan> {
  const result = await readPlan({
    file: 'orch.yaml',
    text,
    readFile: (path) => Promise.resolve(files[path]),
  });
  if ('plan' in result) return result.plan;
  throw new Error(
    result.problems.map((one) => `${one.line}:${one.column} ${one.message}`).join('\n'),
  );
}

/** The two lines that every plan begins with. */
export const HEAD = 'version: 1\nname: sample\n';

export const brief = (problem: PlanProblem): string =>
  `${problem.line}:${problem.column} ${problem.code}`;
