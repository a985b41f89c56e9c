import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { compilePlan, explainGraph, readPlan, type Graph } from '../../src/plan/index.js';
import { graphOf, nodeOf, taskOf } from './graph-from-text.js';

async function rateLimit(): Promise<Graph> {
  const directory = join(import.meta.dirname, '../testdata/plans/good');
  const result = await readPlan({
    file: 'waves.yaml',
    text: readFileSync(join(directory, 'waves.yaml'), 'utf8'),
    readFile: (path) => Promise.resolve(readFileSync(join(directory, path), 'utf8')),
  });
  const compiled = 'plan' in result ? compilePlan(result.plan) : result;
  if ('graph' in compiled) return compiled.graph;
  throw new Error(compiled.problems.map((one) => one.message).join('\n'));
}

describe('compileWaves()', () => {
  it('makes a merge, gates and a barrier of an integrating wave, a barrier of a joining one', async () => {
    const graph = await rateLimit();
    expect(graph.nodes.map((node) => `${node.kind} ${node.id}`)).toEqual([
      'task map',
      'barrier understand.barrier',
      'task core',
      'task console',
      'task docs',
      'merge build.merge',
      'gate build.gate.types',
      'gate build.gate.unit',
      'barrier build.barrier',
      'task changelog',
      'task review',
      'barrier ship.barrier',
      'merge final-merge',
    ]);
    expect(nodeOf(graph, 'understand.barrier')).toEqual({
      kind: 'barrier',
      id: 'understand.barrier',
      wave: 'understand',
      needs: ['map'],
    });
    expect(nodeOf(graph, 'build.merge')).toEqual({
      kind: 'merge',
      id: 'build.merge',
      tasks: ['core', 'console', 'docs'],
      after: ['understand.barrier'],
    });
    expect(nodeOf(graph, 'build.gate.unit')).toEqual({
      kind: 'gate',
      id: 'build.gate.unit',
      gate: 'unit',
      merge: 'build.merge',
    });
    expect(nodeOf(graph, 'build.barrier')).toEqual({
      kind: 'barrier',
      id: 'build.barrier',
      wave: 'build',
      needs: ['core', 'console', 'docs', 'build.merge', 'build.gate.types', 'build.gate.unit'],
      merge: 'build.merge',
    });
  });

  it('lets tasks wait for the barriers of all earlier waves; a wave with barrier none is a name', async () => {
    const graph = await rateLimit();
    expect(taskOf(graph, 'core')).toMatchObject({ wave: 'build', after: ['understand.barrier'] });
    const later = ['understand.barrier', 'build.barrier'];
    expect(taskOf(graph, 'changelog')).toMatchObject({ wave: 'notes', after: later });
    expect(taskOf(graph, 'review')).toMatchObject({ wave: 'ship', after: later });
  });

  it('merges at the very end what no integrating barrier merged', async () => {
    const graph = await rateLimit();
    expect(nodeOf(graph, 'final-merge')).toEqual({
      kind: 'merge',
      id: 'final-merge',
      tasks: ['changelog'],
      after: ['understand.barrier', 'build.barrier', 'ship.barrier'],
    });
  });

  it('merges plain tasks at the end in plan order, and leaves out those without a diff', async () => {
    const graph = await graphOf(`
tasks:
  - { id: z, prompt: x, needs: [a] }
  - { id: look, prompt: x, effect: none, output: { n: integer } }
  - { id: a, prompt: x }
`);
    expect(graph.nodes.map((node) => node.id)).toEqual(['look', 'a', 'z', 'final-merge']);
    expect(nodeOf(graph, 'final-merge')).toMatchObject({ tasks: ['z', 'a'], after: [] });
    const nothing = await graphOf('tasks: [{ id: a, run: [make] }]');
    expect(nothing.nodes.map((node) => node.id)).toEqual(['a']);
  });

  it('keeps a merge for the gates of a wave that changes nothing', async () => {
    const graph = await graphOf(`
gates: { unit: { run: [make] } }
waves: [{ name: look, gates: [unit], tasks: [{ id: a, run: [make] }] }]
`);
    expect(nodeOf(graph, 'look.merge')).toMatchObject({ tasks: [] });
    expect(nodeOf(graph, 'look.barrier')).toMatchObject({
      needs: ['a', 'look.merge', 'look.gate.unit'],
    });
  });
});

describe('explainGraph()', () => {
  it('says what each node waits for and why, and what a barrier integrates', async () => {
    const explained = new Map(explainGraph(await rateLimit()).map((one) => [one.id, one]));
    expect(explained.get('docs')).toEqual({
      id: 'docs',
      kind: 'task',
      wave: 'build',
      level: 3,
      waitsFor: [
        { node: 'understand.barrier', reason: 'barrier' },
        { node: 'core', reason: 'needs' },
      ],
      waitedForBy: ['build.merge', 'build.barrier'],
      startsFrom: { commit: 'start', plus: ['core'] },
      gates: [],
      locks: [],
      servers: [],
    });
    expect(explained.get('review')?.startsFrom).toEqual({ commit: 'build.merge', plus: [] });
    expect(explained.get('build.barrier')).toMatchObject({
      integrates: ['core', 'console', 'docs'],
      gates: ['types', 'unit'],
    });
    expect(explained.get('understand.barrier')).toMatchObject({ integrates: [], gates: [] });
    expect(explained.get('build.gate.types')?.waitsFor).toEqual([
      { node: 'build.merge', reason: 'checks' },
    ]);
  });
});
