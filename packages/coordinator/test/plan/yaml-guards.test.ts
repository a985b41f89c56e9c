import { describe, expect, it } from 'vitest';
import { brief, HEAD, problemsOf } from './plan-from-text.js';

/** What a person writes, and the same in the quoted form that the message shows. */
const GUARDS: readonly [name: string, code: string, written: string, quoted: string][] = [
  [
    'text after " #" in a prompt',
    'ORCH_PLAN_UNQUOTED_COMMENT',
    'tasks: \n  - id: a\n    prompt: Fix issue #12',
    'tasks: \n  - id: a\n    prompt: "Fix issue #12"',
  ],
  [
    'a glob that is an alias',
    'ORCH_PLAN_UNQUOTED_GLOB',
    'tasks:\n  - id: a\n    prompt: Do it\n    writes:\n      - *.ts',
    'tasks:\n  - id: a\n    prompt: Do it\n    writes:\n      - "*.ts"',
  ],
  [
    'a fraction in a matrix',
    'ORCH_PLAN_UNQUOTED_NUMBER',
    'tasks:\n  - id: a\n    run: [make]\n    matrix: { python: [3.10] }',
    'tasks:\n  - id: a\n    run: [make]\n    matrix: { python: ["3.10"] }',
  ],
  [
    'a time without a unit',
    'ORCH_PLAN_DURATION',
    'tasks:\n  - id: a\n    prompt: Do it\n    timeout: 25',
    'tasks:\n  - id: a\n    prompt: Do it\n    timeout: 25m',
  ],
  [
    'a reference in braces',
    'ORCH_PLAN_UNQUOTED_REFERENCE',
    'inputs: { x: { type: string } }\ntasks:\n  - id: a\n    run: [echo, ${{ inputs.x }}]',
    'inputs: { x: { type: string } }\ntasks:\n  - id: a\n    run: [echo, "${{ inputs.x }}"]',
  ],
  [
    'a colon in a prompt',
    'ORCH_PLAN_SYNTAX',
    'tasks:\n  - id: a\n    prompt: Fix this: it fails',
    'tasks:\n  - id: a\n    prompt: "Fix this: it fails"',
  ],
  [
    'a number among arguments',
    'ORCH_PLAN_WRONG_TYPE',
    'tasks:\n  - id: a\n    run: [sleep, 5]',
    'tasks:\n  - id: a\n    run: [sleep, "5"]',
  ],
];

describe('readPlan() guards against what YAML makes of unquoted text', () => {
  it.each(GUARDS)('refuses %s and shows the form that works', async (_, code, written, quoted) => {
    const [problem, ...more] = await problemsOf(HEAD + written);
    expect(problem?.code).toBe(code);
    expect(more).toEqual([]);
    expect(problem?.suggestion).toBeDefined();
    expect(await problemsOf(HEAD + quoted)).toEqual([]);
  });

  it('says at once that an exclusion needs quotes and does not work yet', async () => {
    const plan = (glob: string): string =>
      `${HEAD}tasks:\n  - id: a\n    prompt: Do it\n    writes: [src/**, ${glob}]\n`;
    const codes = async (text: string) => (await problemsOf(text)).map((one) => one.code);
    expect(await codes(plan('!src/x/**'))).toEqual([
      'ORCH_PLAN_UNQUOTED_GLOB',
      'ORCH_PLAN_NOT_YET',
    ]);
    expect(await codes(plan('"!src/x/**"'))).toEqual(['ORCH_PLAN_NOT_YET']);
    expect(await codes(plan('src/y/**'))).toEqual([]);
  });

  it('leaves comments alone that stand where comments may stand', async () => {
    const text = `${HEAD}# a plan
tasks:
  - id: a # the first
    prompt: "Fix issue #12" # quoted
    timeout: 10m # long
  - id: b
    prompt: | # a block
      Fix # not a comment
`;
    expect(await problemsOf(text)).toEqual([]);
  });

  it('keeps values as YAML 1.2 does: no is a text, 1.0 in a limit is a number', async () => {
    const text = `${HEAD}limits: { usd: 1.0 }\ntasks:\n  - id: no\n    prompt: yes\n`;
    expect(await problemsOf(text)).toEqual([]);
  });

  it('reads JSON, tabs and all, with the same positions', async () => {
    const json =
      '{\n\t"version": 1,\n\t"name": "x",\n\t"tasks": [\n\t\t{ "id": "a", "promt": "x" }\n\t]\n}\n';
    const problems = await problemsOf(json, {}, 'orch.json');
    expect(problems.map(brief)).toEqual(['5:16 ORCH_PLAN_UNKNOWN_KEY']);
    expect(await problemsOf(json.replace('promt', 'prompt'), {}, 'orch.json')).toEqual([]);
  });

  it('reads Windows line ends and a byte order mark', async () => {
    const text = `\uFEFF${HEAD}tasks:\n  - id: a\n    promt: Do it\n`.replaceAll('\n', '\r\n');
    const [problem] = await problemsOf(text);
    expect(problem && brief(problem)).toBe('5:5 ORCH_PLAN_UNKNOWN_KEY');
    expect(problem?.excerpt).toBe('    promt: Do it');
  });
});
