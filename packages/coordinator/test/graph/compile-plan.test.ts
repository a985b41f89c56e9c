import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { compilePlan, readPlan } from '../../src/plan/index.js';
import { HEAD, planOf } from '../plan/plan-from-text.js';
import { graphOf, taskOf } from './graph-from-text.js';

describe('compilePlan()', () => {
  it('gives a task that says nothing the documented defaults', async () => {
    const graph = await graphOf('tasks: [{ id: a, prompt: Do it }]');
    const { at, ...task } = taskOf(graph, 'a');
    expect(task).toEqual({
      kind: 'task',
      id: 'a',
      order: 0,
      needs: [],
      after: [],
      agent: { driver: 'claude', allow: ['Edit', 'Write'], project: 'memory' },
      prompt: { kind: 'literal', value: 'Do it' },
      inputs: {},
      effect: 'diff',
      writesOutside: 'fail',
      gates: [],
      base: 'needs',
      session: 'new',
      isolation: 'clone',
      locks: [],
      env: {},
      timeoutMs: 3_600_000,
      idleMs: 900_000,
      retry: { transient: 5, gate: 2 },
      onFailure: 'block',
      denials: 'fail_if_unverified',
      trust: 'trusted',
    });
    expect(at).toEqual({ file: 'orch.yaml', line: 3, column: 9 });
    expect(graph).toMatchObject({
      version: 1,
      name: 'sample',
      source: 'orch.yaml',
      inputs: {},
      gates: {},
      copy: [],
      limits: { parallel: 'auto' },
      deliver: { to: 'branch' },
    });
    expect(graph.setup).toBeUndefined();
  });

  it('takes the nearest setting: task, then agent, then defaults; deny adds up', async () => {
    const graph = await graphOf(`
defaults:
  model: sonnet
  effort: low
  allow: [Edit]
  deny: [WebFetch]
  timeout: 10m
  retry: { gate: 4 }
  env: { CI: "1", MODE: fast }
agents:
  reviewer: { use: claude, model: opus, allow: [Read], deny: [Bash], turns: 9 }
tasks:
  - { id: plain, prompt: x }
  - id: special
    agent: reviewer
    prompt: x
    model: haiku
    deny: [Write, Bash]
    timeout: 1h30m
    retry: { transient: 0 }
    env: { MODE: slow }
    usd: 2.5
`);
    expect(taskOf(graph, 'plain')).toMatchObject({
      agent: {
        driver: 'claude',
        model: 'sonnet',
        effort: 'low',
        allow: ['Edit'],
        deny: ['WebFetch'],
      },
      timeoutMs: 600_000,
      // No longer than the whole attempt.
      idleMs: 600_000,
      retry: { transient: 5, gate: 4 },
      env: { CI: '1', MODE: 'fast' },
    });
    expect(taskOf(graph, 'special')).toMatchObject({
      agent: {
        model: 'haiku',
        effort: 'low',
        allow: ['Read'],
        deny: ['Write', 'Bash', 'WebFetch'],
        turns: 9,
        usd: 2.5,
      },
      timeoutMs: 5_400_000,
      retry: { transient: 0, gate: 4 },
      env: { CI: '1', MODE: 'slow' },
    });
  });

  it('makes commands of run: and sh:, whose effect is none until they write', async () => {
    const graph = await graphOf(`
inputs: { label: { type: string, default: bug } }
tasks:
  - { id: line, run: "gh issue list --label 'a b'" }
  - { id: list, run: [gh, "\${{ inputs.label }}", "$\${{ x }}"], expect: any, timeout: 2h }
  - { id: shell, sh: "make | tee log", writes: [log] }
  - { id: format, run: [make, format], effect: diff }
`);
    const command = (id: string) => taskOf(graph, id).agent.command;
    expect(command('line')).toEqual({
      argv: ['gh', 'issue', 'list', '--label', 'a b'].map((value) => ({ kind: 'literal', value })),
      shell: false,
      expect: 'zero',
    });
    expect(command('list')).toMatchObject({
      argv: [
        { kind: 'literal', value: 'gh' },
        { kind: 'reference', reference: { root: { kind: 'inputs' }, path: ['label'] } },
        { kind: 'literal', value: '${{ x }}' },
      ],
      expect: 'any',
    });
    expect(command('shell')).toMatchObject({ argv: [{ value: 'make | tee log' }], shell: true });
    // A command may be silent for as long as it may run.
    expect(taskOf(graph, 'list').idleMs).toBe(7_200_000);
    const effects = ['line', 'list', 'shell', 'format'].map((id) => taskOf(graph, id).effect);
    expect(effects).toEqual(['none', 'none', 'diff', 'diff']);
  });

  it('lets an agent be a command', async () => {
    const graph = await graphOf(`
agents: { script: { use: command, run: ./agent.sh --fast } }
tasks: [{ id: a, prompt: Do it, agent: script, usd: 1 }]
`);
    expect(taskOf(graph, 'a').agent).toEqual({
      driver: 'command',
      project: 'memory',
      command: {
        argv: [
          { kind: 'literal', value: './agent.sh' },
          { kind: 'literal', value: '--fast' },
        ],
        shell: false,
        expect: 'zero',
      },
      usd: 1,
    });
  });

  it('expands a matrix to the product of its lists, in order', async () => {
    const graph = await graphOf(`
tasks:
  - id: test
    run: [make, test, "\${{ matrix.os }}"]
    matrix: { os: [linux, mac], node: ["20", "22"] }
`);
    const { fanOut, inputs } = taskOf(graph, 'test');
    expect(fanOut).toEqual({
      kind: 'foreach',
      as: 'matrix',
      items: [
        { os: 'linux', node: '20' },
        { os: 'linux', node: '22' },
        { os: 'mac', node: '20' },
        { os: 'mac', node: '22' },
      ],
    });
    // A command has no prompt to mention its item in: it arrives as an input.
    expect(inputs).toMatchObject({
      matrix: { kind: 'reference', reference: { root: { kind: 'matrix' } } },
    });
  });

  it('adds the edge that a foreach over an output means, and no other by itself', async () => {
    const graph = await graphOf(`
tasks:
  - { id: list, run: [ls], output: { lines: stdout } }
  - { id: work, prompt: "Look at \${{ file }}", foreach: "\${{ list.output }}", as: file, max: 9 }
  - { id: check, each: work, prompt: "Check \${{ file }}", session: continue }
  - { id: sum, needs: [check], prompt: "\${{ check.all }}" }
`);
    expect(taskOf(graph, 'work').needs).toEqual(['list']);
    expect(taskOf(graph, 'check')).toMatchObject({
      needs: [],
      fanOut: { kind: 'each', of: 'work' },
    });
    expect(taskOf(graph, 'sum').prompt).toMatchObject({
      reference: { root: { kind: 'task', id: 'check', all: true }, path: [] },
    });
  });

  it('compiles setup, gates, limits and delivery', async () => {
    const graph = await graphOf(`
limits: { parallel: 3, usd: 40, wall: 90s }
workspace: { setup: [[pnpm, install], [pnpm, build]], copy: [.env.test] }
gates:
  unit: { run: pnpm -s test, timeout: 90s, protect: ["**/*.test.ts"], env: { CI: "1" } }
  shell: { sh: "make && make check" }
tasks: [{ id: a, prompt: x, gates: [unit, shell, unit] }]
deliver: { merge: main }
`);
    expect(graph.setup).toEqual({
      commands: [
        ['pnpm', 'install'],
        ['pnpm', 'build'],
      ],
      timeoutMs: 1_200_000,
    });
    expect(graph.gates).toEqual({
      unit: {
        id: 'unit',
        command: { argv: ['pnpm', '-s', 'test'], shell: false },
        timeoutMs: 90_000,
        protect: ['**/*.test.ts'],
        env: { CI: '1' },
        at: { file: 'orch.yaml', line: 7, column: 3 },
      },
      shell: {
        id: 'shell',
        command: { argv: ['make && make check'], shell: true },
        timeoutMs: 600_000,
        protect: [],
        env: {},
        at: { file: 'orch.yaml', line: 8, column: 3 },
      },
    });
    expect(graph.limits).toEqual({ parallel: 3, usd: 40, wallMs: 90_000 });
    expect(graph.deliver).toEqual({ to: 'merge', branch: 'main' });
    expect(graph.copy).toEqual(['.env.test']);
    expect(taskOf(graph, 'a').gates).toEqual(['unit', 'shell']);
  });

  it.each([
    ['pnpm install', [['pnpm', 'install']]],
    ['[pnpm, install]', [['pnpm', 'install']]],
    [
      '[[pnpm, install], [pnpm, build]]',
      [
        ['pnpm', 'install'],
        ['pnpm', 'build'],
      ],
    ],
  ])('takes workspace.setup as %s', async (setup, commands) => {
    const graph = await graphOf(`workspace: { setup: ${setup} }\ntasks: [{ id: a, prompt: x }]`);
    expect(graph.setup?.commands).toEqual(commands);
  });

  it('turns the short form of an output into a closed schema', async () => {
    const graph = await graphOf(`
tasks:
  - id: a
    prompt: x
    output: { n: integer, level: [low, high], files: [string], note?: string, deep: [{ ok: boolean }] }
  - { id: b, run: [ls], output: { json: stdout, schema: [string] } }
  - { id: c, run: [ls], output: { lines: stdout } }
  - { id: d, run: [ls], output: { json: stdout } }
`);
    expect(taskOf(graph, 'a').output).toEqual({
      kind: 'schema',
      from: 'agent',
      schema: {
        type: 'object',
        properties: {
          n: { type: 'integer' },
          level: { type: 'string', enum: ['low', 'high'] },
          files: { type: 'array', items: { type: 'string' } },
          note: { type: 'string' },
          deep: {
            type: 'array',
            items: {
              type: 'object',
              properties: { ok: { type: 'boolean' } },
              required: ['ok'],
              additionalProperties: false,
            },
          },
        },
        required: ['n', 'level', 'files', 'deep'],
        additionalProperties: false,
      },
    });
    expect(taskOf(graph, 'b').output).toEqual({
      kind: 'schema',
      from: 'stdout',
      schema: { type: 'array', items: { type: 'string' } },
    });
    expect(taskOf(graph, 'c').output).toEqual({ kind: 'lines' });
    expect(taskOf(graph, 'd').output).toEqual({ kind: 'schema', from: 'stdout', schema: {} });
  });

  it('coerces inputs by their declared types, with defaults', async () => {
    const text = `
inputs:
  s: { type: string, default: bug }
  n: { type: number }
  b: { type: boolean, required: false }
tasks: [{ id: a, prompt: "\${{ inputs.s }}" }]
`;
    expect((await graphOf(text, { n: '4.5', b: 'true' })).inputs).toEqual({
      s: 'bug',
      n: 4.5,
      b: true,
    });
    expect((await graphOf(text, { n: '-1e3', s: '' })).inputs).toEqual({
      s: '',
      n: -1000,
      b: null,
    });
  });

  it('refuses inputs that are missing, unknown or of another type, all at once', async () => {
    const plan = await planOf(`${HEAD}inputs:
  n: { type: number }
  b: { type: boolean }
  must: { type: string }
tasks: [{ id: a, prompt: x }]
`);
    const result = compilePlan(plan, { inputs: { n: '0x10', b: 'yes', mus: 'x' } });
    const problems = 'problems' in result ? result.problems : [];
    expect(
      problems.map((one) => `${one.line}:${one.column} ${one.code} ${one.suggestion ?? ''}`),
    ).toEqual([
      '3:1 ORCH_PLAN_INPUT_UNKNOWN must',
      '4:3 ORCH_PLAN_INPUT_TYPE ',
      '5:3 ORCH_PLAN_INPUT_TYPE ',
      '6:3 ORCH_PLAN_INPUT_MISSING ',
    ]);
    expect(compilePlan(plan, { inputs: { n: '16', b: 'true', must: 'x' } })).toHaveProperty(
      'graph',
    );
  });

  it('compiles the plan of the documentation, and its graph is plain data', async () => {
    const directory = join(import.meta.dirname, '../testdata/plans/good');
    const result = await readPlan({
      file: 'bug-triage.yaml',
      text: readFileSync(join(directory, 'bug-triage.yaml'), 'utf8'),
      readFile: (path) => Promise.resolve(readFileSync(join(directory, path), 'utf8')),
    });
    if (!('plan' in result)) throw new Error('expected a plan');
    const compiled = compilePlan(result.plan, { source: 'main:bug-triage.yaml' });
    if (!('graph' in compiled)) throw new Error('expected a graph');
    const { graph } = compiled;
    expect(JSON.parse(JSON.stringify(graph))).toEqual({ ...graph });
    expect(graph.source).toBe('main:bug-triage.yaml');
    expect(graph.nodes.map((node) => node.id)).toEqual(['issues', 'triage', 'fix', 'final-merge']);
    expect(taskOf(graph, 'fix')).toMatchObject({
      fanOut: { kind: 'each', of: 'triage' },
      if: { op: '&&' },
      session: 'continue',
      writes: { kind: 'reference', reference: { path: ['files'] } },
      writesOutside: 'warn',
      trust: 'untrusted',
    });
  });
});
