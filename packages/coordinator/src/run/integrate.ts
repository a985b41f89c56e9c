import type { BarrierNode, GateNode, MergeNode } from '../graph/graph.js';
import type { Delivery } from '../seams/workspace.js';
import type { RunState } from '../state/state.js';
import type { RunContext } from './context.js';
import { checkGates } from './check-gates.js';
import { instancesOf, nodeById, taskNodes } from './instances.js';

type Context = Pick<
  RunContext,
  'graph' | 'journal' | 'workspace' | 'gate' | 'setup' | 'stop' | 'cancel'
>;

/**
 * Lands the committed results of a merge node on the integration tip, in plan order. The journal says
 * first what the tip becomes; the ref follows by compare-and-swap, and a resume finishes a missing step.
 */
export async function runMerge(context: Context, node: MergeNode): Promise<void> {
  const { journal, workspace, graph } = context;
  await repairIntegrationRef(context);
  const nodes = taskNodes(graph);
  for (const id of node.tasks) {
    const taskNode = nodes.get(id);
    for (const task of (taskNode && instancesOf(taskNode, journal.state())) ?? []) {
      if (context.stop.aborted || context.cancel.aborted) return;
      const state = journal.state();
      const merge = state.merges[node.id];
      if (!task.result) continue;
      if (
        merge &&
        (Object.hasOwn(merge.landed, task.id) || Object.hasOwn(merge.conflicted, task.id))
      )
        continue;
      const from = state.integration?.tip ?? null;
      const tip = from ?? state.base;
      const merged = await workspace.merge({
        tip,
        commit: task.result.commit,
        message: `${stamp(state)}Merge ${task.label}\n\norch run ${state.run}, task ${task.id}, attempt ${task.result.attempt}`,
        at: state.startedAt,
      });
      if (merged.kind === 'conflicted') {
        await journal.append({
          type: 'merge.conflicted',
          node: node.id,
          task: task.id,
          files: merged.files,
        });
      } else if (merged.kind === 'merged') {
        await journal.append({
          type: 'merge.landed',
          node: node.id,
          task: task.id,
          from,
          tip: merged.commit,
        });
        await workspace.integrate({ run: state.run, from, to: merged.commit });
      }
    }
  }
  const { integration, base } = journal.state();
  await journal.append({ type: 'merge.finished', node: node.id, tip: integration?.tip ?? base });
}

/** Everything a rehearsal leaves behind says so. */
export const stamp = (state: RunState): string => (state.mode === 'rehearsal' ? 'REHEARSAL: ' : '');

/** A leader that died between journal and ref left the ref one step behind. */
export async function repairIntegrationRef({ journal, workspace }: Context): Promise<void> {
  const { integration, run } = journal.state();
  if (integration) await workspace.integrate({ run, from: integration.from, to: integration.tip });
}

/** Checks the integration tip after a merge. */
export async function runMergeGate(context: Context, node: GateNode): Promise<void> {
  const { journal, workspace } = context;
  const state = journal.state();
  const tip = state.merges[node.merge]?.tip ?? state.integration?.tip ?? state.base;
  await checkGates(context, {
    gates: [node.gate],
    commit: tip,
    tree: await workspace.tree(tip),
    base: state.base,
    name: `${node.merge.replaceAll('/', '-')}.gate`,
    subject: node.merge,
    signal: AbortSignal.any([context.stop, context.cancel]),
    known: Object.values(state.tasks).flatMap((task) =>
      task.attempts.flatMap((attempt) => Object.values(attempt.gates)),
    ),
    record: (gate, key, result, reused) =>
      journal.append({
        type: 'gate.checked',
        node: node.id,
        gate,
        key,
        result,
        ...(reused ? { reused: true } : {}),
      }),
  });
}

/** Lets the next wave begin, or says why it never will. */
export async function runBarrier(
  { journal, graph }: Context,
  node: BarrierNode,
  failed: string | undefined,
): Promise<void> {
  if (failed !== undefined) {
    await journal.append({ type: 'barrier.failed', node: node.id, reason: failed });
    return;
  }
  const state = journal.state();
  const merge = node.merge === undefined ? undefined : nodeById(graph, node.merge);
  await journal.append({
    type: 'barrier.passed',
    node: node.id,
    commit: merge ? mergeTip(state, merge.id) : null,
  });
}

const mergeTip = (state: RunState, merge: string): string =>
  state.merges[merge]?.tip ?? state.integration?.tip ?? state.base;

/** A rehearsal never touches somebody's own branch: its work is not real. */
const deliveryOf = (graph: Context['graph'], state: RunState): Delivery =>
  state.mode === 'rehearsal'
    ? { to: 'branch', branch: `orch/rehearsal-${state.run}` }
    : graph.deliver;

/**
 * Hands the verified tip over. The intent is journalled with the target's old value before the target
 * is touched, so that a resume knows whether it still has to move it.
 */
export async function runDelivery({ journal, workspace, graph }: Context): Promise<void> {
  const state = journal.state();
  const to = state.integration?.tip;
  if (to === undefined) return;
  let intent = state.delivery?.intent;
  if (!intent) {
    const planned = await workspace.planDelivery({
      run: state.run,
      base: state.base,
      to,
      delivery: deliveryOf(graph, state),
      delivered: state.delivered,
    });
    if ('refused' in planned) {
      await journal.append({
        type: 'delivery.refused',
        reason: planned.refused,
        next: planned.next,
      });
      return;
    }
    intent = planned;
    await journal.append({ type: 'delivery.intended', intent });
  }
  const delivered = await workspace.deliver(intent);
  await journal.append(
    delivered.kind === 'done'
      ? { type: 'delivery.done', target: delivered.target, commit: delivered.commit }
      : { type: 'delivery.refused', reason: delivered.reason, next: delivered.next },
  );
}
