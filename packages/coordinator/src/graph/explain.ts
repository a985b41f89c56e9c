import type { Json } from '../json.js';
import type { AgentSettings, Graph, Node, OutputSpec, Position, TaskNode } from './graph.js';
import { edgesOf, type Edge } from './order.js';
import { showCondition, showTemplate } from './show-template.js';

/** One thing that a node waits for, and why. */
export interface WaitReason {
  readonly node: string;
  /**
   * `needs`: its plan says so · `each`: the same item of that fan-out · `barrier`: an earlier wave ·
   * `merges`: it merges that result · `checks`: it checks that merge · `ends-wave`: it ends that wave.
   */
  readonly reason: Edge['reason'];
}

/** What a node waits for and what it starts from. */
export interface NodeExplanation {
  readonly id: string;
  readonly kind: Node['kind'];
  readonly title?: string;
  readonly wave?: string;
  /** Longest chain of waits before it; nodes of one level can run side by side. */
  readonly level: number;
  readonly waitsFor: readonly WaitReason[];
  /** Nodes that wait for it directly: what a delay here delays. */
  readonly waitedForBy: readonly string[];
  /** Tasks: what the workspace holds at the start. */
  readonly startsFrom?: {
    /** `start`: the run's base · `integration`: the tip at that moment · else the id of a merge. */
    readonly commit: string;
    /** Tasks whose results are merged onto it, in plan order. */
    readonly plus: readonly string[];
  };
  /** Merges and integrating barriers: the results that land, in plan order. */
  readonly integrates?: readonly string[];
  /** Gates that decide: of the task, or on the merged tree. */
  readonly gates: readonly string[];
  readonly locks: readonly string[];
  /** Tasks: the MCP servers that the agent is handed. */
  readonly servers: readonly string[];
}

/** Data for `plan explain`, in the order of the graph. */
export function explainGraph(graph: Graph): readonly NodeExplanation[] {
  const byId = new Map(graph.nodes.map((node) => [node.id, node]));
  const waiters = new Map<string, string[]>();
  for (const node of graph.nodes) {
    for (const to of new Set(edgesOf(node).map((edge) => edge.to))) {
      waiters.set(to, [...(waiters.get(to) ?? []), node.id]);
    }
  }
  const levels = new Map<string, number>();
  return graph.nodes.map((node): NodeExplanation => {
    const edges = edgesOf(node);
    // Nodes are ordered: what this one waits for has its level already.
    const level = Math.max(0, ...edges.map(({ to }) => (levels.get(to) ?? 0) + 1));
    levels.set(node.id, level);
    const integrates = integratedBy(node, byId);
    return {
      id: node.id,
      kind: node.kind,
      ...(node.kind === 'task' && node.title !== undefined ? { title: node.title } : {}),
      ...waveOf(node),
      level,
      waitsFor: edges.map(({ to, reason }) => ({ node: to, reason })),
      waitedForBy: waiters.get(node.id) ?? [],
      ...(node.kind === 'task' ? { startsFrom: startOf(node, byId) } : {}),
      ...(integrates === undefined ? {} : { integrates }),
      gates: gatesOf(node, graph),
      locks: node.kind === 'task' ? node.locks : [],
      servers: node.kind === 'task' ? (node.agent.mcp ?? []).map(({ server }) => server) : [],
    };
  });
}

function waveOf(node: Node): { readonly wave?: string } {
  const isNamed = node.kind === 'task' || node.kind === 'barrier';
  return isNamed && node.wave !== undefined ? { wave: node.wave } : {};
}

