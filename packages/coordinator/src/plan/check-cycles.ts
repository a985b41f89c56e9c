import type { Locations } from './locations.js';
import type { Path } from './path.js';
import type { Report } from './problem.js';
import { edgesOf, tasksById, type ListedTask } from './task-list.js';

/** A plan with more cycles than this is not helped by a longer list. */
const MAX_CYCLES = 20;

/** Reports tasks that wait for each other as `a -> b -> a`, at the edge that closes the cycle. */
export function checkCycles(
  tasks: readonly ListedTask[],
  locations: Locations,
  report: Report,
): void {
  const byId = tasksById(tasks);
  const edges = new Map(
    [...byId].map(([id, listed]) => [
      id,
      new Map(
        edgesOf(listed, byId)
          .filter(({ to }) => byId.has(to))
          .map(({ to, path }) => [to, path]),
      ),
    ]),
  );
  for (let count = 0; count < MAX_CYCLES; count++) {
    trim(edges);
    const cycle = findCycle(edges);
    const [first] = cycle;
    const last = cycle.at(-1);
    if (first === undefined || last === undefined) return;
    const path = edges.get(last)?.get(first) ?? [];
    report.add(locations.value(path), path, {
      code: 'ORCH_PLAN_CYCLE',
      message: `tasks wait for each other: ${[...cycle, first].join(' -> ')}`,
    });
    edges.get(last)?.delete(first);
  }
}

type Edges = Map<string, Map<string, Path>>;

/** Takes out every task that waits, in the end, for nothing that is left: those are in no cycle. */
function trim(edges: Edges): void {
  const waiting = new Map<string, string[]>();
  for (const [id, needs] of edges) {
    for (const to of needs.keys()) {
      const waiters = waiting.get(to);
      if (waiters) waiters.push(id);
      else waiting.set(to, [id]);
    }
  }
  const free = [...edges].filter(([, needs]) => needs.size === 0).map(([id]) => id);
  for (let id = free.pop(); id !== undefined; id = free.pop()) {
    edges.delete(id);
    for (const waiter of waiting.get(id) ?? []) {
      const needs = edges.get(waiter);
      if (needs?.delete(id) && needs.size === 0) free.push(waiter);
    }
  }
}

/** A cycle among what is left, beginning with its first task in plan order. */
function findCycle(edges: Edges): string[] {
  const walk: string[] = [];
  const seen = new Map<string, number>();
  let [id] = edges.keys();
  while (id !== undefined && !seen.has(id)) {
    seen.set(id, walk.length);
    walk.push(id);
    [id] = edges.get(id)?.keys() ?? [];
  }
  if (id === undefined) return [];
  const cycle = walk.slice(seen.get(id));
  const members = new Set(cycle);
  const earliest = [...edges.keys()].find((one) => members.has(one)) ?? id;
  const start = cycle.indexOf(earliest);
  return [...cycle.slice(start), ...cycle.slice(0, start)];
}
