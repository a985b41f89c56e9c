import { describe, expect, it } from 'vitest';
import { compilePlan } from '../../src/plan/index.js';
import { HEAD, planOf } from '../plan/plan-from-text.js';
import { graphOf } from './graph-from-text.js';

const PLAN = `inputs: { label: { type: string, default: bug } }
gates: { unit: { run: [make, test], timeout: 5m } }
tasks:
  - { id: list, title: List, run: [ls, "\${{ inputs.label }}"], output: { lines: stdout } }
  - { id: a, needs: [list], prompt: "Do \${{ list.output }}", gates: [unit], matrix: { at: [1, 2] } }
`;

const hashOf = async (text: string, inputs = {}): Promise<string> =>
  (await graphOf(text, inputs)).hash;

describe('hashGraph()', () => {
  it('does not change when lines move, titles change or the source is called otherwise', async () => {
    const hash = await hashOf(PLAN);
    expect(hash).toMatch(/^k1:[0-9a-f]{64}$/);
    expect(await hashOf(`# moved\n\n${PLAN}`)).toBe(hash);
    expect(await hashOf(PLAN.replace('title: List, ', ''))).toBe(hash);
    expect(await hashOf(PLAN.replace('run: [make, test]', 'run: make test'))).toBe(hash);
    expect(await hashOf(PLAN.replace('${{ list.output }}', '${{list.output}}'))).toBe(hash);
    const other = compilePlan(await planOf(HEAD + PLAN), { source: 'elsewhere' });
    expect('graph' in other && other.graph.hash).toBe(hash);
  });

  it.each([
    ['a prompt', 'Do ', 'Make '],
    ['a gate', '[make, test]', '[make, check]'],
    ['a time limit', '5m', '6m'],
    ['an edge', 'needs: [list], prompt: "Do ${{ list.output }}"', 'prompt: "Do it"'],
    ['an item that looks like a position', 'at: [1, 2]', 'at: [1, 3]'],
    ['a reference', '${{ list.output }}', '${{ list.output[0] }}'],
    ['an output', '{ lines: stdout }', '{ json: stdout }'],
  ])('changes with %s', async (_, before, after) => {
    const changed = PLAN.replace(before, after);
    expect(changed).not.toBe(PLAN);
    expect(await hashOf(changed)).not.toBe(await hashOf(PLAN));
  });

  it('changes with the inputs of the run', async () => {
    expect(await hashOf(PLAN, { label: 'crash' })).not.toBe(await hashOf(PLAN));
    expect(await hashOf(PLAN, { label: 'bug' })).toBe(await hashOf(PLAN));
  });
});
