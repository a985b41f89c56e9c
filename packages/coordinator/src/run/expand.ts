import { expandItems } from '../graph/fan-out.js';
import { resolveTemplate } from '../graph/resolve.js';
import { evaluateCondition } from '../graph/condition.js';
import type { TaskNode } from '../graph/graph.js';
import type { Json } from '../json.js';
import type { Item, NewEvent } from '../state/event.js';
import type { RunContext } from './context.js';
import type { Because } from './readiness.js';
import { removal } from './revise.js';
import { scopeOf } from './scope.js';
import { taskNodes } from './instances.js';

type Context = Pick<RunContext, 'graph' | 'journal'>;

/** Turns a fan-out into its items, once; the journal keeps them, so a resume sees the same ones. */
export async function expandFanOut(
  { graph, journal }: Context,
  node: TaskNode,
  skip: Because | undefined,
): Promise<void> {
  const expand = (items: readonly Item[], instead?: NewEvent, made = true): Promise<void> =>
    journal.append(
      { type: 'task.expanded', node: node.id, items },
      ...(instead ? [instead] : []),
      // Items of an earlier list, from before the plan was revised.
      ...Object.values(journal.state().tasks)
        .filter((task) => task.node === node.id && task.item && task.phase === 'waiting')
        .filter((task) => !items.some((item) => item.id === task.id))
        .map((task) => removal(task, made)),
    );
  const giveUp = (because: Because): Promise<void> =>
    expand([], { type: 'task.skipped', task: node.id, ...because }, because.cause === 'empty');
  const fail = (reason: string): Promise<void> =>
    expand([], { type: 'task.failed', task: node.id, verdict: 'failed', reasons: [reason] }, false);
  if (skip) return giveUp(skip);
  const state = journal.state();
  const nodes = taskNodes(graph);
  if (node.fanOut?.kind === 'each') {
    const of = node.fanOut.of;
    const items = (state.expansions[of] ?? []).map((id): Item => {
      const parent = state.tasks[id]?.item;
      if (!parent) throw new Error(`${id} is an item without a value`);
      const suffix = id.slice(of.length);
      return { ...parent, id: `${node.id}${suffix}`, label: `${node.id}[${parent.key}]` };
    });
    if (items.length === 0) {
      const parent = state.tasks[of];
      const empty = parent?.skipped === 'empty' || nodes.get(of)?.onFailure === 'continue';
      return giveUp(
        empty
          ? { cause: 'empty', reason: `${of} has no items` }
          : { cause: 'dependency', reason: `${of} ended ${parent?.verdict ?? 'failed'}` },
      );
    }
    return expand(items);
  }
  if (node.fanOut?.kind !== 'foreach') return;
  const scope = scopeOf(graph, state, node, undefined);
  const list: Json =
    'kind' in node.fanOut.items
      ? resolveTemplate(node.fanOut.items, scope)
      : [...node.fanOut.items];
  if (!Array.isArray(list))
    return fail(`its list is ${list === null ? 'missing' : `not a list but ${typeof list}`}`);
  const expanded = expandItems(node, list, scope);
  if ('problem' in expanded) return fail(expanded.problem);
  if (expanded.items.length === 0) return giveUp({ cause: 'empty', reason: 'its list is empty' });
  return expand(expanded.items);
}

/** Whether the task's `if:` leaves it out. */
export function leavesOut({ graph, journal }: Context, node: TaskNode, taskId: string): boolean {
  if (!node.if) return false;
  const state = journal.state();
  return !evaluateCondition(node.if, scopeOf(graph, state, node, state.tasks[taskId]));
}
