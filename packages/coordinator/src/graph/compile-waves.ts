import type { Plan } from '../plan/plan.js';
import type { BarrierNode, GateNode, MergeNode, Node, TaskNode } from './graph.js';

/** The merge of everything that no integrating barrier merged. */
export const FINAL_MERGE = 'final-merge';

/**
 * Adds what waves are sugar for. A wave with `barrier: integrate` ends in a merge of its results, its
 * gates on the merged tree, and a barrier; `join` in a barrier alone; `none` is a name. Tasks wait for
 * the barriers of all earlier waves. What is left unmerged is merged at the very end, in plan order.
 */
export function compileWaves(plan: Plan, tasks: readonly TaskNode[]): Node[] {
  const nodes: Node[] = [];
  const merged = new Set<string>();
  let after: readonly string[] = [];
  const waves = plan.document.waves ?? [];
  nodes.push(...tasks.filter((task) => task.wave === undefined));
  for (const wave of waves) {
    const own = tasks.filter((task) => task.wave === wave.name).map((task) => ({ ...task, after }));
    nodes.push(...own);
    const kind = wave.barrier ?? 'integrate';
    if (kind === 'none') continue;
    const merge = kind === 'integrate' ? mergeOf(`${wave.name}.merge`, own, after) : undefined;
    const isWanted =
      merge !== undefined && (merge.tasks.length > 0 || (wave.gates ?? []).length > 0);
    const gates = isWanted ? gatesOf(wave.name, wave.gates ?? [], merge.id) : [];
    const barrier: BarrierNode = {
      kind: 'barrier',
      id: `${wave.name}.barrier`,
      wave: wave.name,
      needs: [
        ...own.map((task) => task.id),
        ...(isWanted ? [merge.id] : []),
        ...gates.map((gate) => gate.id),
      ],
      ...(isWanted ? { merge: merge.id } : {}),
    };
    if (isWanted) {
      nodes.push(merge, ...gates);
      for (const id of merge.tasks) merged.add(id);
    }
    nodes.push(barrier);
    after = [...after, barrier.id];
  }
  const last = mergeOf(
    FINAL_MERGE,
    tasks.filter((task) => !merged.has(task.id)),
    after,
  );
  return last.tasks.length === 0 ? nodes : [...nodes, last];
}

/** Node ids of waves have a dot, which names of tasks cannot have. */
function mergeOf(id: string, tasks: readonly TaskNode[], after: readonly string[]): MergeNode {
  const results = tasks
    .filter((task) => task.effect === 'diff')
    .toSorted((left, right) => left.order - right.order);
  return { kind: 'merge', id, tasks: results.map((task) => task.id), after };
}

function gatesOf(wave: string, gates: readonly string[], merge: string): GateNode[] {
  return [...new Set(gates)].map((gate) => ({
    kind: 'gate',
    id: `${wave}.gate.${gate}`,
    gate,
    merge,
  }));
}
