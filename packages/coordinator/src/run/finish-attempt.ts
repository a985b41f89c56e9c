import type { TaskNode } from '../graph/graph.js';
import { checkOutput } from '../graph/output-schema.js';
import type { Json } from '../json.js';
import type { AgentEnd } from '../seams/agent.js';
import type { Fingerprint } from '../seams/workspace.js';
import { judge } from '../state/verdict.js';
import { checkGates } from './check-gates.js';
import { attemptOf, interruption, taskOf, type RunContext } from './context.js';
import { continuedFrom } from './instances.js';
import { stamp } from './integrate.js';
import { resolveWork } from './work.js';

/** From a finished agent to the verdict: snapshot, gates, judgement, commit. Every step may be repeated. */
export async function finishAttempt(
  context: RunContext,
  node: TaskNode,
  taskId: string,
  number: number,
  fingerprint: Fingerprint | undefined,
): Promise<void> {
  const { journal } = context;
  await captureAttempt(context, node, taskId, number, fingerprint);
  const task = taskOf(context, taskId);
  const { end, captured, base } = attemptOf(context, taskId, number);
  if (!end) throw new Error(`attempt ${number} of ${taskId} has no end`);
  // Its workspace was gone: that has decided it.
  if (!captured) return;

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
        base,
        name: `${taskId}.gate`,
        subject: task.label,
        signal: interruption(context),
        known: [...task.earlier, ...task.attempts].flatMap((attempt) =>
          Object.values(attempt.gates),
        ),
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
  if (gates === 'stopped') {
    // Stopped with its leader, it is taken up where it stands; otherwise the run will not go on by itself.
    if (context.stop.aborted) return;
    const by = journal.state().cancelled?.by;
    await journal.append({
      type: 'attempt.ended',
      task: taskId,
      attempt: number,
      verdict: context.cancel.aborted ? 'cancelled' : 'exhausted',
      reasons: [
        context.cancel.aborted
          ? `cancelled by ${by ?? 'a person'} while its gates ran; its result is kept`
          : 'the time limit of the run passed while its gates ran; its result is kept',
      ],
      warnings: [],
    });
    return;
  }

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
    noted: [
      ...captured.notes,
      ...captured.foreign
        .filter((change) => change.weight === 'noted')
        .map((change) => `during this attempt: ${change.detail}`),
    ],
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

/** Takes what a finished agent left into a result of its own, once. Without its workspace it has failed. */
export async function captureAttempt(
  context: RunContext,
  node: TaskNode,
  taskId: string,
  number: number,
  fingerprint: Fingerprint | undefined,
): Promise<void> {
  const { journal, workspace, graph } = context;
  const { base, captured: before } = attemptOf(context, taskId, number);
  if (before) return;
  const task = taskOf(context, taskId);
  const work = await resolveWork(context, node, task, base);
  const foreign = fingerprint ? await workspace.compare(fingerprint) : [];
  const captured = await workspace
    .capture({
      run: journal.state().run,
      task: taskId,
      place: continuedFrom(graph, node, task, journal.state())?.place ?? taskId,
      attempt: number,
      base,
      message: `${stamp(journal.state())}${task.label}: ${node.title ?? graph.name}`,
      writes: work.writes,
    })
    .catch(unlessAbsent);
  if (captured === 'absent') {
    await journal.append({
      type: 'attempt.ended',
      task: taskId,
      attempt: number,
      verdict: 'failed',
      reasons: ['its workspace is gone: the agent, or somebody else, deleted it'],
      warnings: [],
    });
    return;
  }
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
    ...(captured.notes && captured.notes.length > 0 ? { notes: captured.notes } : {}),
  });
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

/** A deleted workspace is the fault of one attempt; everything else that git cannot do is not. */
function unlessAbsent(error: unknown): 'absent' {
  if ((error as { readonly code?: unknown }).code === 'ORCH_WORKSPACE_ABSENT') return 'absent';
  throw error;
}
