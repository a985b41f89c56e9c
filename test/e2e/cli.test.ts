import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { here, scripted, startModel, type TestModel } from '../harness/model.js';
import {
  jsonLines,
  orch,
  runDirectory,
  startOrch,
  status,
  type Finished,
} from '../harness/orch.js';
import { makeRepository, type TestRepository } from '../harness/repository.js';
import { closeTerminals, openTerminal } from '../harness/terminal.js';
import { processesWith, until } from '../harness/witness.js';

let repository: TestRepository;
let model: TestModel;
beforeEach(async () => {
  repository = makeRepository();
  model = await startModel();
});
afterEach(async () => {
  await closeTerminals();
  await model.close();
  repository.remove();
});

const runs = (): readonly string[] => {
  const directory = path.join(repository.root, '.orch', 'runs');
  return existsSync(directory) ? readdirSync(directory) : [];
};
const parse = (text: string): readonly Record<string, unknown>[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
const plan = (tasks: readonly unknown[], more: Readonly<Record<string, unknown>> = {}): void => {
  const value = { version: 1, name: 'verbs', ...more, tasks };
  repository.write({ 'orch.yaml': JSON.stringify(value, null, 2) });
};
const work = { id: 'work', sh: 'echo said; echo work > work.txt', effect: 'diff' };
const verbs = (argv: readonly string[], env: Readonly<Record<string, string>> = {}) =>
  orch(repository, argv, { env });
const run = ['run', 'orch.yaml', '--yes'];

describe('every verb with --json', () => {
  it('run, resume and rehearse: one event a line from the first on, and a summary as the last', async () => {
    plan([work, { id: 'fails', sh: 'exit 3' }]);
    const first = await verbs([...run, '--json']);
    const lines = parse(first.stdout);
    expect(lines[0]).toMatchObject({ type: 'epoch.opened', seq: 1 });
    expect(lines[1]).toMatchObject({ type: 'run.started', name: 'verbs', mode: 'run' });
    expect(lines.slice(0, -1).map(({ seq }) => seq)).toEqual(
      lines.slice(0, -1).map((_, index) => index + 1),
    );
    expect(lines.at(-1)).toMatchObject({
      type: 'summary',
      outcome: 'failed',
      exitCode: 1,
      succeeded: 1,
      failed: 1,
    });
    expect(first.code).toBe(1);
    const events = jsonLines(path.join(runDirectory(repository) ?? '', 'journal', '1.jsonl'));
    expect(lines).toHaveLength(events.length + 1);

    const again = parse((await verbs(['resume', '--json'])).stdout);
    expect(again[0]).toMatchObject({ type: 'epoch.opened', epoch: 2 });
    expect(again.at(-1)).toMatchObject({ type: 'summary', outcome: 'failed' });

    const rehearsed = parse((await verbs(['rehearse', 'orch.yaml', '--json'])).stdout);
    expect(rehearsed.at(-1)).toMatchObject({ type: 'summary', mode: 'rehearsal' });
  });

  it('the others give one value', async () => {
    plan([work]);
    await verbs(run);
    const one = async (...argv: string[]): Promise<unknown> => {
      const { stdout, stderr, code } = await verbs([...argv, '--json']);
      expect(stderr).toBe('');
      expect(code).toBe(0);
      expect(parse(stdout)).toHaveLength(1);
      return parse(stdout)[0];
    };
    expect(await one('status')).toMatchObject({ name: 'verbs', status: 'succeeded', led: false });
    expect(await one('status', '-a')).toMatchObject([{ status: 'succeeded' }]);
    expect(await one('why', 'work')).toMatchObject({ task: 'work', verdict: 'succeeded' });
    expect(await one('cancel')).toMatchObject({ cancelled: false });
    expect(await one('plan', 'check', 'orch.yaml')).toMatchObject({ ok: true, tasks: 1 });
    expect(await one('plan', 'show', 'orch.yaml', 'work')).toMatchObject({ id: 'work' });
    expect(await one('plan', 'explain', 'orch.yaml')).toEqual(
      expect.arrayContaining([expect.objectContaining({ id: 'work' })]),
    );
    expect(await one('run', 'orch.yaml', '--dry-run')).toMatchObject({ dryRun: true, tasks: 1 });
    const doctor = await verbs(['doctor', '--json']);
    expect(parse(doctor.stdout)[0]).toHaveProperty('findings');
    const log = parse((await verbs(['logs', 'work', '--json'])).stdout);
    expect(log.map(({ kind }) => kind)).toEqual(
      expect.arrayContaining(['attempt', 'output', 'end']),
    );
  });
});

describe('an error', () => {
  const cases: readonly [string, readonly string[], number, string, RegExp][] = [
    ['an unknown option', ['status', '--nope'], 2, 'ORCH_USAGE_ARGUMENTS', /--nope.*orch --help/s],
    ['an unknown verb', ['statsu'], 2, 'ORCH_USAGE_ARGUMENTS', /Did you mean status/],
    ['a bad number', ['run', 'orch.yaml', '-p', '0'], 2, 'ORCH_USAGE_ARGUMENTS', /1 or more/],
    ['a plan that is not there', ['run', 'no.yaml'], 2, 'ORCH_USAGE_ARGUMENTS', /no\.yaml/],
    ['a plan that is wrong', ['run', 'bad.yaml'], 2, 'ORCH_PLAN_INVALID', /plan check bad\.yaml/],
    ['a run that is not there', ['status', 'zzz'], 2, 'ORCH_RUN_NOT_FOUND', /No run "zzz"/],
    ['a task that is not there', ['why', 'zzz'], 2, 'ORCH_USAGE_ARGUMENTS', /Its tasks: work/],
    ['no plan named', ['run'], 2, 'ORCH_USAGE_ARGUMENTS', /missing required argument/],
  ];

  it.each(cases)('%s', async (_name, argv, exit, code, says) => {
    plan([work]);
    repository.write({ 'bad.yaml': 'version: 1\nname: bad\ntasks:\n  - { id: a, promt: x }\n' });
    if (argv.includes('why')) await verbs(run);
    const before = runs();
    const plain = await verbs(argv);
    expect(plain.code).toBe(exit);
    expect(plain.stdout).toBe('');
    expect(plain.stderr).toContain(`(${code})`);
    expect(plain.stderr).toMatch(says);
    expect(plain.stderr).not.toMatch(/\n\s+at /);

    const json = await verbs([...argv, '--json']);
    expect(json.code).toBe(exit);
    expect(parse(json.stdout).at(-1)).toMatchObject({ error: { code } });
    expect(runs()).toEqual(before);
  });

  it('no repository: exit 7', async () => {
    const { code, stderr } = await orch(repository, ['status'], { cwd: repository.home });
    expect(code).toBe(7);
    expect(stderr).toContain('(ORCH_REPOSITORY_NOT_FOUND)');
  });

  it('problems of a plan name file, line and column, on stderr and with --json', async () => {
    repository.write({ 'bad.yaml': 'version: 1\nname: bad\ntasks:\n  - { id: a, promt: x }\n' });
    expect((await verbs(['plan', 'check', 'bad.yaml'])).stderr).toMatch(/^bad\.yaml:4:\d+: /m);
    const json = parse((await verbs(['plan', 'check', 'bad.yaml', '--json'])).stdout)[0];
    const problems = json?.['problems'] as readonly { readonly line: number }[];
    expect(problems[0]?.line).toBe(4);
  });

  it('--help and --version go to stdout and end well', async () => {
    for (const argv of [['--help'], ['run', '--help'], ['plan', '--help'], ['--version'], []]) {
      const { code, stdout, stderr } = await verbs(argv);
      expect([code, stderr]).toEqual([0, '']);
      expect(stdout).not.toBe('');
    }
  });
});

describe('what a run needs and is not there', () => {
  const agent = { id: 'agent', prompt: 'Do it.' };

  it.each([
    ['no agent', 'run', { ORCH_CLAUDE: '/nonexistent/claude' }, 'ORCH_AGENT_MISSING'],
    [
      'no agent for a rehearsal',
      'rehearse',
      { ORCH_CLAUDE: '/nonexistent/claude' },
      'ORCH_AGENT_MISSING',
    ],
    ['no credential', 'run', {}, 'ORCH_CREDENTIALS_MISSING'],
  ])('%s: exit 7, and nothing was started', async (_name, verb, env, code) => {
    plan([agent]);
    const finished = await verbs([verb, 'orch.yaml'], env);
    expect(finished.code).toBe(7);
    expect(finished.stderr).toContain(`(${code})`);
    expect(finished.stderr).toMatch(/Install|Set ANTHROPIC_API_KEY/);
    expect(runs()).toEqual([]);
    expect(repository.git('for-each-ref', '--format=%(refname)')).toBe('refs/heads/main');
    // The newest run is what `status` means; there is none.
    expect((await verbs(['status'])).stderr).toContain('There is no run yet');
  });

  it('a plan of commands alone needs neither', async () => {
    plan([work]);
    expect((await verbs(run, { ORCH_CLAUDE: '/nonexistent/claude' })).code).toBe(0);
  });
});

describe('before money is spent', () => {
  it.each([
    ['n', 'n\r', 130, 0],
    ['Ctrl-C', '\u0003', 130, 0],
    ['Ctrl-D', '\u0004', 130, 0],
    ['y', 'y\r', 0, 1],
  ])('a person is asked on a terminal, and %s decides', async (_name, keys, exit, started) => {
    plan([
      {
        id: 'agent',
        effect: 'none',
        output: { n: 'integer' },
        prompt: scripted([{ tool: 'StructuredOutput', input: { n: 1 } }]),
      },
    ]);
    const terminal = openTerminal(repository, ['run', 'orch.yaml'], { env: model.env });
    await until('it asks', () =>
      terminal.screen.lines().some((line) => line.includes('Start? [y/N]')),
    );
    expect(runs()).toEqual([]);
    terminal.press(keys);
    expect(await terminal.finished).toBe(exit);
    expect(runs()).toHaveLength(started);
  });
});

describe('logs -f', () => {
  let go: string;
  const waits = (file: string) =>
    `echo before; while [ ! -e "${file}" ]; do sleep 0.05; done; echo after`;
  beforeEach(() => {
    go = path.join(repository.home, 'go');
  });
  /** What has come so far, told by whole lines. */
  function following(argv: readonly string[]): { text(): string; finished: Promise<Finished> } {
    const { child, finished } = startOrch(repository, argv);
    let text = '';
    child.stdout?.on('data', (more: string) => (text += more));
    child.stderr?.on('data', (more: string) => (text += more));
    return { text: () => text, finished };
  }

  it('shows a running task as it goes, waits for one that has not started, and both end by themselves', async () => {
    plan([
      { id: 'slow', sh: waits(go), effect: 'none' },
      { id: 'later', needs: ['slow'], sh: 'echo at last', effect: 'none' },
    ]);
    const running = startOrch(repository, run);
    await until('the task runs', () => processesWith('ORCH_TASK', 'slow').length > 0);
    const slow = following(['logs', 'slow', '-f']);
    const later = following(['logs', 'later', '-f']);
    await until('the first words are shown', () => slow.text().includes('before'));
    await until('the other one is waited for', () => later.text().includes('Waiting for later'));
    expect(slow.text()).not.toContain('after\n');
    writeFileSync(go, '');
    expect((await slow.finished).stdout).toMatch(/ after\n.*■ completed/s);
    expect((await slow.finished).code).toBe(0);
    expect((await later.finished).stdout).toMatch(/ at last\n/);
    expect((await running.finished).code).toBe(0);
  });

  it('goes on through the rounds in which a failed gate is repaired, and --attempt shows one alone', async () => {
    plan(
      [
        {
          id: 'repair',
          gates: ['whole'],
          prompt: scripted([
            {
              tool: 'Write',
              input: { file_path: `${here}/a.txt`, content: 'broken\n' },
              waitFor: { file: go },
            },
            'First try.',
            { tool: 'Write', input: { file_path: `${here}/a.txt`, content: 'whole\n' } },
            'Second try.',
          ]),
        },
      ],
      { gates: { whole: { run: ['grep', '-q', 'whole', 'a.txt'] } } },
    );
    const running = startOrch(repository, run, { env: model.env });
    await until('the agent has asked', () => model.requests.length > 0);
    const all = following(['logs', 'repair', '-f']);
    const first = following(['logs', 'repair', '-f', '--attempt', '1']);
    await until(
      'the attempt is shown',
      () => all.text().includes('attempt 1') && first.text().includes('attempt 1'),
    );
    writeFileSync(go, '');
    expect((await all.finished).stdout).toMatch(
      /^\S+ First try\.$.*attempt 2 of repair.*^\S+ Second try\.$/ms,
    );
    const alone = (await first.finished).stdout;
    expect(alone).toMatch(/^\S+ First try\.$/m);
    expect(alone.match(/ ■ /g)).toHaveLength(1);
    expect((await running.finished).code).toBe(0);
  });

  it('ends when the leader dies, because then nothing can come', async () => {
    plan([{ id: 'slow', sh: waits(go), effect: 'none' }]);
    const running = startOrch(repository, run);
    await until('the task runs', () => processesWith('ORCH_TASK', 'slow').length > 0);
    const slow = following(['logs', 'slow', '-f']);
    await until('it is shown', () => slow.text().includes('before'));
    process.kill(running.pid, 'SIGKILL');
    const { code, stderr } = await slow.finished;
    expect(code).toBe(0);
    expect(stderr).toContain('was interrupted');
  });
});

describe('why', () => {
  const nextOf = ({ stdout }: Finished): string => /^next: (.+)$/m.exec(stdout)?.[1] ?? '';

  it('denied: the printed edit and the printed command make it succeed, and finished work is not asked again', async () => {
    const tasks = (allow: readonly string[]) => [
      {
        id: 'fine',
        prompt: scripted([
          { tool: 'Write', input: { file_path: `${here}/fine.txt`, content: 'x' } },
          'Done.',
        ]),
      },
      {
        id: 'refused',
        allow,
        prompt: scripted([
          { tool: 'Write', input: { file_path: `${here}/new.txt`, content: 'x' } },
          'Done.',
        ]),
      },
    ];
    plan(tasks(['Read']));
    expect((await verbs(run, model.env)).code).toBe(1);
    const next = nextOf(await verbs(['why', 'refused']));
    const [, rule, command] =
      /^add "(\w+)" to `allow:` of refused \(orch\.yaml:\d+\), then: orch (.+)$/.exec(next) ?? [];
    const fine = (await status(repository)).state.tasks['fine']?.attempts[0]?.session;
    const asked = (): number =>
      model.requests.filter(({ conversation }) => conversation === fine).length;
    const before = asked();

    plan(tasks(['Read', rule ?? '']));
    const again = await verbs((command ?? '').split(' '), model.env);
    expect(again.stdout).toContain('2/2 succeeded');
    expect(again.code).toBe(0);
    expect(asked()).toBe(before);
    const events = (await status(repository)).state.tasks;
    expect(events['fine']?.attempts).toHaveLength(1);
    expect(events['refused']?.attempts.length).toBeGreaterThan(1);
  });

  it('denied: without the edit the same command fails again, so that the edit is what helps', async () => {
    plan([
      {
        id: 'refused',
        allow: ['Read'],
        prompt: scripted([
          { tool: 'Write', input: { file_path: `${here}/new.txt`, content: 'x' } },
          'Done.',
        ]),
      },
    ]);
    await verbs(run, model.env);
    const [, command = ''] = /then: orch (.+)$/.exec(nextOf(await verbs(['why', 'refused']))) ?? [];
    expect((await verbs(command.split(' '), model.env)).code).toBe(1);
  });

  it('every verdict of a plan of commands has a next command that runs', async () => {
    plan(
      [
        { id: 'succeeded', sh: 'echo x > ok.txt', effect: 'diff' },
        { id: 'failed', sh: 'exit 3', on_failure: 'continue' },
        { id: 'no_effect', sh: 'true', effect: 'diff', on_failure: 'continue' },
        {
          id: 'out',
          sh: 'echo x > outside.txt',
          effect: 'diff',
          writes: ['in/**'],
          on_failure: 'continue',
        },
        {
          id: 'gated',
          sh: 'echo x > gated.txt',
          effect: 'diff',
          gates: ['never'],
          on_failure: 'continue',
        },
        { id: 'timed', sh: 'sleep 30', timeout: '1s', on_failure: 'continue' },
        { id: 'waits', needs: ['gone'], sh: 'true' },
        { id: 'gone', sh: 'exit 1' },
      ].map((task) => ({ ...task, id: task.id.replace('_', '-') })),
      { gates: { never: { run: ['false'] } } },
    );
    expect((await verbs(run)).code).toBe(1);
    const { tasks } = (await status(repository)).state;
    expect(
      Object.fromEntries(Object.values(tasks).map(({ id, verdict }) => [id, verdict])),
    ).toEqual({
      succeeded: 'succeeded',
      failed: 'failed',
      'no-effect': 'no_effect',
      out: 'out_of_scope',
      gated: 'gate_failed',
      timed: 'timed_out',
      waits: 'skipped',
      gone: 'failed',
    });
    for (const id of Object.keys(tasks)) {
      const next = nextOf(await verbs(['why', id]));
      // What stands before the comment, or after "then:", is a command as it can be typed.
      const typed = /(?:^|then: )((?:orch|git) [^#]+?)(?:\s+#|$)/.exec(next)?.[1] ?? '';
      expect(typed, `${id}: ${next}`).not.toBe('');
      const [program, ...argv] = typed.split(' ');
      if (program === 'git') expect(repository.git(...argv)).toBeDefined();
      else if (argv[0] !== 'resume') expect((await verbs(argv)).code).toBe(0);
      else expect([0, 1]).toContain((await verbs(argv)).code);
    }
  });

  it('a resume with an edited plan keeps the inputs that the run was started with', async () => {
    const tasks = (fails: boolean) => [
      {
        id: 'work',
        run: ['sh', '-c', 'echo "$0" > work.txt', '${{ inputs.word }}'],
        effect: 'diff',
      },
      { id: 'other', sh: fails ? 'exit 1' : 'echo x > other.txt', effect: 'diff' },
    ];
    const inputs = { inputs: { word: { type: 'string', default: 'default' } } };
    plan(tasks(true), inputs);
    await verbs([...run, '--input', 'word=given']);
    plan(tasks(false), inputs);
    const resumed = await verbs(['resume', '--plan', 'orch.yaml']);
    expect(resumed.stdout).toContain('2/2 succeeded');
    const { run: id, tasks: states } = (await status(repository)).state;
    expect(states['work']?.attempts).toHaveLength(1);
    expect(repository.git('show', `orch/${id}:work.txt`)).toBe('given');
  });
});

it('status lists runs that cannot be read beside those that can', async () => {
  plan([work]);
  await verbs(run);
  mkdirSync(path.join(repository.root, '.orch', 'runs', '0000000000', 'journal'), {
    recursive: true,
  });
  writeFileSync(
    path.join(repository.root, '.orch', 'runs', '0000000000', 'journal', '1.jsonl'),
    'no\n',
  );
  const { code, stdout } = await verbs(['status', '-a']);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^\w{10} {2}succeeded/m);
  expect(stdout).toMatch(/^0000000000 {2}unreadable/m);
});

describe('a cold start', () => {
  /** Every module that was loaded, as V8 itself counted. */
  async function loaded(argv: readonly string[]): Promise<readonly string[]> {
    const coverage = path.join(repository.home, `coverage-${argv.join('-')}`);
    await verbs(argv, { NODE_V8_COVERAGE: coverage });
    return readdirSync(coverage).flatMap((name) => {
      const report = JSON.parse(readFileSync(path.join(coverage, name), 'utf8')) as {
        result: readonly { url: string }[];
      };
      return report.result.map(({ url }) => url);
    });
  }
  const heavy = (urls: readonly string[]): readonly string[] => [
    ...new Set(
      urls.flatMap(
        (url) =>
          /\/(zod|yaml|scripted-model|agents|workspace)\/(?:dist|v4|lib|index)/.exec(url)?.[1] ??
          [],
      ),
    ),
  ];

  it.each([[['--help']], [['--version']], [['status']], [['why', 'work']], [['logs', 'work']]])(
    'orch %j loads neither zod nor yaml nor the scripted model nor a driver',
    async (argv) => {
      plan([work]);
      await verbs(run);
      const urls = await loaded(argv);
      expect(urls.some((url) => url.endsWith('/apps/cli/dist/main.js'))).toBe(true);
      expect(heavy(urls)).toEqual([]);
    },
  );

  it('the witness sees them where they are used', async () => {
    plan([work]);
    expect(heavy(await loaded(['plan', 'check', 'orch.yaml']))).toEqual(
      expect.arrayContaining(['zod', 'yaml']),
    );
    expect(heavy(await loaded(['run', 'orch.yaml', '--yes']))).toEqual(
      expect.arrayContaining(['scripted-model', 'agents', 'workspace']),
    );
  });
});
