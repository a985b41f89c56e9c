import type { Json } from '../json.js';
import type { Plan } from '../plan/plan.js';
import type { Report } from '../plan/problem.js';
import { parseDurationMs } from '../plan/duration.js';
import { compileAgentCommands } from './compile-agent.js';
import { compileTask, type CompiledTask } from './compile-task.js';
import { compileWaves } from './compile-waves.js';
import { compileGates, compileSetup } from './compile-workspace.js';
import type { Graph, TaskNode } from './graph.js';
import { hashGraph } from './graph-hash.js';
import { inputTypes } from './namespace.js';
import { orderNodes } from './order.js';
import { refuseStrayReferences } from './stray-references.js';
import { createTaskTable, findOrigins } from './task-table.js';
import { untrustedTasks } from './trust.js';

/**
 * The graph of a plan, and every fault that its references, conditions, commands and outputs have.
 * With a report that is not empty the graph is worth nothing.
 */
export function compileGraph(
  plan: Plan,
  inputs: { readonly [name: string]: Json },
  source: string,
  report: Report,
): Graph {
  const { document } = plan;
  refuseStrayReferences(plan, report);
  const gates = compileGates(plan, report);
  const setup = compileSetup(plan, report);
  const table = createTaskTable(plan, report);
  const context = {
    plan,
    report,
    table,
    inputs: inputTypes(plan),
    agentCommands: compileAgentCommands(plan, report),
    origins: findOrigins(table),
    fanOuts: new Map(),
  };
  const compiled: CompiledTask[] = [];
  for (const entry of table.values()) {
    if (report.isFull()) break;
    compiled.push(compileTask(context, entry));
  }
  const uses = new Map(compiled.map(({ node, uses: taken }) => [node.id, taken]));
  const withServers = compiled.flatMap(({ node }) => (node.agent.mcp ? [node.id] : []));
  const untrusted = untrustedTasks(plan, table, uses, new Set(withServers), report);
  const tasks = compiled.map(({ node }): TaskNode => {
    return untrusted.has(node.id) ? { ...node, trust: 'untrusted' } : node;
  });
  const { ordered, cyclic } = orderNodes(compileWaves(plan, tasks));
  if (cyclic.length > 0 && report.problems.length === 0) {
    report.add(plan.locations.value([]), [], {
      code: 'ORCH_PLAN_CYCLE',
      message: `these wait for each other: ${cyclic.join(', ')}`,
    });
  }
  const limits = document.limits ?? {};
  const deliver = document.deliver ?? {};
  const graph: Omit<Graph, 'hash'> = {
    version: 1,
    name: document.name,
    source,
    inputs,
    nodes: ordered,
    gates,
    setup,
    copy: document.workspace?.copy ?? [],
    limits: {
      parallel: limits.parallel ?? 'auto',
      ...(limits.usd === undefined ? {} : { usd: limits.usd }),
      ...(limits.wall === undefined ? {} : { wallMs: parseDurationMs(limits.wall) }),
    },
    deliver:
      deliver.merge === undefined
        ? { to: 'branch', ...(deliver.branch === undefined ? {} : { branch: deliver.branch }) }
        : { to: 'merge', branch: deliver.merge },
  };
  return { ...graph, hash: hashGraph(graph) };
}
