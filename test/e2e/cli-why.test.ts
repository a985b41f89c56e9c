import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { here, scripted, startModel, type TestModel } from '../harness/model.js';
import { orch, status, type Finished } from '../harness/orch.js';
import { makeRepository, type TestRepository } from '../harness/repository.js';

let repository: TestRepository;
let model: TestModel;
beforeEach(async () => {
  repository = makeRepository();
  model = await startModel();
});
afterEach(async () => {
  await model.close();
  repository.remove();
});

const plan = (tasks: readonly unknown[], more: Readonly<Record<string, unknown>> = {}): void => {
  const value = { version: 1, name: 'verbs', ...more, tasks };
  repository.write({ 'orch.yaml': JSON.stringify(value, null, 2) });
};
const verbs = (argv: readonly string[], env: Readonly<Record<string, string>> = {}) =>
  orch(repository, argv, { env });
const run = ['run', 'orch.yaml', '--yes'];

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
      /^add (".+?") to `allow:` of refused \(orch\.yaml:\d+\), then: orch (.+)$/.exec(next) ?? [];
    const fine = (await status(repository)).state.tasks['fine']?.attempts[0]?.session;
    const asked = (): number =>
      model.requests.filter(({ conversation }) => conversation === fine).length;
    const before = asked();

    plan(tasks(['Read', JSON.parse(rule ?? '""') as string]));
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
