import { CoordinatorError } from '../errors.js';
import type { RunContext } from './context.js';
import { makeAttempt, recoverAttempt } from './attempt.js';
import { decide, type Action } from './decide.js';
import { expandFanOut, leavesOut } from './expand.js';
import {
  repairIntegrationRef,
  runBarrier,
  runDelivery,
  runMerge,
  runMergeGate,
} from './integrate.js';
import { outcomeOf } from './outcome.js';

/** Pauses between tries of a throttled attempt: 2 s, doubling, at most 5 minutes. */
const backoffMs = (nth: number): number => Math.min(300_000, 2_000 * 2 ** Math.max(0, nth - 1));

/**
 * Leads a run: again and again asks {@link decide} what can start, starts it, and waits for the next
 * step to end. Returns when the run has ended or, after `stop`, when nothing is in flight any more.
 */
export async function lead(context: RunContext): Promise<void> {
  const { journal, graph } = context;
  const inFlight = new Map<string, Promise<void>>();
  let failure: { readonly error: unknown } | undefined;
  const startedAt = context.clock.monotonic();
  await repairIntegrationRef(context);

  for (;;) {
    const state = journal.state();
    if (state.status === 'ended') return;
    const overtime =
      graph.limits.wallMs !== undefined &&
      context.clock.monotonic() - startedAt > graph.limits.wallMs;
    const draining = context.stop.aborted || failure !== undefined;
    const actions = decide(graph, state, {
      inFlight: new Set(inFlight.keys()),
      parallel: state.parallel,
      draining,
      overtime,
    }).filter((action) => !context.stop.aborted || action.kind === 'end');
    for (const action of failure ? [] : actions) {
      const done = perform(context, action)
        .catch((error: unknown) => void (failure ??= { error }))
        .finally(() => inFlight.delete(action.id));
      inFlight.set(action.id, done);
    }
    if (inFlight.size === 0) break;
    await Promise.race(inFlight.values());
  }
  if (failure) throw failure.error;
  if (journal.state().status === 'ended') return;
  if (!context.stop.aborted) {
    throw new CoordinatorError(
      'ORCH_RUN_INVARIANT',
      'Nothing runs, nothing can start, and the run is not at its end. This is a defect of orch; the journal is whole',
      {
        run: journal.state().run,
      },
    );
  }
  await journal.append({ type: 'run.interrupted', reason: 'stopped by its user' });
}

async function perform(context: RunContext, action: Action): Promise<void> {
  const { journal } = context;
  switch (action.kind) {
    case 'expand':
      return expandFanOut(context, action.node, action.skip);
    case 'skip':
      return journal.append({ type: 'task.skipped', task: action.task, ...action.because });
    case 'fail':
      return journal.append({
        type: 'task.failed',
        task: action.task,
        verdict: action.verdict,
        reasons: action.reasons,
      });
    case 'attempt': {
      if (action.mode === 'first' && leavesOut(context, action.node, action.task)) {
        return journal.append({
          type: 'task.skipped',
          task: action.task,
          cause: 'condition',
          reason: 'its `if` is false',
        });
      }
      const throttled =
        journal.state().tasks[action.task]?.attempts.at(-1)?.verdict === 'throttled';
      if (throttled) await pause(backoffMs(action.nth), context.stop, context.cancel);
      if (context.stop.aborted) return;
      return makeAttempt(context, action.node, action.task, action.mode);
    }
    case 'recover':
      return recoverAttempt(context, action.node, action.task);
    case 'merge':
      return runMerge(context, action.node);
    case 'gate':
      return runMergeGate(context, action.node);
    case 'barrier':
      return runBarrier(context, action.node, action.failed);
    case 'deliver':
      return runDelivery(context);
    case 'end': {
      const state = journal.state();
      const left = await context.agent.left(state.run);
      return journal.append({
        type: 'run.ended',
        outcome: outcomeOf(state),
        left: left.count,
        level: left.level,
      });
    }
  }
}

const pause = (milliseconds: number, ...signals: AbortSignal[]): Promise<void> =>
  new Promise((resolve) => {
    const signal = AbortSignal.any(signals);
    const timer = setTimeout(resolve, milliseconds);
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
