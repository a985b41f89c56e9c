import { existsSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { orch } from '../harness/orch.js';
import { listFiles, makeRepository, type TestRepository } from '../harness/repository.js';

let repository: TestRepository;
beforeEach(() => {
  repository = makeRepository();
});
afterEach(() => repository.remove());

interface Broken {
  readonly fault: string;
  readonly plan: string;
  /** Files that the plan names. */
  readonly files?: Readonly<Record<string, string>>;
  /** Every problem, as `file:line:column code`. */
  readonly problems: readonly string[];
  readonly says: RegExp;
  readonly suggests?: string;
  /** What makes the plan sound: a text of the plan or its files, and what stands there instead. */
  readonly repair: readonly [string | RegExp, string];
}

const head = 'version: 1\nname: broken\ntasks:\n';
const task = `${head}  - id: one\n    prompt: Fix it\n`;

const broken: readonly Broken[] = [
  {
    fault: 'broken YAML',
    plan: `${head}  - id: one\n   prompt: Fix it\n`,
    problems: ['orch.yaml:5:1 ORCH_PLAN_SYNTAX'],
    says: /not valid YAML/,
    repair: ['\n   prompt', '\n    prompt'],
  },
  {
    fault: 'a comment right after an unquoted prompt',
    plan: `${head}  - id: one\n    prompt: Fix issue #12\n`,
    problems: ['orch.yaml:5:23 ORCH_PLAN_UNQUOTED_COMMENT'],
    says: /drops what follows " #".*quote it/,
    suggests: 'prompt: "Fix issue #12"',
    repair: ['prompt: Fix issue #12', 'prompt: "Fix issue #12"'],
  },
  {
    fault: 'a glob that YAML reads as an alias',
    plan: `${task}    writes: [*.ts]\n`,
    problems: ['orch.yaml:6:14 ORCH_PLAN_UNQUOTED_GLOB'],
    says: /reads \*\.ts as an alias; quote it/,
    suggests: '"*.ts"',
    repair: ['*.ts', '"*.ts"'],
  },
  {
    fault: 'a glob that YAML reads as a tag',
    plan: `${task}    writes:\n      - !src/**\n`,
    problems: ['orch.yaml:7:9 ORCH_PLAN_UNQUOTED_GLOB', 'orch.yaml:7:9 ORCH_PLAN_NOT_YET'],
    says: /reads !src\/\*\* as a tag; quote it/,
    suggests: '"!src/**"',
    // Quoted it is still a negation, which does not work yet.
    repair: ['!src/**', '"src/**"'],
  },
  {
    fault: 'an unquoted fraction in a matrix',
    plan: `${task}    matrix: { node: [3.9, 3.10] }\n`,
    problems: [
      'orch.yaml:6:22 ORCH_PLAN_UNQUOTED_NUMBER',
      'orch.yaml:6:27 ORCH_PLAN_UNQUOTED_NUMBER',
    ],
    says: /reads 3\.10 as the number 3\.1; quote it/,
    suggests: '"3.9"',
    repair: ['[3.9, 3.10]', '["3.9", "3.10"]'],
  },
  {
    fault: 'a duration without a unit',
    plan: `${task}    timeout: 25\n`,
    problems: ['orch.yaml:6:14 ORCH_PLAN_DURATION'],
    says: /such as 90s, 10m, 3h.*received the number 25/,
    suggests: '25m or 25s',
    repair: ['25', '25m'],
  },
  {
    fault: 'an anchor and its alias',
    plan: `${head}  - id: one\n    prompt: &same Fix it\n  - id: two\n    prompt: *same\n`,
    problems: ['orch.yaml:5:13 ORCH_PLAN_ALIAS', 'orch.yaml:7:13 ORCH_PLAN_ALIAS'],
    says: /anchors are refused: write the value out/,
    repair: [/[&*]same( Fix it)?/g, 'Fix it'],
  },
  {
    fault: 'a merge key',
    plan: `${head}  - id: one\n    <<: { model: sonnet }\n    prompt: Fix it\n`,
    problems: ['orch.yaml:5:5 ORCH_PLAN_ALIAS'],
    says: /merge keys are refused/,
    repair: ['<<: { model: sonnet }', 'model: sonnet'],
  },
  {
    fault: 'a text that YAML nests too deeply',
    plan: `${task}    output: ${'{ a: '.repeat(70)}string${' }'.repeat(70)}\n`,
    problems: ['orch.yaml:6:323 ORCH_PLAN_TOO_DEEP'],
    says: /at most 64 levels/,
    repair: [/output: .*/, 'output: { a: string }'],
  },
  {
    fault: 'a plan that is too large',
    plan: `${task}    title: "${'long '.repeat(220_000)}"\n`,
    problems: ['orch.yaml:1:1 ORCH_PLAN_TOO_LARGE'],
    says: /at most 1048576 characters/,
    repair: [/(long )+/, 'long'],
  },
  {
    fault: 'an unknown key',
    plan: `${head}  - id: one\n    promt: Fix it\n`,
    problems: ['orch.yaml:5:5 ORCH_PLAN_UNKNOWN_KEY'],
    says: /unknown key "promt"/,
    suggests: 'prompt',
    repair: ['promt', 'prompt'],
  },
  {
    fault: 'tasks that wait for each other',
    plan: `${head}  - { id: one, needs: [two], prompt: Fix it }\n  - { id: two, needs: [one], prompt: Fix it }\n`,
    problems: ['orch.yaml:5:24 ORCH_PLAN_CYCLE'],
    says: /wait for each other: one -> two -> one/,
    repair: [' needs: [one],', ''],
  },
  {
    fault: 'two tasks of one id',
    plan: `${head}  - { id: one, prompt: Fix it }\n  - { id: one, prompt: Fix it }\n`,
    problems: ['orch.yaml:5:11 ORCH_PLAN_DUPLICATE_NAME'],
    says: /there is a task called "one" already/,
    repair: [/one(?![^]*one)/, 'two'],
  },
  {
    fault: 'a wrong reference in a prompt file',
    plan: `version: 1\nname: broken\ninputs: { name: { type: string, default: x } }\ntasks:\n  - { id: one, prompt: { file: prompts/one.md } }\n`,
    files: { 'prompts/one.md': 'Greet somebody:\nhello ${{ inputs.nmae }}\n' },
    problems: ['prompts/one.md:2:18 ORCH_PLAN_REFERENCE_UNKNOWN'],
    says: /there is no "nmae" here; declared are name/,
    suggests: 'name',
    repair: ['nmae', 'name'],
  },
  {
    fault: 'a prompt file that is not there',
    plan: `${head}  - { id: one, prompt: { file: prompts/on.md } }\n`,
    files: { 'prompts/one.md': 'Fix it.\n' },
    problems: ['orch.yaml:4:32 ORCH_PLAN_FILE'],
    says: /there is no file prompts\/on\.md/,
    repair: ['on.md', 'one.md'],
  },
  {
    fault: 'an unknown gate',
    plan: `version: 1\nname: broken\ngates:\n  unit: { run: [npm, test] }\ntasks:\n  - { id: one, prompt: Fix it, gates: [unti] }\n`,
    problems: ['orch.yaml:6:40 ORCH_PLAN_UNKNOWN_GATE'],
    says: /there is no gate "unti"; define it under gates:/,
    suggests: 'unit',
    repair: ['unti', 'unit'],
  },
  {
    fault: 'a key that does not work yet',
    plan: `${head}  - { id: one, prompt: Fix it, secrets: [TOKEN] }\n`,
    problems: ['orch.yaml:4:32 ORCH_PLAN_NOT_YET'],
    says: /not yet: secrets: is reserved and does not work in this version; /,
    repair: [', secrets: [TOKEN]', ''],
  },
];

interface Answer {
  readonly ok: boolean;
  readonly problems: readonly {
    readonly file: string;
    readonly line: number;
    readonly column: number;
    readonly code: string;
    readonly message: string;
    readonly suggestion?: string;
  }[];
}

const run = (...argv: string[]) => orch(repository, argv);

describe('a plan with a fault starts nothing and changes nothing', () => {
  it.each(broken)('$fault', async ({ plan, files = {}, problems, says, suggests, repair }) => {
    repository.write({ ...files, 'orch.yaml': plan });
    repository.commit('A plan');
    const before = listFiles(repository.home);

    const texts = await Promise.all([
      run('plan', 'check', 'orch.yaml'),
      run('run', 'orch.yaml', '--yes'),
    ]);
    for (const { code, stdout, stderr } of texts) {
      expect(code, stderr).toBe(2);
      expect(stdout).toBe('');
      expect(stderr).toMatch(says);
      for (const problem of problems) expect(stderr).toContain(`${problem.split(' ')[0] ?? ''}: `);
      // Once: in the message, or in a line of its own.
      if (suggests !== undefined) expect(stderr).toContain(suggests);
    }
    const forPrograms = await Promise.all([
      run('plan', 'check', 'orch.yaml', '--json'),
      run('run', 'orch.yaml', '--yes', '--json'),
    ]);
    for (const { code, stdout, stderr } of forPrograms) {
      expect(code, stderr).toBe(2);
      const answer = JSON.parse(stdout) as Answer;
      expect(answer.ok).toBe(false);
      const found = answer.problems.map(
        ({ file, line, column, code: reason }) => `${file}:${line}:${column} ${reason}`,
      );
      expect(found).toEqual(problems);
      expect(answer.problems[0]?.suggestion).toBe(suggests);
    }
    expect(listFiles(repository.home)).toEqual(before);

    // The same plan with the fault repaired is sound: it was this fault that was found.
    const repaired = Object.fromEntries(
      Object.entries({ ...files, 'orch.yaml': plan }).map(([name, text]) => [
        name,
        text.replace(...repair),
      ]),
    );
    repository.write(repaired);
    const sound = await run('plan', 'check', 'orch.yaml');
    expect([sound.code, sound.stderr]).toEqual([0, '']);
  });

  it('what is only doubtful is said with its place, and does not stop the plan', async () => {
    const unused = 'gates:\n  unit: { run: [npm, test] }\n';
    repository.write({
      'orch.yaml': `${head.replace('tasks:', `${unused}tasks:`)}  - { id: one, sh: 'true' }\n`,
    });
    const { code, stderr } = await run('plan', 'check', 'orch.yaml');
    expect(code, stderr).toBe(0);
    expect(stderr).toMatch(/orch\.yaml:4:3: warning: nothing uses the gate "unit"/);
  });

  it('a plan file that is not there is a usage error', async () => {
    const before = listFiles(repository.home);
    for (const argv of [
      ['plan', 'check', 'orch.yml'],
      ['run', 'orch.yml'],
    ]) {
      const { code, stderr } = await run(...argv);
      expect([code, stderr]).toEqual([2, expect.stringContaining('no plan file orch.yml')]);
    }
    expect(listFiles(repository.home)).toEqual(before);
  });

  it('a sound plan does change what is compared: the comparison can fail', async () => {
    repository.write({ 'orch.yaml': `${head}  - { id: one, sh: 'true' }\n` });
    repository.commit('A plan');
    const before = listFiles(repository.home);
    const checked = await run('plan', 'check', 'orch.yaml', '--json');
    expect([checked.code, JSON.parse(checked.stdout)]).toMatchObject([0, { ok: true, tasks: 1 }]);
    expect(listFiles(repository.home)).toEqual(before);

    const { code, stderr } = await run('run', 'orch.yaml', '--yes');
    expect(code, stderr).toBe(0);
    expect(existsSync(path.join(repository.root, '.orch'))).toBe(true);
    expect(listFiles(repository.home)).not.toEqual(before);

    const between = listFiles(repository.home);
    repository.git('update-ref', 'refs/heads/other', 'HEAD');
    expect(Object.keys(listFiles(repository.home)).filter((name) => !(name in between))).toContain(
      'repository/.git/refs/heads/other',
    );
  });
});