function startOf(
  node: TaskNode,
  byId: ReadonlyMap<string, Node>,
): NonNullable<NodeExplanation['startsFrom']> {
  if (node.base === 'start') return { commit: 'start', plus: [] };
  if (node.base === 'integration') return { commit: 'integration', plus: [] };
  const merges = node.after.flatMap((id) => {
    const barrier = byId.get(id);
    return barrier?.kind === 'barrier' && barrier.merge !== undefined ? [barrier.merge] : [];
  });
  const paired = node.fanOut?.kind === 'each' ? [node.fanOut.of] : [];
  const plus = [...new Set([...paired, ...node.needs])]
    .flatMap((id) => {
      const needed = byId.get(id);
      return needed?.kind === 'task' && needed.effect === 'diff' ? [needed] : [];
    })
    .sort((left, right) => left.order - right.order);
  return { commit: merges.at(-1) ?? 'start', plus: plus.map((task) => task.id) };
}

function integratedBy(node: Node, byId: ReadonlyMap<string, Node>): readonly string[] | undefined {
  if (node.kind === 'merge') return node.tasks;
  if (node.kind !== 'barrier') return undefined;
  const merge = node.merge === undefined ? undefined : byId.get(node.merge);
  return merge?.kind === 'merge' ? merge.tasks : [];
}

function gatesOf(node: Node, graph: Graph): readonly string[] {
  if (node.kind === 'task') return node.gates;
  if (node.kind === 'gate') return [node.gate];
  const merge = node.kind === 'merge' ? node.id : node.merge;
  return graph.nodes.flatMap((one) =>
    one.kind === 'gate' && one.merge === merge ? [one.gate] : [],
  );
}

/** What a task will be asked, with its holes shown as they were written. */
export interface ShownTask {
  readonly id: string;
  readonly title?: string;
  readonly at: Position;
  readonly agent: Omit<AgentSettings, 'command'>;
  readonly prompt?: string;
  /** The command, one argument each; for `sh:` the one line. */
  readonly argv?: readonly string[];
  readonly shell?: boolean;
  readonly inputs: { readonly [name: string]: string };
  readonly if?: string;
  readonly fanOut?: string;
  readonly effect: 'diff' | 'none';
  readonly writes?: string;
  readonly output?: OutputSpec;
  readonly gates: readonly string[];
  readonly environment: readonly string[];
  readonly trust: 'trusted' | 'untrusted';
  readonly timeoutMs: number;
  readonly idleMs: number;
}

/** Data for `plan show TASK`; `undefined` when there is no such task. */
export function showTask(graph: Graph, id: string): ShownTask | undefined {
  const node = graph.nodes.find((one) => one.id === id);
  if (node?.kind !== 'task') return undefined;
  const { command, ...agent } = node.agent;
  const inputs = Object.entries(node.inputs).map(([name, value]) => [name, showTemplate(value)]);
  return {
    id: node.id,
    ...(node.title === undefined ? {} : { title: node.title }),
    at: node.at,
    agent,
    ...(node.prompt === undefined ? {} : { prompt: showTemplate(node.prompt) }),
    ...(command === undefined
      ? {}
      : { argv: command.argv.map(showTemplate), shell: command.shell }),
    inputs: Object.fromEntries(inputs) as { readonly [name: string]: string },
    ...(node.if === undefined ? {} : { if: showCondition(node.if) }),
    ...(node.fanOut === undefined ? {} : { fanOut: showFanOut(node.fanOut) }),
    effect: node.effect,
    ...(node.writes === undefined ? {} : { writes: showTemplate(node.writes) }),
    ...(node.output === undefined ? {} : { output: node.output }),
    gates: node.gates,
    environment: Object.keys(node.env).sort(),
    trust: node.trust,
    timeoutMs: node.timeoutMs,
    idleMs: node.idleMs,
  };
}

function showFanOut(fanOut: NonNullable<TaskNode['fanOut']>): string {
  if (fanOut.kind === 'each') return `each ${fanOut.of}`;
  const { items, max, as } = fanOut;
  if (Array.isArray(items)) return `${(items as readonly Json[]).length} items as ${as}`;
  const list = 'kind' in items ? showTemplate(items) : '';
  return `${list} as ${as}${max === undefined ? '' : `, at most ${max}`}`;
}
