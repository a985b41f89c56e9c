import type { RunState } from '@orch/coordinator/state';
import { summarize } from '@orch/coordinator/state';
import type { ServedTool } from '@orch/mcp/tool-server';
import { z } from 'zod';
import { openPlanApprovals } from '../approvals/plan-approvals.js';
import { cancelRun, findRepositoryRoot, findRun, readRun, type RunRecord } from '../status/runs.js';
import type { LedRuns } from './led-runs.js';
import { findPlan, planShape } from './plans.js';
import { ArgumentError, defineTool, type Desk } from './tool.js';

/** What names a run. */
export const runShape = {
  run: z
    .string()
    .min(1)
    .optional()
    .describe('Id of the run, or its beginning (default: the newest)'),
};

/** A run of the repository. @throws CoordinatorError `ORCH_RUN_NOT_FOUND` */
export async function findRecord(
  desk: Desk,
  run: string | undefined,
): Promise<{ readonly root: string; readonly record: RunRecord }> {
  const root = await findRepositoryRoot(desk.directory);
  return { root, record: await readRun(root, await findRun(root, run)) };
}

const standingOf = ({ state, led }: RunRecord): string =>
  state.status === 'ended' ? (state.outcome ?? 'ended') : led ? 'running' : 'interrupted';

/** How a run stands: enough to decide what to do next. */
function overview(record: RunRecord): object {
  const { run, state } = record;
  return {
    run,
    name: state.name,
    mode: state.mode,
    status: standingOf(record),
    ended: state.status === 'ended',
    line: summarize(state).line,
    tasks: Object.values(state.tasks).map(taskFacts),
    ...(state.delivery?.done && { delivered: state.delivery.done }),
    ...(state.delivery?.refused && { notDelivered: state.delivery.refused }),
    ...(state.next !== undefined && { next: state.next }),
  };
}

const taskFacts = ({ label, phase, verdict, attempts, reasons }: RunState['tasks'][string]) => ({
  task: label,
  state: verdict ?? phase,
  attempts: attempts.length,
  ...(reasons.length > 0 && { reasons }),
});

export const runStart = (desk: Desk, led: LedRuns): ServedTool =>
  defineTool({
    name: 'run_start',
    title: 'Start an approved plan',
    description:
      'Starts a run, or a rehearsal (a scripted model answers, nothing is spent), of a plan that a person has approved, and answers as soon as it has begun. It is stopped when this server ends, and can be resumed.',
    shape: {
      ...planShape,
      hash: z
        .string()
        .min(1)
        .describe('The hash that plan_check gave: exactly this plan is started'),
      rehearsal: z.boolean().default(false).describe('A scripted model answers; nothing is spent'),
      parallel: z.int().min(1).max(64).optional().describe('Attempts at once'),
    },
    annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false },
    async work({ plan, inputs, hash, rehearsal, parallel }) {
      const found = await findPlan(desk, plan, inputs);
      if (found.graph.hash !== hash)
        throw new ArgumentError(
          `${plan} is not the plan with the hash ${hash}: it was changed, or has other inputs. Check it again.`,
        );
      const scope = rehearsal ? 'rehearsal' : 'run';
      openPlanApprovals(found.root, desk.environment).require(found.graph, scope, found.script);
      const run = await led.start(found, { rehearsal, parallel });
      return { run, mode: rehearsal ? 'rehearsal' : 'run', status: 'running' };
    },
  });

export const runStatus = (desk: Desk): ServedTool =>
  defineTool({
    name: 'run_status',
    title: 'How a run stands',
    description: 'How a run and each of its tasks stand.',
    shape: runShape,
    annotations: { readOnlyHint: true, openWorldHint: false },
    async work({ run }) {
      return overview((await findRecord(desk, run)).record);
    },
  });

const lookMs = 200;

export const runWait = (desk: Desk): ServedTool =>
  defineTool({
    name: 'run_wait',
    title: 'Wait for a run',
    description:
      'Waits until a run has ended or is not led any more, or the time is over (then `ended` is false: wait again), and says how it stands.',
    shape: {
      ...runShape,
      seconds: z.number().min(0).max(600).default(50).describe('How long to wait at most'),
    },
    annotations: { readOnlyHint: true, openWorldHint: false },
    async work({ run, seconds }, { signal, progress }) {
      const until = performance.now() + seconds * 1000;
      const found = await findRecord(desk, run);
      let { record } = found;
      let told = '';
      while (record.led && !signal.aborted && performance.now() < until) {
        const { line } = summarize(record.state);
        const tasks = Object.values(record.state.tasks);
        const ended = tasks.filter(({ phase }) => phase === 'ended').length;
        if (line !== told) progress({ progress: ended, total: tasks.length, message: line });
        told = line;
        await new Promise((resolve) => setTimeout(resolve, lookMs));
        record = await readRun(found.root, record.run);
      }
      return overview(record);
    },
  });

export const runCancel = (desk: Desk): ServedTool =>
  defineTool({
    name: 'run_cancel',
    title: 'Cancel a run',
    description: 'Stops a run for good. What its agents did is kept.',
    shape: { run: z.string().min(1).describe('Id of the run, or its beginning') },
    annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true },
    async work({ run }) {
      const { root, record } = await findRecord(desk, run);
      const asked = await cancelRun(root, record.run, 'a client over MCP');
      return {
        run: record.run,
        cancelled: asked,
        ...(!asked && { reason: 'nobody leads it: there is nothing to cancel' }),
      };
    },
  });
