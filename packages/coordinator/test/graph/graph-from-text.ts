import { compilePlan, type Graph } from '../../src/plan/index.js';
import type { Node, TaskNode } from '../../src/graph/graph.js';
import { HEAD, planOf } from '../plan/plan-from-text.js';

/** The graph of a plan that must be without a fault; `text` without the two lines every plan begins with. */
export async function graphOf(
  text: string,
  inputs: { readonly [name: string]: string } = {},
  files: { readonly [path: string]: string } = {},
): Promise<Graph> {
  const result = compilePlan(await planOf(HEAD + text, files), { inputs });
  if ('graph' in result) return result.graph;
  throw new Error(result.problems.map((one) => one.message).join('\n'));
}

export function nodeOf(graph: Graph, id: string): Node {
  const node = graph.nodes.find((one) => one.id === id);
  if (node === undefined) throw new Error(`no node ${id}`);
  return node;
}

export function taskOf(graph: Graph, id: string): TaskNode {
  const node = nodeOf(graph, id);
  if (node.kind !== 'task') throw new Error(`${id} is no task`);
  return node;
}
