import { openOrchestrator } from '@orch/core';
import { findRun, readRun } from '@orch/core/status';
import { exitCode } from '../exit-codes.js';
import type { Screen } from '../render/screen.js';
import { conduct } from './conduct.js';
import { readPlanFile } from './plan-file.js';

export interface ResumeFlags {
  readonly json?: boolean;
  readonly takeOver?: boolean;
  readonly plan?: string;
  readonly input?: Readonly<Record<string, string>>;
}

/** `orch resume [RUN]`: goes on where a run stopped, or tries its failures again. */
export async function resumeCommand(screen: Screen, wanted: string | undefined, flags: ResumeFlags): Promise<number> {
  const json = flags.json ?? false;
  const orchestrator = await openOrchestrator({ directory: process.cwd(), environment: process.env });
  try {
    const { root } = orchestrator.repository;
    const run = await findRun(root, wanted);
    const { state } = await readRun(root, run);
    const revised = flags.plan === undefined ? undefined : await readPlanFile(screen, flags.plan, flags.input ?? {}, json);
    if (flags.plan !== undefined && !revised) return exitCode.usage;
    return await conduct(screen, { json, rehearsal: state.mode === 'rehearsal' }, (watching) =>
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
