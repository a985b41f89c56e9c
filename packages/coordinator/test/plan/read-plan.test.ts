import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatProblem, readPlan } from '../../src/plan/index.js';
import { brief, HEAD, planOf, problemsOf } from './plan-from-text.js';

const TASK = 'tasks:\n  - id: a\n    prompt: Do it\n';

describe('readPlan()', () => {
  it('reports everything at once, across kinds of mistakes, in the order of the file', async () => {
    const text = `${HEAD}limts: {}
tasks:
  - id: a
    prompt: "Use \${{ inputs.nothing }}"
    needs: [z]
    timeout: 25
    secrets: [X]
`;
    expect((await problemsOf(text)).map(brief)).toEqual([
      '3:1 ORCH_PLAN_UNKNOWN_KEY',
      '6:29 ORCH_PLAN_REFERENCE_UNKNOWN',
      '7:13 ORCH_PLAN_UNKNOWN_TASK',
      '8:14 ORCH_PLAN_DURATION',
      '9:5 ORCH_PLAN_NOT_YET',
    ]);
  });

  it('does not blame a use for a definition that is at fault itself', async () => {
    const text = `${HEAD}gates: { unit: { rum: [make] } }
agents: { reviewer: { use: acp } }
tasks:
  - id: a
    prompt: Do it
    gates: [unit]
    agent: reviewer
    output: { n: 7 }
  - id: b
    needs: [a]
    prompt: "\${{ a.n }}"
`;
    expect((await problemsOf(text)).map(brief)).toEqual([
      '3:18 ORCH_PLAN_UNKNOWN_KEY',
      '4:23 ORCH_PLAN_NOT_YET',
      '10:18 ORCH_PLAN_OUTPUT',
    ]);
  });

  it('still checks the rest when a key, a task or a definition is unusable', async () => {
    const text = `${HEAD}gates:
  test: npm test
tasks:
  - id: plan
    prompt: Plan it
    output: { plan: text }
  - id: implement
    depends_on: plan
    prompt: "\${{ plan.plan }} and \${{ a b }}"
    gates: test
  - id: review
    prompt: { text: Review it }
    gates: [tets]
  - name: last
    run: npm run build && npm publish
`;
    expect((await problemsOf(text)).map((one) => `${brief(one)} ${one.suggestion ?? ''}`)).toEqual([
      '4:9 ORCH_PLAN_WRONG_TYPE ',
      '8:21 ORCH_PLAN_OUTPUT ',
      '10:5 ORCH_PLAN_UNKNOWN_KEY needs',
      '11:40 ORCH_PLAN_REFERENCE_SYNTAX ',
      '12:12 ORCH_PLAN_WRONG_TYPE [test]',
      '14:13 ORCH_PLAN_MISSING_KEY ',
      '14:15 ORCH_PLAN_UNKNOWN_KEY ',
      '15:13 ORCH_PLAN_UNKNOWN_GATE test',
      '16:5 ORCH_PLAN_MISSING_KEY ',
      '16:5 ORCH_PLAN_UNKNOWN_KEY id',
      '17:24 ORCH_PLAN_COMMAND sh: "npm run build && npm publish"',
    ]);
  });

  it('asks for the files that the plan names, and for no other', async () => {
    const asked: string[] = [];
    const text = `${HEAD}use: [parts/p.yaml]
tasks:
  - id: a
    prompt: { file: prompts/a.md }
  - id: b
    prompt: { file: ../b.md }
  - id: c
    prompt: { file: prompts/a.md }
    output: { schema: s.json }
`;
    const result = await readPlan({
      file: 'plans/orch.yaml',
      text,
      readFile: (path) => {
        asked.push(path);
        const files: { readonly [path: string]: string } = {
          'parts/p.yaml': 'gates: {}',
          'prompts/a.md': 'Do ${{ nothing }}',
          's.json': '{ "type": "object", "properties": { "n": { "type": "integer" } } }',
        };
        return Promise.resolve(files[path]);
      },
    });
    expect(asked).toEqual(['parts/p.yaml', 'prompts/a.md', 's.json']);
    const places =
      'problems' in result ? result.problems.map((one) => `${one.file}:${brief(one)}`) : [];
    // A prompt file is named from where the plan's own path is seen.
    expect(places).toEqual([
      'plans/orch.yaml:8:21 ORCH_PLAN_FILE_PATH',
      'plans/prompts/a.md:1:8 ORCH_PLAN_REFERENCE_UNKNOWN',
    ]);
  });

  it('turns a file that cannot be read into a problem with its reason', async () => {
    const result = await readPlan({
      file: 'orch.yaml',
      text: `${HEAD}tasks: [{ id: a, prompt: { file: a.md } }]`,
      readFile: () => Promise.reject(new Error('EACCES: permission denied')),
    });
    expect('problems' in result && result.problems.map((one) => one.message)).toEqual([
      'the file "a.md" cannot be read: EACCES: permission denied',
    ]);
  });

  it('takes gates, agents and defaults from parts; the plan itself counts first', async () => {
    const plan = await planOf(
      `${HEAD}use: [p.yaml]\ndefaults: { model: opus }\n${TASK}    gates: [unit]\n`,
      {
        'p.yaml': 'defaults: { model: sonnet, timeout: 5m }\ngates: { unit: { run: [make] } }\n',
      },
    );
    expect(plan.document.defaults).toEqual({ model: 'opus', timeout: '5m' });
    expect(plan.locations.key(['gates', 'unit'])).toMatchObject({
      file: 'p.yaml',
      line: 2,
      column: 10,
    });
    expect(plan.locations.key(['defaults', 'model'])).toMatchObject({ file: 'orch.yaml', line: 4 });
  });

  it('warns of gates and agents that nothing uses, without refusing the plan', async () => {
    const text = `${HEAD}gates: { unit: { run: [make] } }\nagents: { b: { use: claude } }\n${TASK}`;
    const result = await readPlan({
      file: 'orch.yaml',
      text,
      readFile: () => Promise.resolve(undefined),
    });
    if (!('plan' in result)) throw new Error('expected a plan');
    expect(result.warnings.map((one) => `${brief(one)} ${one.severity}`)).toEqual([
      '3:10 ORCH_PLAN_UNUSED warning',
      '4:11 ORCH_PLAN_UNUSED warning',
    ]);
  });

  it('takes no name that every object has for one of the plan’s', async () => {
    const text = `${HEAD}gates: { constructor: { run: [make] } }
tasks:
  - id: constructor
    prompt: Do it
    gates: [constructor]
  - id: b
    prompt: "\${{ inputs.constructor }}"
    gates: [valueof]
    agent: tostring
`;
    expect((await problemsOf(text)).map(brief)).toEqual([
      '3:10 ORCH_PLAN_RESERVED_NAME',
      '5:9 ORCH_PLAN_RESERVED_NAME',
      '9:25 ORCH_PLAN_REFERENCE_UNKNOWN',
      '10:13 ORCH_PLAN_UNKNOWN_GATE',
      '11:12 ORCH_PLAN_UNKNOWN_AGENT',
    ]);
  });

  it('never throws and always locates, whatever the text', async () => {
    const words = fc.constantFrom(
      ...[
        'version: 1',
        'tasks:',
        '- id: a',
        'prompt',
        ':',
        ' ',
        '\n',
        '  ',
        '[',
        ']',
        '{',
        '}',
        '&a',
        '*a',
      ],
      ...[
        '!t',
        '#',
        '|',
        '>',
        "'",
        '"',
        '${{',
        '}}',
        'inputs.x',
        'run:',
        'if:',
        'each:',
        '-',
        '?',
        ',',
        '\t',
        '<<',
      ],
    );
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 200 }),
      fc.array(words, { maxLength: 60 }).map((parts) => parts.join('')),
    );
    await fc.assert(
      fc.asyncProperty(text, async (body) => {
        for (const source of [body, HEAD + body, `${HEAD}${TASK}    ${body}`]) {
          const result = await readPlan({
            file: 'orch.yaml',
            text: source,
            readFile: () => Promise.resolve(undefined),
          });
          const problems = 'problems' in result ? result.problems : [];
          // No plan without a reason.
          expect('plan' in result).toBe(problems.length === 0);
          for (const one of problems) {
            const lines = source.split('\n');
            expect(one.line).toBeLessThanOrEqual(lines.length);
            expect(one.column).toBeLessThanOrEqual((lines[one.line - 1]?.length ?? 0) + 1);
            expect(one.message).not.toBe('');
          }
        }
      }),
      { numRuns: 150 },
    );
  });

  it('never throws for a document of the right kind with values of the wrong kind', async () => {
    const keys = fc.constantFrom(
      ...[
        'id',
        'prompt',
        'run',
        'sh',
        'needs',
        'each',
        'foreach',
        'matrix',
        'if',
        'output',
        'inputs',
        'gates',
      ],
      ...[
        'writes',
        'env',
        'key',
        'as',
        'max',
        'retry',
        'file',
        'with',
        'schema',
        'json',
        'version',
        'name',
      ],
      ...[
        'tasks',
        'waves',
        'agents',
        'defaults',
        'use',
        'deliver',
        'limits',
        'workspace',
        'unattended',
      ],
    );
    const leaf = fc.oneof(
      fc.constantFrom('a', 'b', '${{ a.x }}', '${{', 'a.x == 1', '10m', '', 'stdout', 'string'),
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
    );
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof(
        { maxDepth: 5 },
        leaf,
        fc.array(tie('tree'), { maxLength: 3 }),
        fc.dictionary(keys, tie('tree'), { maxKeys: 4 }),
      ),
    }));
    await fc.assert(
      fc.asyncProperty(fc.dictionary(keys, tree, { maxKeys: 6 }), tree, async (top, task) => {
        const document = { version: 1, name: 'x', ...top, tasks: [task, { id: 'a', prompt: 'x' }] };
        await problemsOf(JSON.stringify(document, null, 1));
        await problemsOf(JSON.stringify({ ...document, ...top }));
      }),
      { numRuns: 120 },
    );
  });
});

