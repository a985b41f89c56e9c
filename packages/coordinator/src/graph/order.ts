import type { Node } from './graph.js';

/** Why one node waits for another. */
export interface Edge {
  readonly from: string;
  readonly to: string;
  readonly reason: 'needs' | 'each' | 'barrier' | 'merges' | 'checks' | 'ends-wave';
}

/** What a node waits for, in a fixed order. `from` waits for `to`. */
export function edgesOf(node: Node): readonly Edge[] {
  const edges = (ids: readonly string[], reason: Edge['reason']): Edge[] =>
    ids.map((to) => ({ from: node.id, to, reason }));
  switch (node.kind) {
    case 'task':
      return [
        ...edges(node.after, 'barrier'),
        ...edges(node.needs, 'needs'),
        ...(node.fanOut?.kind === 'each' ? edges([node.fanOut.of], 'each') : []),
      ];
    case 'merge':
      return [...edges(node.after, 'barrier'), ...edges(node.tasks, 'merges')];
    case 'gate':
      return edges([node.merge], 'checks');
    case 'barrier':
      return edges(node.needs, 'ends-wave');
  }
}

/**
 * Nodes so ordered that each comes after what it waits for, otherwise as they came. `cyclic`: nodes
 * that wait, in the end, for themselves; they are appended as they came.
 */
export function orderNodes(nodes: readonly Node[]): {
  readonly ordered: readonly Node[];
  readonly cyclic: readonly string[];
} {
  const byId = new Map(nodes.map((node, index) => [node.id, { node, index }]));
  const waiting = new Map<string, number[]>();
  const open = nodes.map((node, index) => {
    const targets = new Set(
      edgesOf(node)
        .map(({ to }) => to)
        .filter((to) => byId.has(to)),
    );
    for (const to of targets) {
      const waiters = waiting.get(to);
      if (waiters) waiters.push(index);
      else waiting.set(to, [index]);
    }
    return targets.size;
  });
  const ordered: Node[] = [];
  const placed = new Set<number>();
  const ready = createHeap(open.flatMap((count, index) => (count === 0 ? [index] : [])));
  for (let index = ready.pop(); index !== undefined; index = ready.pop()) {
    const node = nodes[index];
    if (node === undefined) break;
    ordered.push(node);
    placed.add(index);
    for (const waiter of waiting.get(node.id) ?? []) {
      const left = (open[waiter] ?? 0) - 1;
      open[waiter] = left;
      if (left === 0) ready.push(waiter);
    }
  }
  const rest = nodes.filter((_, index) => !placed.has(index));
  return { ordered: [...ordered, ...rest], cyclic: rest.map((node) => node.id) };
}

/** Smallest number first. */
function createHeap(initial: readonly number[]): {
  readonly push: (value: number) => void;
  readonly pop: () => number | undefined;
} {
  // An ascending list is a heap already.
  const heap = [...initial];
  const at = (index: number): number => heap[index] ?? Infinity;
  const swap = (left: number, right: number): void => {
    [heap[left], heap[right]] = [at(right), at(left)];
  };
  const push = (value: number): void => {
    heap.push(value);
    for (let child = heap.length - 1; child > 0;) {
      const parent = (child - 1) >> 1;
      if (at(parent) <= at(child)) return;
      swap(parent, child);
      child = parent;
    }
  };
  const pop = (): number | undefined => {
    const [top] = heap;
    const last = heap.pop();
    if (top === undefined || last === undefined || heap.length === 0) return top;
    heap[0] = last;
    for (let parent = 0; ;) {
      const left = 2 * parent + 1;
      const least = at(left + 1) < at(left) ? left + 1 : left;
      if (at(parent) <= at(least)) return top;
      swap(parent, least);
      parent = least;
    }
  };
  return { push, pop };
}
