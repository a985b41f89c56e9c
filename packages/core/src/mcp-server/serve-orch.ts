import type { Readable, Writable } from 'node:stream';
import { serveTools } from '@orch/mcp/tool-server';
import { isInsideRun } from '../approvals/person.js';
import { findRepositoryRoot } from '../status/runs.js';
import { version } from '../version.js';
import { createLedRuns } from './led-runs.js';
import { planCheck } from './plans.js';
import { runDiff, taskLogs } from './results.js';
import { runCancel, runStart, runStatus, runWait } from './runs.js';
import type { Desk } from './tool.js';

export interface ServeOrchOptions extends Desk {
  readonly input: Readable;
  readonly output: Writable;
  /** Ends the server. */
  readonly signal: AbortSignal;
  /** What people are told, and no client: which run was stopped, and how it goes on. */
  readonly note: (text: string) => void;
}

const instructions = `orch runs many coding agents on this repository: each task in a private clone, checked by gates, merged in plan order.
Write a plan file, check it with plan_check, and ask the user to approve it: they run "orch plan approve PLAN" in a terminal of their own. You cannot approve a plan. Then run_start with its hash, run_wait until it has ended, and read task_logs and run_diff.
A rehearsal (rehearsal: true) costs nothing: a scripted model answers. It runs the plan's commands all the same, so it needs an approval, too.`;

const insideRun =
  'This is inside a run of orch: plans can be checked and runs looked at here, and nothing can be started, cancelled or approved.';

/**
 * orch as an MCP server for one client. Nothing in it approves a plan; inside a run of orch nothing starts or cancels
 * one either. Resolves when the client has gone, and every run that it started has been stopped.
 * @throws CoreError `ORCH_REPOSITORY_NOT_FOUND`, `ORCH_REPOSITORY_BARE`
 */
export async function serveOrch(options: ServeOrchOptions): Promise<void> {
  const { directory, environment, input, output, signal, note } = options;
  await findRepositoryRoot(directory);
  const desk: Desk = { directory, environment };
  const inside = isInsideRun(environment);
  const led = createLedRuns(desk, note);
  const looking = [
    ...[planCheck(desk), runStatus(desk), runWait(desk)],
    ...[taskLogs(desk), runDiff(desk)],
  ];
  try {
    await serveTools({
      info: { name: 'orch', version },
      instructions: inside ? insideRun : instructions,
      tools: inside ? looking : [...looking, runStart(desk, led), runCancel(desk)],
      input,
      output,
      signal,
    });
  } finally {
    await led.close();
  }
}
