import { openOrchestrator } from '@orch/core';
import { findRun, readGraph, readRun } from '@orch/core/status';
import type { Screen } from '../render/screen.js';
import { conduct } from './conduct.js';
import { readRevisedPlan } from './plan-file.js';

export interface ResumeFlags {
  readonly json?: boolean;
  readonly takeOver?: boolean;
  readonly plan?: string;
  readonly input?: Readonly<Record<string, string>>;
}

/** `orch resume [RUN]`: goes on where a run stopped, or tries its failures again. */
export async function resumeCommand(
  screen: Screen,
  wanted: string | undefined,
  flags: ResumeFlags,
): Promise<number> {
  const orchestrator = await openOrchestrator({
    directory: process.cwd(),
    environment: process.env,
  });
  try {
    const { root } = orchestrator.repository;
    const run = await findRun(root, wanted);
    const { layout } = await readRun(root, run);
    const revised =
      flags.plan === undefined
        ? undefined
        : await readRevisedPlan(
            screen,
            flags.plan,
            await recordedInputs(layout),
            flags.input ?? {},
          );
    return await conduct(screen, { json: flags.json ?? false, run }, (watching) =>
      orchestrator.resume({
        run,
        ...(flags.takeOver === undefined ? {} : { takeOver: flags.takeOver }),
        ...(revised ? { revised } : {}),
        ...watching,
      }),
    );
  } finally {
    await orchestrator.close();
  }
}

/** The inputs that the run was started with; none of a damaged plan, which the new one replaces. */
async function recordedInputs(
  layout: Parameters<typeof readGraph>[0],
): Promise<Awaited<ReturnType<typeof readGraph>>['inputs']> {
  try {
    return (await readGraph(layout)).inputs;
  } catch (error) {
    if ((error as { readonly code?: unknown }).code === 'ORCH_RUN_PLAN_BROKEN') return {};
    throw error;
  }
}
