import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { edgesOf, orderNodes } from '../../src/graph/order.js';
import { brief, HEAD, problemsOf } from '../plan/plan-from-text.js';
import { graphOf } from './graph-from-text.js';

/** Tasks with edges in any direction; `shuffled` is the order in which they stand in the plan. */
const tasks = fc.integer({ min: 1, max: 12 }).chain((count) =>
  fc.record({
    shuffled: fc.shuffledSubarray(
      Array.from({ length: count }, (_, index) => index),
      { minLength: count, maxLength: count },
    ),
    pairs: fc.array(fc.tuple(fc.nat(count - 1), fc.nat(count - 1)), { maxLength: 30 }),
    waves: fc.integer({ min: 0, max: 4 }),
  }),
);

type Drawn = {
  readonly shuffled: readonly number[];
  readonly pairs: readonly (readonly [number, number])[];
  readonly waves: number;
};

/** Edges from higher to lower numbers only: no cycles. */
function writePlan({ shuffled, pairs, waves }: Drawn): string {
  const needsOf = (index: number): string[] => [
    ...new Set(pairs.filter(([from, to]) => from === index && to < from).map(([, to]) => `t${to}`)),
  ];
  const line = (index: number): string =>
    `{ id: t${index}, prompt: x, needs: [${needsOf(index).join(', ')}] }`;
  if (waves === 0) return `tasks:\n${shuffled.map((index) => `  - ${line(index)}`).join('\n')}`;
  // The lower a number, the earlier its wave: needs never point to a later one.
  const size = Math.ceil(shuffled.length / waves);
  const groups = Array.from({ length: waves }, (_, wave) =>
    shuffled.filter((index) => Math.floor(index / size) === wave),
  ).filter((group) => group.length > 0);
  return `waves:\n${groups
    .map((group, index) => `  - { name: w${index}, tasks: [${group.map(line).join(', ')}] }`)
    .join('\n')}`;
}

describe('orderNodes()', () => {
  it('puts every node after what it waits for, in any plan without a cycle', async () => {
    await fc.assert(
      fc.asyncProperty(tasks, async (drawn) => {
        const { nodes } = await graphOf(writePlan(drawn));
        const position = new Map(nodes.map((node, index) => [node.id, index]));
        for (const node of nodes) {
          for (const { to } of edgesOf(node)) {
            expect(position.get(to)).toBeLessThan(position.get(node.id) ?? -1);
          }
        }
        // The control: turned around, the same order breaks every edge.
        const reversed = new Map([...nodes].reverse().map((node, index) => [node.id, index]));
        for (const node of nodes) {
          for (const { to } of edgesOf(node)) {
            expect(reversed.get(to)).toBeGreaterThan(reversed.get(node.id) ?? Infinity);
          }
        }
      }),
      { numRuns: 150 },
    );
  });

  it('keeps plan order wherever edges leave it free, and numbers tasks by it', async () => {
    const graph = await graphOf(`
tasks:
  - { id: d, prompt: x, needs: [b] }
  - { id: c, prompt: x }
  - { id: b, prompt: x }
  - { id: a, prompt: x }
`);
    const order = graph.nodes.flatMap((node) =>
      node.kind === 'task' ? [[node.id, node.order]] : [],
    );
    expect(order).toEqual([
      ['c', 1],
      ['b', 2],
      ['d', 0],
      ['a', 3],
    ]);
  });

  it('names the nodes of a cycle and loses none of them', async () => {
    const { nodes } = await graphOf(
      'tasks: [{ id: a, prompt: x }, { id: b, prompt: x, needs: [a] }]',
    );
    const twisted = nodes.map((node) => (node.id === 'a' ? { ...node, needs: ['b'] } : node));
    const { ordered, cyclic } = orderNodes(twisted);
    expect(ordered).toHaveLength(3);
    expect(cyclic).toEqual(['a', 'b', 'final-merge']);
    expect(orderNodes(nodes).cyclic).toEqual([]);
  });
});

describe('checkCycles()', () => {
  it('finds a cycle exactly when there is one', async () => {
    const pairs = fc.array(fc.tuple(fc.nat(5), fc.nat(5)), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(pairs, async (edges) => {
        const needs = (index: number) => [
          ...new Set(edges.filter(([from]) => from === index).map(([, to]) => to)),
        ];
        const ids = [0, 1, 2, 3, 4, 5];
        const text = ids.map(
          (id) =>
            `- { id: t${id}, prompt: x, needs: [${needs(id)
              .map((to) => `t${to}`)
              .join(', ')}] }`,
        );
        const problems = await problemsOf(`${HEAD}tasks:\n${text.join('\n')}\n`);
        // Warshall's closure as a second opinion.
        const reach = ids.map((from) => ids.map((to) => needs(from).includes(to)));
        for (const via of ids) {
          for (const from of ids) {
            for (const to of ids) {
              if (reach[from]?.[via] && reach[via]?.[to]) (reach[from] ?? [])[to] = true;
            }
          }
        }
        const isCyclic = ids.some((id) => reach[id]?.[id]);
        expect(problems.some((one) => one.code === 'ORCH_PLAN_CYCLE')).toBe(isCyclic);
        expect(problems.filter((one) => one.code !== 'ORCH_PLAN_CYCLE').map(brief)).toEqual([]);
        for (const one of problems) {
          const walk = one.message.replace(/^.*: /, '').split(' -> ');
          expect(walk[0]).toBe(walk.at(-1));
          for (const [step, id] of walk.slice(0, -1).entries()) {
            expect(needs(Number(id.slice(1))).map((to) => `t${to}`)).toContain(walk[step + 1]);
          }
        }
      }),
      { numRuns: 200 },
    );
  });
});
