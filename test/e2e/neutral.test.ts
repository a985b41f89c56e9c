import { mkdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { here, scripted, startModel, type TestModel } from '../harness/model.js';
import { jsonLines, orch, runDirectory, status } from '../harness/orch.js';
import { listFiles, makeRepository, type TestRepository } from '../harness/repository.js';
import {
  denied,
  everyCanary,
  everyLeaf,
  hostileProject,
  marks,
  variable,
  type HostileProject,
} from '../harness/hostile-project.js';

let repository: TestRepository;
let model: TestModel;
/** Where the project's settings would send every request. */
let other: TestModel;
beforeEach(async () => {
  repository = makeRepository();
  model = await startModel({ record: 'full' });
  other = await startModel({ record: 'full' });
});
afterEach(async () => {
  await model.close();
  await other.close();
  repository.remove();
});

const bash = (command: string) => ({ tool: 'Bash', input: { command } });
const write = {
  tool: 'Write',
  input: { file_path: `${here}/work.txt`, content: 'work\n' },
};

interface SessionRecord {
  readonly kind: string;
  readonly data: { readonly text?: string };
}

/** What tools answered in an attempt. */
const answers = (task: string): readonly string[] =>
  (
    jsonLines(
      path.join(runDirectory(repository) ?? '', 'sessions', `${task}.1.jsonl`),
    ) as readonly SessionRecord[]
  ).flatMap(({ kind, data }) => (kind === 'tool.returned' ? [data.text ?? ''] : []));

function plan(tasks: readonly unknown[], more: Readonly<Record<string, unknown>> = {}): void {
  repository.write({
    'orch.yaml': JSON.stringify({ version: 1, name: 'neutral', ...more, tasks }, null, 2),
  });
  repository.commit('A plan');
}

const bodies = (of: TestModel): string =>
  JSON.stringify(of.requests.map((request) => request.body));

describe('a repository with orders of its own for Claude Code', () => {
  let project: HostileProject;
  beforeEach(() => {
    const canaries = path.join(repository.home, 'canaries');
    mkdirSync(canaries);
    project = hostileProject(canaries, other.url, (turns) => scripted(turns));
    repository.write(project.files);
  });

  /** Runs one task that uses everything of the project, and says what came of it. */
  async function useAll(more: Readonly<Record<string, unknown>>) {
    plan([
      {
        id: 'use',
        allow: ['Agent', 'Skill', 'Write', 'Bash(printenv)', `Bash(${denied})`],
        prompt: scripted([...project.turns, write, 'Done.']),
        ...more,
      },
    ]);
    const finished = await orch(repository, ['run', 'orch.yaml', '--yes'], { env: model.env });
    const { state } = await status(repository);
    const delivered = `orch/${state.run}`;
    const changed = repository.git('diff', '--name-only', 'main', delivered).split('\n');
    return { ...finished, state, delivered, changed };
  }

  it('is remembered and not obeyed, and its settings files come out as they went in', async () => {
    const { code, stdout, stderr, state, delivered, changed } = await useAll({});
    expect(code, stdout + stderr).toBe(0);
    expect(state.tasks['use']?.verdict).toBe('succeeded');

    // Memory, skill and sub-agent reached the model, and could be used.
    for (const mark of Object.values(marks)) expect(bodies(model)).toContain(mark);

    // No hook, server or key helper ran, no request went elsewhere, no variable was set, no rule counted.
    expect(project.acted()).toEqual([]);
    expect(other.requests).toEqual([]);
    const environment = answers('use').find((answer) => answer.includes('ORCH_TASK=use')) ?? '';
    expect(environment).toContain('PATH=');
    expect(environment).not.toContain(variable);
    expect(environment).not.toContain('BASH_ENV');
    expect(answers('use')).toContain(String(process.getuid?.()));

    // What they would have allowed was refused, and is said.
    expect(state.tasks['use']?.warnings.join()).toMatch(/refused: Bash .*touch canary-skill-tools/);

    // Hidden, not deleted.
    expect(changed).toEqual(['work.txt']);
    for (const file of project.settings) {
      expect(repository.git('show', `${delivered}:${file}`)).toBe(project.files[file]);
    }
  });

  it('with project: trusted the same repository is obeyed: its canaries sing', async () => {
    const { code, stdout, stderr, changed } = await useAll({ project: 'trusted' });
    expect(code, stdout + stderr).toBe(0);
    expect(project.acted()).toEqual(everyCanary);
    expect(other.requests.length).toBeGreaterThan(0);
    expect(model.requests).toEqual([]);
    const environment = answers('use').find((answer) => answer.includes('ORCH_TASK=use')) ?? '';
    expect(environment).toContain(`${variable}=yes`);
    expect(answers('use')).not.toContain(String(process.getuid?.()));
    expect(changed).toEqual([...everyLeaf, 'work.txt']);
  });

  it('with project: none not even its memory is read', async () => {
    const { code, stdout, stderr, changed } = await useAll({
      project: 'none',
      prompt: scripted([write, 'Done.']),
    });
    expect(code, stdout + stderr).toBe(0);
    expect(bodies(model)).not.toMatch(/MARK_/);
    expect(project.acted()).toEqual([]);
    expect(changed).toEqual(['work.txt']);
  });
});

describe('the credential of the model', () => {
  const key = 'sk-of-nobody-0123456789-abcdefghij';

  /** Every file under `.orch/` that holds a text. */
  function holding(text: string): readonly string[] {
    const orchDirectory = path.join(repository.root, '.orch');
    return Object.keys(listFiles(orchDirectory)).filter((name) => {
      const file = path.join(orchDirectory, name);
      return statSync(file).isFile() && readFileSync(file).includes(text);
    });
  }

  /** An agent reads the credential in its environment, and the same text in a file of the repository. */
  async function readBoth(inEnvironment: string): Promise<void> {
    repository.write({ 'notes.txt': `remember ${key}\n` });
    plan(
      [
        {
          id: 'read',
          allow: ['Write', 'Bash(printenv *)', 'Bash(cat *)'],
          prompt: scripted([
            write,
            bash('printenv ANTHROPIC_API_KEY'),
            bash('cat notes.txt'),
            'I know the key: it is {{match:remember (\\S+)}}.',
          ]),
          gates: ['keyless'],
        },
        {
          id: 'command',
          sh: 'printenv | grep -c ANTHROPIC || echo none',
          output: { lines: 'stdout' },
        },
      ],
      { gates: { keyless: { sh: '! printenv | grep ANTHROPIC' } } },
    );
    const { code, stdout, stderr } = await orch(repository, ['run', 'orch.yaml', '--yes'], {
      env: { ...model.env, ANTHROPIC_API_KEY: inEnvironment },
    });
    expect(code, stdout + stderr).toBe(0);
    // It was really used, and the agent really had it.
    expect(new Set(model.requests.map((request) => request.auth))).toEqual(new Set(['x-api-key']));
    expect(answers('read')[1]).toBe('[redacted]');
  }

  it('is in no file of the run, though the agent says it aloud', async () => {
    await readBoth(key);
    expect(answers('read')[2]).toBe('remember [redacted]');
    expect(holding(key)).toEqual([]);
    // Commands and gates do not get it at all.
    expect((await status(repository)).state.tasks['command']?.result?.output).toEqual([
      '0',
      'none',
    ]);
  });

  it('the same text is found everywhere when it is not the credential: the search can fail', async () => {
    await readBoth('sk-another-one-0123456789-abcdefghij');
    expect(answers('read')[2]).toBe(`remember ${key}`);
    expect(holding(key)).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/sessions\/read\.1\.jsonl$/),
        expect.stringMatching(/journal\/1\.jsonl$/),
      ]),
    );
  });
});
