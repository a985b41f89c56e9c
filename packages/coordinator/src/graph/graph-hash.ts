import { createHash } from 'node:crypto';
import type { Json } from '../json.js';
import { canonicalJson } from './canonical-json.js';
import type { Graph } from './graph.js';
import { isObject } from './json-kind.js';

/**
 * `k1:` and the sha256 of the canonical graph without what does not change its meaning: positions,
 * source and titles. Equal hash: the same plan, wherever its lines moved.
 */
export function hashGraph(graph: Omit<Graph, 'hash'>): string {
  const { source: _source, nodes, gates, ...rest } = graph;
  const meaning = {
    ...rest,
    nodes: nodes.map((node) => {
      if (node.kind !== 'task') return node;
      const { title: _title, at: _at, fanOut, output, ...others } = node;
      const items = fanOut?.kind === 'foreach' ? fanOut.items : undefined;
      // As literals, so that nothing inside them is taken for a reference.
      return {
        ...others,
        fanOut: Array.isArray(items)
          ? { ...fanOut, items: { kind: 'literal', value: items } }
          : fanOut,
        output: { kind: 'literal', value: output },
      };
    }),
    gates: Object.values(gates).map(({ at: _at, ...gate }) => gate),
  };
  const text = canonicalJson(withoutPositions(meaning as unknown as Json));
  return `k1:${createHash('sha256').update(text).digest('hex')}`;
}

/** Takes the position out of every reference; values of the plan itself stay whole. */
function withoutPositions(value: Json): Json {
  if (Array.isArray(value)) return (value as readonly Json[]).map(withoutPositions);
  if (!isObject(value) || value['kind'] === 'literal' || value['op'] === 'literal') return value;
  const isReference = isObject(value['root']) && Array.isArray(value['path']);
  const entries = Object.entries(value)
    .filter(([key]) => !(isReference && (key === 'at' || key === 'text')))
    .map(([key, member]): [string, Json] => [key, withoutPositions(member)]);
  return Object.fromEntries(entries);
}
