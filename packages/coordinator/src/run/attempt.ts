import { resolveTemplate, renderText } from '../graph/resolve.js';
import { checkOutput } from '../graph/output-schema.js';
import type { Graph, TaskNode } from '../graph/graph.js';
import type { Json } from '../json.js';
import type { Journal } from '../journal/journal.js';
import type { Agent, AgentEnd, AgentProgress } from '../seams/agent.js';
import type { Clock, Ids } from '../seams/clock.js';
import type { Gate } from '../seams/gate.js';
import type { Setup } from '../seams/setup.js';
import type { Fingerprint, Workspace } from '../seams/workspace.js';
import type { AttemptMode } from '../state/event.js';
import type { AttemptState, TaskState } from '../state/state.js';
import { judge } from '../state/verdict.js';
import { baseOf } from './base.js';
import { checkGates } from './check-gates.js';
import { stamp } from './integrate.js';
import { pairedInstance } from './instances.js';
import { continuePrompt, repairPrompt } from './prompt.js';
import { scopeOf } from './scope.js';
import { workKey } from './work-key.js';

/** What an attempt works with. */
export interface AttemptContext {
  readonly graph: Graph;
  readonly journal: Journal;
  readonly agent: Agent;
  readonly workspace: Workspace;
  readonly gate: Gate;
  readonly setup: Setup;
  readonly clock: Clock;
  readonly ids: Ids;
  /** Aborted when the leader stops. What runs is then ended and recorded as lost, to be continued. */
  readonly stop: AbortSignal;
  /** Aborted when the run is cancelled. */
  readonly cancel: AbortSignal;
  readonly onProgress: (task: string, attempt: number, progress: AgentProgress) => void;
}

/**
 * Makes one attempt of a task from its question to its verdict. Each step is journalled before the
 * next begins, so that a later leader takes up exactly where this one stopped ({@link recoverAttempt}).
 */
export async function makeAttempt(
  context: AttemptContext,
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
      ? task.earlier.find((earlier) => earlier.key === work.key)
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
  const inherited = node.session === 'continue' ? lastSession(context, node, task) : undefined;
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
    hideAgentSettings: node.agent.project !== 'trusted',
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
      { signal: either(context.stop, context.cancel) },
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
      signal: either(context.stop, context.cancel),
      onProgress: (progress) => context.onProgress(taskId, attempt, progress),
    },
  );
  await recordEnd(context, taskId, attempt, end, false);
  if (isLost(context, end)) return;
  await finishAttempt(context, node, taskId, attempt, fingerprint);
}

/**
 * Takes up an attempt that a dead leader left: with a durable end record its result is taken over,
 * without one it is lost, and the next attempt continues its conversation.
 */
export async function recoverAttempt(
  context: AttemptContext,
  node: TaskNode,
  taskId: string,
): Promise<void> {
  const attempt = taskOf(context, taskId).attempts.at(-1);
  if (!attempt) return;
  if (!attempt.end) {
    const { end, session } = await context.agent.recover(
      context.journal.state().run,
      taskId,
      attempt.attempt,
    );
    if (!end || end.outcome === 'lost') {
      await context.journal.append({
        type: 'attempt.ended',
        task: taskId,
        attempt: attempt.attempt,
        verdict: 'lost',
        ...(session === undefined || session === attempt.session ? {} : { session }),
        reasons: ['the process that led the run died'],
        warnings: [],
      });
      return;
    }
    await recordEnd(context, taskId, attempt.attempt, end, true);
  }
  await finishAttempt(context, node, taskId, attempt.attempt, undefined);
}

/** From a finished agent to the verdict: snapshot, gates, judgement, commit. Every step may be repeated. */
async function finishAttempt(
  context: AttemptContext,
  node: TaskNode,
  taskId: string,
  number: number,
  fingerprint: Fingerprint | undefined,
): Promise<void> {
  const { journal, workspace, graph } = context;
  const current = (): AttemptState => {
    const attempt = taskOf(context, taskId).attempts.find(
      (candidate) => candidate.attempt === number,
    );
    if (!attempt) throw new Error(`attempt ${number} of ${taskId} is not in the journal`);
    return attempt;
  };
  const end = current().end;
  if (!end) throw new Error(`attempt ${number} of ${taskId} has no end`);
  const task = taskOf(context, taskId);
  const work = await resolveWork(context, node, task, current().base);

  if (!current().captured) {
    const foreign = fingerprint ? await workspace.compare(fingerprint) : [];
    const captured = await workspace.capture({
      run: journal.state().run,
      task: taskId,
      attempt: number,
      base: current().base,
      message: `${stamp(journal.state())}${task.label}: ${node.title ?? graph.name}`,
      writes: work.writes,
    });
    await journal.append({
      type: 'result.captured',
      task: taskId,
      attempt: number,
      commit: captured.commit,
      tree: captured.tree,
      ref: captured.ref,
      files: captured.files.length,
      outside: captured.outside,
      foreign,
    });
  }
  const captured = current().captured;
  if (!captured) throw new Error(`attempt ${number} of ${taskId} was not captured`);

  const output = readOutput(node, end);
  const tampered = captured.foreign
    .filter((change) => change.weight === 'tampered')
    .map((change) => change.detail);
  // Gates cost time: they run only for a result that can still succeed.
  const worthChecking =
    end.outcome === 'completed' &&
    tampered.length === 0 &&
    (node.effect === 'none' || captured.files > 0);
  const gates = worthChecking
    ? await checkGates(context, {
        gates: node.gates,
        commit: captured.commit,
        tree: captured.tree,
        base: current().base,
        name: `${taskId}.gate`,
        subject: task.label,
        known: Object.values(task.attempts).flatMap((attempt) => Object.values(attempt.gates)),
        record: (gate, key, result, reused) =>
          journal.append({
            type: 'gate.checked',
            task: taskId,
            attempt: number,
            gate,
            key,
            result,
            ...(reused ? { reused: true } : {}),
          }),
      })
    : [];
  if (gates === 'stopped') return;

  const judgement = judge({
    outcome: end.outcome,
    error: end.error,
    effect: node.effect,
    files: captured.files,
    outside: captured.outside,
    writesOutside: node.writesOutside,
    denials: end.denials,
    denialsPolicy: node.denials,
    ...(output ? { output: output.checked } : {}),
    gates: gates.map((gate) => ({ id: gate.gate, verdict: gate.result.verdict })),
    tampered,
    noted: captured.foreign
      .filter((change) => change.weight === 'noted')
      .map((change) => change.detail),
  });
  if (judgement.verdict === 'succeeded') {
    await journal.append({
      type: 'attempt.committed',
      task: taskId,
      attempt: number,
      commit: captured.commit,
      tree: captured.tree,
      output: output?.value ?? null,
      warnings: judgement.warnings,
    });
    return;
  }
  await journal.append({ type: 'attempt.ended', task: taskId, attempt: number, ...judgement });
}

