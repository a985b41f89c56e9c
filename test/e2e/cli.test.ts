import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { scripted, startModel, type TestModel } from '../harness/model.js';
import { jsonLines, orch, runDirectory } from '../harness/orch.js';
import { makeRepository, type TestRepository } from '../harness/repository.js';
import { closeTerminals, openTerminal } from '../harness/terminal.js';
import { until } from '../harness/witness.js';

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
    [
      'an unknown option',
      ['status', '--nope'],
      2,
      'ORCH_USAGE_ARGUMENTS',
      /--nope.*orch status --help/s,
    ],
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

describe('a mistake names what to look at', () => {
  it.each([
    [['run'], /missing required argument 'plan'.*orch run --help/],
    [['plan', 'chck'], /unknown command 'chck' \(Did you mean check\?\).*orch plan --help/],
    [['plan', 'show', 'orch.yaml', 'x', 'y'], /orch plan show --help/],
    [['statsu'], /Did you mean status\?.*orch --help/],
  ])('orch %j', async (argv, said) => {
    const { code, stdout, stderr } = await verbs(argv);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(said);
  });

  it('a group without a verb shows its verbs, and is not success', async () => {
    const { code, stdout, stderr } = await verbs(['plan']);
    expect([code, stderr]).toEqual([2, '']);
    expect(stdout).toContain('explain');
  });

  it('a task that was never started is not waited for; a fan-out is asked for an item', async () => {
    const item = { id: 'item', foreach: ['a', 'b'], as: 'x', run: ['true'], effect: 'none' };
    plan([
      { id: 'bad', sh: 'exit 1' },
      { ...work, id: 'after', needs: ['bad'] },
      { ...item, inputs: { x: '${{ x }}' }, output: { lines: 'stdout' } },
    ]);
    await verbs(run);
    const logs = await verbs(['logs', 'after']);
    expect(logs.stderr).toMatch(/after has no attempt in run \w+: it was not started/);
    expect(logs.stderr).not.toContain(' -f');
    const [, next = ''] = /See why: orch (.*) \(/.exec(logs.stderr) ?? [];
    expect((await verbs(next.split(' '))).stdout).toContain('skipped');
    expect((await verbs(['logs', 'bad', '--attempt', '3'])).stderr).toContain('attempt 1 alone');
    expect((await verbs(['why', 'item'])).stderr).toMatch(/"item" has 2 items.*'item\[a\]'/);
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

  it('on a terminal it is said before anybody is asked about money', async () => {
    plan([agent]);
    const terminal = openTerminal(repository, ['run', 'orch.yaml']);
    expect(await terminal.finished).toBe(7);
    expect(terminal.bytes()).toContain('ORCH_CREDENTIALS_MISSING');
    expect(terminal.bytes()).not.toContain('Start?');
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
