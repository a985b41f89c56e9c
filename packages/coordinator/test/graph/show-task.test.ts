import { describe, expect, it } from 'vitest';
import { showTask } from '../../src/plan/index.js';
import { graphOf } from './graph-from-text.js';

describe('showTask()', () => {
  it('shows the exact prompt with its holes, the tools and the settings', async () => {
    const graph = await graphOf(
      `
inputs: { topic: { type: string, default: x } }
defaults: { model: sonnet, deny: [WebFetch] }
tasks:
  - { id: list, run: [ls, "\${{ inputs.topic }}"], output: { lines: stdout } }
  - id: a
    title: Write
    needs: [list]
    prompt: { file: p.md, with: { topic: "\${{ inputs.topic }}" } }
    if: size(list.output) > 2 && 'x' in list.output
    tools: [Read, Edit]
    writes: [docs/**]
    env: { B: "2", A: "1" }
`,
      {},
      { 'p.md': 'About ${{ topic }}\nand $${{ this }}.\n' },
    );
    expect(showTask(graph, 'a')).toEqual({
      id: 'a',
      title: 'Write',
      at: { file: 'orch.yaml', line: 8, column: 5 },
      agent: {
        driver: 'claude',
        model: 'sonnet',
        tools: ['Read', 'Edit'],
        allow: ['Edit', 'Write'],
        deny: ['WebFetch'],
        project: 'memory',
      },
      prompt: 'About ${{ topic }}\nand ${{ this }}.\n',
      inputs: { topic: '${{ inputs.topic }}' },
      if: '((size(list.output) > 2) && ("x" in list.output))',
      effect: 'diff',
      writes: '["docs/**"]',
      gates: [],
      environment: ['A', 'B'],
      trust: 'trusted',
      timeoutMs: 3_600_000,
      idleMs: 900_000,
    });
    expect(showTask(graph, 'list')).toMatchObject({
      argv: ['ls', '${{ inputs.topic }}'],
      shell: false,
    });
    expect(showTask(graph, 'nothing')).toBeUndefined();
    expect(showTask(graph, 'final-merge')).toBeUndefined();
  });

  it('says how a task becomes several', async () => {
    const graph = await graphOf(`
tasks:
  - { id: list, run: [ls], output: { lines: stdout } }
  - { id: a, foreach: "\${{ list.output }}", as: file, max: 9, prompt: x }
  - { id: b, each: a, prompt: x }
  - { id: c, matrix: { os: [linux, mac] }, run: [make] }
`);
    expect(['a', 'b', 'c'].map((id) => showTask(graph, id)?.fanOut)).toEqual([
      '${{ list.output }} as file, at most 9',
      'each a',
      '2 items as matrix',
    ]);
  });
});
