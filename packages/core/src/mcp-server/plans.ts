import { realpath } from 'node:fs/promises';
import path from 'node:path';
import type { Graph } from '@orch/coordinator';
import { formatProblem } from '@orch/coordinator/plan';
import type { ServedTool } from '@orch/mcp/tool-server';
import { z } from 'zod';
import { openPlanApprovals, type ApprovalScope } from '../approvals/plan-approvals.js';
import { loadPlan } from '../plan/load-plan.js';
import { readRehearsalScript, type RehearsalScript } from '../rehearsal/script.js';
import { runPreview } from '../run-preview.js';
import { findRepositoryRoot } from '../status/runs.js';
import { ArgumentError, defineTool, type Desk } from './tool.js';

/** What names a plan. */
export const planShape = {
  plan: z.string().min(1).describe('Path of the plan file, inside the repository'),
  inputs: z
    .record(z.string(), z.string())
    .default({})
    .describe('Values for inputs of the plan, by name'),
};

/** A plan as it is now, with what a rehearsal of it plays. */
export interface FoundPlan {
  readonly root: string;
  readonly graph: Graph;
  readonly script: RehearsalScript;
}

type Loaded =
  | (FoundPlan & { readonly kind: 'graph'; readonly warnings: readonly string[] })
  | { readonly kind: 'problems'; readonly problems: readonly string[] };

/** Reads a plan of the repository. Executes nothing. @throws ArgumentError for a file outside of it */
async function load(
  desk: Desk,
  plan: string,
  inputs: Readonly<Record<string, string>>,
): Promise<Loaded> {
  const root = await findRepositoryRoot(desk.directory);
  const file = path.resolve(desk.directory, plan);
  const real = await realpath(file).catch(() => undefined);
  if (real === undefined) throw new ArgumentError(`There is no plan file ${plan}.`);
  const inside = path.relative(await realpath(root), real);
  if (inside.startsWith('..') || path.isAbsolute(inside))
    throw new ArgumentError(`${plan} is not in the repository at ${root}.`);
  const loaded = await loadPlan(plan, desk.directory, inputs);
  if (loaded.kind === 'problems')
    return { kind: 'problems', problems: loaded.problems.map(formatProblem) };
  const { graph, warnings } = loaded;
  return {
    kind: 'graph',
    root,
    graph,
    script: await readRehearsalScript(file),
    warnings: warnings.map(formatProblem),
  };
}

/** A plan without problems. @throws ArgumentError with all of them */
export async function findPlan(
  desk: Desk,
  plan: string,
  inputs: Readonly<Record<string, string>>,
): Promise<FoundPlan> {
  const loaded = await load(desk, plan, inputs);
  if (loaded.kind === 'graph') return loaded;
  throw new ArgumentError(`The plan ${plan} has problems:\n${loaded.problems.join('\n')}`);
}

export const planCheck = (desk: Desk): ServedTool =>
  defineTool({
    name: 'plan_check',
    title: 'Check a plan',
    description:
      'Everything that is wrong with a plan file, or its hash, its tasks, and whether a person has approved it. Executes nothing.',
    shape: planShape,
    annotations: { readOnlyHint: true, openWorldHint: false },
    async work({ plan, inputs }) {
      const loaded = await load(desk, plan, inputs);
      if (loaded.kind === 'problems') return { ok: false, problems: loaded.problems };
      const { root, graph, script, warnings } = loaded;
      const approvals = openPlanApprovals(root, desk.environment);
      const isApproved = (scope: ApprovalScope): boolean => {
        try {
          return approvals.require(graph, scope, script).hash === graph.hash;
        } catch {
          return false;
        }
      };
      const approved = { run: isApproved('run'), rehearsal: isApproved('rehearsal') };
      const { tasks, paidTasks, usd } = runPreview(graph, undefined);
      return {
        ok: true,
        name: graph.name,
        hash: graph.hash,
        ...{ tasks, paidTasks, ...(usd !== undefined && { usd }) },
        nodes: graph.nodes.map(({ kind, id }) => ({ kind, id })),
        gates: Object.keys(graph.gates),
        ...(warnings.length > 0 && { warnings }),
        approved,
        ...(!(approved.run && approved.rehearsal) && {
          next: `A person approves it in a terminal of their own: orch plan approve ${plan}`,
        }),
      };
    },
  });
