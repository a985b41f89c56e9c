import type { TaskNode } from '../graph/graph.js';
import type { AgentEnd, AgentSpent } from '../seams/agent.js';
import type { AttemptMode } from '../state/event.js';
import type { AttemptState } from '../state/state.js';
import { baseOf } from './base.js';
import { interruption, taskOf, type RunContext } from './context.js';
import { finishAttempt } from './finish-attempt.js';
import { continuedFrom } from './instances.js';
import { continuePrompt, repairPrompt } from './prompt.js';
import { resolveWork } from './work.js';

/**
 * Makes one attempt of a task from its question to its verdict. Each step is journalled before the
 * next begins, so that a later leader takes up exactly where this one stopped ({@link recoverAttempt}).
 */
export async function makeAttempt(
  context: RunContext,
  node: TaskNode,
  taskId: string,
  mode: AttemptMode,
): Promise<void> {
  const { journal, graph, workspace } = context;
  const task = taskOf(context, taskId);
  const state = journal.state();
  const base = await baseOf(graph, state, node, task, workspace);
  if (base.kind === 'conflicted') {
    await journal.append({
      type: 'task.failed',
      task: taskId,
      verdict: 'conflicted',
      reasons: [
        `the results it needs do not merge: ${base.task} conflicts in ${base.files.join(', ')}`,
      ],
    });
    return;
  }
  const work = await resolveWork(context, node, task, base.commit);
  const reusable =
    task.attempts.length === 0 || mode === 'first'
      ? task.earlier.findLast(
          (earlier) => earlier.key === work.key && earlier.end?.outcome === 'completed',
        )
      : undefined;
  if (reusable) {
    await journal.append({
      type: 'task.reused',
      task: taskId,
      key: work.key,
      from: reusable.attempt,
    });
    await finishAttempt(context, node, taskId, reusable.attempt, undefined);
    return;
  }

  const attempt =
    Math.max(0, ...task.attempts.map((a) => a.attempt), ...task.earlier.map((a) => a.attempt)) + 1;
  const before = task.attempts.at(-1);
  const continued = mode === 'repair' || mode === 'continue';
  const inherited = continuedFrom(graph, node, task, state);
  const session =
    continued && before ? before.session : (inherited?.session ?? context.ids.session());
  await journal.append({
    type: 'attempt.started',
    task: taskId,
    attempt,
    mode,
    key: work.key,
    fields: work.fields,
    base: base.commit,
    session,
  });
  const place = inherited?.place ?? taskId;
  const prepared = await workspace.prepare({
    run: state.run,
    task: place,
    attempt,
    base: base.commit,
    mode: continued ? 'keep' : 'fresh',
    // A command reads them as files of the repository; only an agent would obey them.
    hideAgentSettings: node.agent.driver === 'claude' && node.agent.project !== 'trusted',
  });
  await journal.append({
    type: 'workspace.prepared',
    task: taskId,
    attempt,
    path: prepared.path,
    ...(prepared.rescued === undefined ? {} : { rescued: prepared.rescued }),
  });
  const fingerprint = await workspace.fingerprint();
  if (graph.setup && mode !== 'repair') {
    const ready = await context.setup.run(
      { run: state.run, path: prepared.path, setup: graph.setup },
      { signal: interruption(context) },
    );
    if (!ready.ok) {
      await endUnstarted(context, taskId, attempt, `workspace.setup failed: ${ready.findings}`);
      return;
    }
  }

  const end = await context.agent.run(
    {
      run: state.run,
      task: taskId,
      label: task.label,
      attempt,
      place,
      agent: node.agent,
      argv: work.argv,
      prompt:
        mode === 'repair' && before
          ? repairPrompt(failedGates(before))
          : mode === 'continue'
            ? continuePrompt
            : work.prompt,
      original: work.prompt,
      workspace: prepared.path,
      session: { id: session, mode: continued || inherited ? 'continue' : 'new' },
      inputs: work.inputs,
      env: node.env,
      output: node.output,
      writes: work.writes,
      timeoutMs: node.timeoutMs,
      idleMs: node.idleMs,
    },
    {
      signal: interruption(context),
      onProgress: (progress) => context.onProgress(taskId, attempt, progress),
    },
  );
  if (isLost(context, end)) return recordLost(context, taskId, attempt, end);
  await context.journal.append({ type: 'agent.ended', task: taskId, attempt, end });
  await finishAttempt(context, node, taskId, attempt, fingerprint);
}

/**
 * Takes up an attempt that a dead leader left: with a durable end record its result is taken over,
 * without one it is lost, and the next attempt continues its conversation.
 */
export async function recoverAttempt(
  context: RunContext,
  node: TaskNode,
  taskId: string,
): Promise<void> {
  const attempt = taskOf(context, taskId).attempts.at(-1);
  if (!attempt) return;
  if (!attempt.end) {
    const { end, session, spent } = await context.agent.recover(
      context.journal.state().run,
      taskId,
      attempt.attempt,
    );
    // Who was stopped has not failed, also when its leader died before it could write that down.
    if (!end || end.outcome === 'lost' || end.outcome === 'cancelled') {
      const conversation = end?.session ?? session;
      await context.journal.append({
        type: 'attempt.ended',
        task: taskId,
        attempt: attempt.attempt,
        verdict: 'lost',
        ...(conversation === undefined || conversation === attempt.session
          ? {}
          : { session: conversation }),
        ...spentOf(end ?? spent),
        reasons: ['the process that led the run died'],
        warnings: [],
      });
      return;
    }
    await context.journal.append({
      type: 'agent.ended',
      task: taskId,
      attempt: attempt.attempt,
      end,
      recovered: true,
    });
  }
  await finishAttempt(context, node, taskId, attempt.attempt, undefined);
}

async function recordLost(
  context: RunContext,
  task: string,
  attempt: number,
  end: AgentEnd,
): Promise<void> {
  await context.journal.append({
    type: 'attempt.ended',
    task,
    attempt,
    verdict: 'lost',
    session: end.session,
    ...spentOf(end),
    reasons: [stoppedBecause(context)],
    warnings: [],
  });
}

const spentOf = (spent: AgentSpent | undefined): { readonly spent?: AgentSpent } =>
  spent ? { spent: { usd: spent.usd, usage: spent.usage } } : {};

const stoppedBecause = (context: RunContext): string =>
  context.deadline.aborted
    ? 'stopped at the time limit of the run; it goes on when the run is resumed with a higher one'
    : 'stopped with the run; it goes on when the run is resumed';

/** An agent that ended because its leader was told to stop has not failed: it will go on. */
const isLost = (context: RunContext, end: AgentEnd): boolean =>
  end.outcome === 'lost' || (end.outcome === 'cancelled' && isSuspended(context));

const isSuspended = ({ stop, deadline, cancel }: RunContext): boolean =>
  (stop.aborted || deadline.aborted) && !cancel.aborted;

async function endUnstarted(
  context: RunContext,
  task: string,
  attempt: number,
  reason: string,
): Promise<void> {
  const lost = isSuspended(context);
  await context.journal.append({
    type: 'attempt.ended',
    task,
    attempt,
    verdict: lost ? 'lost' : context.cancel.aborted ? 'cancelled' : 'failed',
    reasons: [lost ? stoppedBecause(context) : reason],
    warnings: [],
  });
}

const failedGates = (attempt: AttemptState) =>
  Object.entries(attempt.gates)
    .filter(([, check]) => check.result.verdict === 'failed')
    .map(([gate, check]) => ({ gate, result: check.result }));
