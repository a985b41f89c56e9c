import type { Graph, TaskNode } from '@orch/coordinator';

/** The run's own memory goes by this name, unless a server of that name is configured. */
export const memoryName = 'memory';

/** An MCP server that a plan hands to agents. */
export interface NamedServer {
  readonly server: string;
  /** The first task that names it. */
  readonly by: TaskNode;
}

/** The servers that tasks of a plan name, each once. Reads nothing but the graph. */
export function namedServers({ nodes }: Graph): readonly NamedServer[] {
  const named = new Map<string, TaskNode>();
  for (const node of nodes) {
    if (node.kind !== 'task') continue;
    for (const { server } of node.agent.mcp ?? []) {
      if (!named.has(server)) named.set(server, node);
    }
  }
  return [...named].map(([server, by]) => ({ server, by }));
}
