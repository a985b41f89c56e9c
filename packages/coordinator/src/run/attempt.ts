import type { TaskNode } from '../graph/graph.js';
import type { AgentEnd, AgentSpent } from '../seams/agent.js';
import type { ForeignChange } from '../seams/workspace.js';
import type { AttemptMode } from '../state/event.js';
import type { AttemptState } from '../state/state.js';
import { baseOf, type Base } from './base.js';
import { interruption, taskOf, type RunContext } from './context.js';
import { finishAttempt } from './finish-attempt.js';
import { continuedFrom } from './instances.js';
import { hasConversation } from './next-attempt.js';
import { continuePrompt, owedFindings } from './prompt.js';
import { resolveWork } from './work.js';

/**
 * Makes one attempt of a task from its question to its verdict. Each step is journalled before the
 * next begins, so that a later leader takes up exactly where this one stopped ({@link recoverAttempt}).
 */
export async function makeAttempt(
  context: RunContext,
  node: TaskNode,
  taskId: string,
  asked: AttemptMode,
): Promise<void> {
  const { journal, graph, workspace } = context;
  const task = taskOf(context, taskId);
  const state = journal.state();
  const before = task.attempts.at(-1);
  // What goes on in a workspace stands on what that workspace was made from.
  const base: Base =
    before && isContinued(asked)
      ? { kind: 'commit', commit: before.base }
      : await baseOf(graph, state, node, task, workspace);
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
  const mode = asked === 'first' ? modeOfFirst(node, before, work.key) : asked;
  const reusable =
    asked === 'first' && mode !== 'continue'
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
  const continued = before !== undefined && isContinued(mode);
  const start = continued ? before.base : base.commit;
  const inherited = continuedFrom(graph, node, task, state);
  const session = continued ? before.session : (inherited?.session ?? context.ids.session());
  await journal.append({
    type: 'attempt.started',
    task: taskId,
    attempt,
    mode,
    key: work.key,
    fields: work.fields,
    base: start,
    session,
  });
  const place = inherited?.place ?? taskId;
  const prepared = await workspace.prepare({
    run: state.run,
    task: place,
    attempt,
    // A repair begins with the result that was checked, also where another attempt worked here since.
    base: (mode === 'repair' ? before?.captured?.commit : undefined) ?? start,
    mode: continued && (mode === 'continue' || before.attempt === attempt - 1) ? 'keep' : 'fresh',
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

  const owed = owedFindings(task.attempts, mode);
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
        mode === 'repair' && owed !== undefined
          ? owed
          : mode === 'continue'
            ? continuePrompt
            : work.prompt,
      original: work.prompt,
      ...(owed === undefined ? {} : { owed }),
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
  if (isLost(context, end)) {
    // Who can get an agent killed must not get away with what it did to the repository before.
    const foreign = wasKilled(end) ? await workspace.compare(fingerprint) : [];
    return recordLost(context, taskId, attempt, end, foreign);
  }
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
  const attempt = await recoverEnd(context, taskId);
  if (attempt !== undefined) await finishAttempt(context, node, taskId, attempt, undefined);
}

/**
 * The number of an attempt whose agent had finished, when its leader died, and whose end is in the
 * journal now. Undefined: it is lost, and the journal says so.
 */
export async function recoverEnd(context: RunContext, taskId: string): Promise<number | undefined> {
  const { journal } = context;
  const attempt = taskOf(context, taskId).attempts.at(-1);
  if (!attempt) return undefined;
  if (attempt.end) return attempt.attempt;
  const { end, session, spent } = await context.agent.recover(
    journal.state().run,
    taskId,
    attempt.attempt,
  );
  if (end && wasKilled(end)) {
    await recordLost(context, taskId, attempt.attempt, end);
    return undefined;
  }
  // Who was stopped has not failed, also when its leader died before it could write that down.
  if (end && end.outcome !== 'cancelled') {
    await journal.append({
      type: 'agent.ended',
      task: taskId,
      attempt: attempt.attempt,
      end,
      recovered: true,
    });
    return attempt.attempt;
  }
  const conversation = end?.session ?? session;
  await journal.append({
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
  return undefined;
}

async function recordLost(
  context: RunContext,
  task: string,
  attempt: number,
  end: AgentEnd,
  foreign: readonly ForeignChange[] = [],
): Promise<void> {
  const killed = wasKilled(end);
  const tampered = foreign.filter((change) => change.weight === 'tampered');
  await context.journal.append(
    // An end on record tells a kill from a stop, and counts what it has cost.
    ...(killed ? [{ type: 'agent.ended' as const, task, attempt, end }] : []),
    {
      type: 'attempt.ended',
      task,
      attempt,
      verdict: tampered.length > 0 ? 'tampered' : 'lost',
      session: end.session,
      ...(killed ? {} : spentOf(end)),
      reasons: [
        ...tampered.map((change) => change.detail),
        killed ? (end.error ?? 'its agent was killed by somebody else') : stoppedBecause(context),
      ],
      warnings: [],
    },
  );
}

const spentOf = (spent: AgentSpent | undefined): { readonly spent?: AgentSpent } =>
  spent ? { spent: { usd: spent.usd, usage: spent.usage } } : {};

const stoppedBecause = (context: RunContext): string =>
  context.deadline.aborted
    ? 'stopped at the time limit of the run; it goes on when the run is resumed with a higher one'
    : 'stopped with the run; it goes on when the run is resumed';

/** An agent that ended because its leader was told to stop has not failed: it will go on. */
const isLost = (context: RunContext, end: AgentEnd): boolean =>
  wasKilled(end) || (end.outcome === 'cancelled' && isSuspended(context));

/** Its agent was ended by a signal that nobody here sent. */
const wasKilled = (end: AgentEnd): boolean => end.outcome === 'lost';

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

const isContinued = (mode: AttemptMode): boolean => mode === 'repair' || mode === 'continue';

/**
 * What a task that is tried for the first time since the run was opened, or its plan revised, begins with:
 * an attempt that was interrupted goes on, if it was asked the same.
 */
function modeOfFirst(
  node: TaskNode,
  before: AttemptState | undefined,
  key: string,
): 'first' | 'continue' | 'retry' {
  if (!before) return 'first';
  const interrupted =
    before.verdict === 'lost' ||
    before.verdict === 'throttled' ||
    before.verdict === 'cancelled' ||
    (before.verdict === 'error' && !before.end);
  return interrupted && before.key === key && hasConversation(node) ? 'continue' : 'retry';
}