async function recordEnd(
  context: AttemptContext,
  task: string,
  attempt: number,
  end: AgentEnd,
  recovered: boolean,
): Promise<void> {
  if (isLost(context, end)) {
    await context.journal.append({
      type: 'attempt.ended',
      task,
      attempt,
      verdict: 'lost',
      session: end.session,
      reasons: ['stopped with the run; it goes on when the run is resumed'],
      warnings: [],
    });
    return;
  }
  await context.journal.append({
    type: 'agent.ended',
    task,
    attempt,
    end,
    ...(recovered ? { recovered: true as const } : {}),
  });
}

/** An agent that ended because its leader was told to stop has not failed: it will go on. */
const isLost = (context: AttemptContext, end: AgentEnd): boolean =>
  end.outcome === 'lost' ||
  (end.outcome === 'cancelled' && context.stop.aborted && !context.cancel.aborted);

async function endUnstarted(
  context: AttemptContext,
  task: string,
  attempt: number,
  reason: string,
): Promise<void> {
  const lost = context.stop.aborted && !context.cancel.aborted;
  await context.journal.append({
    type: 'attempt.ended',
    task,
    attempt,
    verdict: lost ? 'lost' : context.cancel.aborted ? 'cancelled' : 'failed',
    reasons: [reason],
    warnings: [],
  });
}

interface Work {
  readonly key: string;
  readonly fields: { readonly [field: string]: string };
  readonly prompt: string;
  readonly argv: readonly string[] | undefined;
  readonly inputs: { readonly [name: string]: Json };
  readonly writes: readonly string[] | undefined;
}

/** Resolves every reference of a task against what is committed, and derives its work key. */
async function resolveWork(
  context: AttemptContext,
  node: TaskNode,
  task: TaskState,
  base: string,
): Promise<Work> {
  const scope = scopeOf(context.graph, context.journal.state(), node, task);
  const inputs = Object.fromEntries(
    Object.entries(node.inputs).map(([name, template]) => [name, resolveTemplate(template, scope)]),
  );
  const prompt = node.prompt ? renderText(node.prompt, { ...scope, with: inputs }) : '';
  const argv = node.agent.command?.argv.map((element) => asText(resolveTemplate(element, scope)));
  const writes = node.writes && asGlobs(resolveTemplate(node.writes, scope));
  const baseTree = await context.workspace.tree(base);
  const key = workKey({ node, prompt, inputs, argv, writes, setup: context.graph.setup, baseTree });
  return { ...key, prompt, argv, inputs, writes };
}

function readOutput(
  node: TaskNode,
  end: AgentEnd,
):
  | {
      readonly value: Json;
      readonly checked: { readonly ok: boolean; readonly problems: readonly string[] };
    }
  | undefined {
  if (!node.output) return undefined;
  if (end.output === undefined) {
    return { value: null, checked: { ok: false, problems: ['it was not given'] } };
  }
  if (node.output.kind === 'lines')
    return { value: end.output, checked: { ok: true, problems: [] } };
  const checked = checkOutput(node.output.schema, end.output);
  return {
    value: end.output,
    checked: { ok: checked.ok, problems: checked.ok ? [] : checked.problems },
  };
}

/** The conversation and workspace that `session: continue` goes on with. */
function lastSession(
  context: AttemptContext,
  node: TaskNode,
  task: TaskState,
): { readonly session: string; readonly place: string } | undefined {
  const of = node.fanOut?.kind === 'each' ? node.fanOut.of : node.needs[0];
  const paired = of === undefined ? undefined : pairedInstance(of, task, context.journal.state());
  const attempt = paired?.attempts.at(-1);
  return paired && attempt ? { session: attempt.session, place: paired.id } : undefined;
}

const failedGates = (attempt: AttemptState) =>
  Object.entries(attempt.gates)
    .filter(([, check]) => check.result.verdict === 'failed')
    .map(([gate, check]) => ({ gate, result: check.result }));

function taskOf(context: AttemptContext, id: string): TaskState {
  const task = context.journal.state().tasks[id];
  if (!task) throw new Error(`task ${id} is not in the journal`);
  return task;
}

const either = (...signals: AbortSignal[]): AbortSignal => AbortSignal.any(signals);

const asText = (value: Json): string => (typeof value === 'string' ? value : JSON.stringify(value));

const asGlobs = (value: Json): readonly string[] =>
  Array.isArray(value) ? value.map(asText) : [asText(value)];