describe('formatProblem()', () => {
  it('prints the place, the line, a caret under the place, and what was meant', async () => {
    const [problem] = await problemsOf(`${HEAD}tasks:\n  - id: a\n    promt: Do it\n`);
    expect(problem && formatProblem(problem)).toBe(
      [
        'orch.yaml:5:5: unknown key "promt"',
        '      promt: Do it',
        '      ^',
        '  did you mean prompt',
      ].join('\n'),
    );
  });

  it('keeps tabs, so that the caret stays under the place', async () => {
    const json = '{ "version": 1, "name": "x",\n\t"tasks": [{ "id": "a",\t"promt": "x" }] }';
    const [problem] = await problemsOf(json, {}, 'orch.json');
    const [, line = '', caret = ''] = problem ? formatProblem(problem).split('\n') : [];
    expect(line[caret.indexOf('^')]).toBe('"');
    expect(line.slice(caret.indexOf('^'))).toMatch(/^"promt"/);
    expect(caret.slice(0, -1)).toMatch(/^\s+$/);
    expect(caret.match(/\t/g)).toHaveLength(2);
  });

  it('lets no control or direction character of the plan through', async () => {
    const bidi = '\u202e';
    const [problem] = await problemsOf(
      `${HEAD}tasks:\n  - id: a\n    prompt: x\n    "evil${bidi}key": 1\n`,
    );
    expect(problem?.message).toContain(bidi);
    expect(problem && formatProblem(problem)).not.toMatch(/[\p{Bidi_Control}]/u);
    const [control] = await problemsOf('name: a\u001b[31mb');
    expect(control && formatProblem(control)).not.toContain('\u001b');
  });
});

describe('the plans that the documentation shows', () => {
  it.each(['bug-triage.yaml', 'waves.yaml'])('%s is without a fault', async (file) => {
    const directory = join(import.meta.dirname, '../testdata/plans/good');
    const result = await readPlan({
      file,
      text: readFileSync(join(directory, file), 'utf8'),
      readFile: (path) => Promise.resolve(readFileSync(join(directory, path), 'utf8')),
    });
    expect('problems' in result ? result.problems.map(formatProblem) : []).toEqual([]);
  });
});
