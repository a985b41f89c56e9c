import { quote } from '../plan/describe.js';
import type { Plan } from '../plan/plan.js';
import type { Report } from '../plan/problem.js';
import type { Use } from './namespace.js';
import type { TaskEntry, TaskTable } from './task-table.js';

/**
 * Which tasks are untrusted: those that say so, those that are handed MCP servers and do not say that they are
 * trusted, and those that take in part of an untrusted task's output that can carry text. Only numbers, booleans
 * and listed values cross back.
 */
export function untrustedTasks(
  plan: Plan,
  table: TaskTable,
  uses: ReadonlyMap<string, readonly Use[]>,
  withServers: ReadonlySet<string>,
  report: Report,
): ReadonlySet<string> {
  const feeds = new Map<string, string[]>();
  for (const [id, taken] of uses) {
    for (const use of taken.filter((one) => !one.isStrict)) {
      const fed = feeds.get(use.of);
      if (fed) fed.push(id);
      else feeds.set(use.of, [id]);
    }
  }
  const untrusted = new Set<string>();
  const open = [...table.values()]
    .filter(
      ({ id, task }) =>
        (task.trust ?? (withServers.has(id) ? 'untrusted' : 'trusted')) === 'untrusted',
    )
    .map(({ id }) => id);
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (untrusted.has(id)) continue;
    untrusted.add(id);
    open.push(...(feeds.get(id) ?? []));
  }
  for (const id of untrusted) {
    const entry = table.get(id);
    if (entry?.task.trust === 'trusted') refuseClaim(plan, entry, untrusted, uses, report);
  }
  return untrusted;
}

function refuseClaim(
  plan: Plan,
  entry: TaskEntry,
  untrusted: ReadonlySet<string>,
  uses: ReadonlyMap<string, readonly Use[]>,
  report: Report,
): void {
  const source =
    uses.get(entry.id)?.find((use) => !use.isStrict && untrusted.has(use.of))?.of ?? '';
  const path = [...entry.path, 'trust'];
  report.add(plan.locations.value(path), path, {
    code: 'ORCH_PLAN_TRUST',
    message: `trust: trusted contradicts what flows in from ${quote(source)}, which is untrusted; use only numbers, booleans and listed values of it, or drop trust:`,
  });
}
