import { CoordinatorError } from '../errors.js';
import { isDiskFull } from '../disk-full.js';
import { interruption, type RunContext } from './context.js';
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

/** How often a leader notes that it is at work, in a run with a time limit. */
const noteMs = 60_000;

/**
 * Leads a run: again and again asks {@link decide} what can start, starts it, and waits for the next
 * step to end. Returns when the run has ended or, after `stop`, when nothing is in flight any more.
 *
 * What breaks around one task ends that task. What breaks for all of them (the journal, the disk, the
 * merged tip) stops everything that runs, at once, and is thrown.
 */
export async function lead(parts: Omit<RunContext, 'deadline'>): Promise<void> {
  const halt = new AbortController();
  const deadline = new AbortController();
  const context: RunContext = {
    ...parts,
    stop: AbortSignal.any([parts.stop, halt.signal]),
    deadline: deadline.signal,
  };
  const { journal, graph, clock } = context;
  const inFlight = new Map<string, Promise<void>>();
  let failure: { readonly error: unknown } | undefined;
  const fail = (error: unknown): void => {
    failure ??= { error };
    halt.abort();
  };
  // Time that earlier leaders took is in the journal; this one's own is measured.
  const begun = clock.monotonic() - journal.state().ledMs;
  const leftMs = (): number => (graph.limits.wallMs ?? Infinity) - (clock.monotonic() - begun);
  await repairIntegrationRef(context);

  for (;;) {
    const state = journal.state();
    if (state.status === 'ended') return;
    if (leftMs() <= 0) deadline.abort();
    const actions = decide(graph, state, {
      inFlight: new Set(inFlight.keys()),
      parallel: state.parallel,
      draining: context.stop.aborted,
      overtime: deadline.signal.aborted,
    }).filter((action) => !context.stop.aborted || action.kind === 'end');
    for (const action of failure ? [] : actions) {
      const done = perform(context, action)
        .catch((error: unknown) => endTask(context, action, error))
        .catch(fail)
        .finally(() => inFlight.delete(action.id));
      inFlight.set(action.id, done);
    }
    if (inFlight.size === 0) break;
    const limit = deadline.signal.aborted || failure ? Infinity : leftMs();
    if ((await nextStep(inFlight.values(), limit)) === 'time') {
      await journal.append({ type: 'time.passed', epoch: journal.epoch }).catch(fail);
    }
  }
  if (journal.state().status === 'ended') return;
  if (failure) {
    const reason = `stopped by an error: ${messageOf(failure.error)}`;
    // The failure is what counts; a journal that takes nothing more is told apart on the next resume.
    if (!journal.failure())
      await journal.append({ type: 'run.interrupted', reason }).catch(() => undefined);
    throw failure.error;
  }
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

/** Waits until something ends or, at the latest, until the time limit or the next note is due. */
async function nextStep(steps: Iterable<Promise<void>>, limitMs: number): Promise<'step' | 'time'> {
  const step = Promise.race(steps).then(() => 'step' as const);
  if (limitMs === Infinity) return step;
  let timer: NodeJS.Timeout | undefined;
  const time = new Promise<'time'>((resolve) => {
    // Rounded up: a timer that fires early would only make us look twice.
    timer = setTimeout(() => resolve('time'), Math.max(1, Math.ceil(Math.min(limitMs, noteMs))));
  });
  return Promise.race([step, time]).finally(() => clearTimeout(timer));
}

/**
 * Ends the task of an action around which something broke, with what broke as its reason.
 * @throws the error itself where it concerns the whole run
 */
async function endTask(context: RunContext, action: Action, error: unknown): Promise<void> {
  const { journal } = context;
  const ofTask = action.kind === 'attempt' || action.kind === 'recover';
  if (!ofTask || journal.failure() || isDiskFull(error)) throw error;
  // While everything is stopped, parts break off too. The next leader takes the attempt up where it stands.
  if (context.stop.aborted) return;
  const { next } = (error ?? {}) as { readonly next?: unknown };
  const reasons = [messageOf(error), ...(typeof next === 'string' ? [`next: ${next}`] : [])];
  const { run, tasks } = journal.state();
  const last = tasks[action.task]?.attempts.at(-1);
  if (last === undefined || last.verdict !== undefined) {
    return journal.append({ type: 'task.failed', task: action.task, verdict: 'error', reasons });
  }
  const { spent } = last.end
    ? {}
    : await context.agent
        .recover(run, action.task, last.attempt)
        .catch(() => ({ spent: undefined }));
  return journal.append({
    type: 'attempt.ended',
    task: action.task,
    attempt: last.attempt,
    verdict: 'error',
    ...(spent ? { spent } : {}),
    reasons,
    warnings: [],
  });
}

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

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
        ...(action.cause === undefined ? {} : { cause: action.cause }),
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
      const interrupted = interruption(context);
      if (throttled) await pause(backoffMs(action.nth), interrupted);
      if (interrupted.aborted) return;
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
        ...(action.next === undefined ? {} : { next: action.next }),
      });
    }
  }
}

const pause = (milliseconds: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
