import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { here, scripted, startModel, type TestModel } from '../harness/model.js';
import { orch, status } from '../harness/orch.js';
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

const write = (name: string, content = 'text\n') => ({
  tool: 'Write',
  input: { file_path: `${here}/${name}`, content },
});

async function run(tasks: readonly Record<string, unknown>[], more: Record<string, unknown> = {}) {
  repository.write({
    'orch.yaml': JSON.stringify({ version: 1, name: 'truth', ...more, tasks }, null, 2),
  });
  const finished = await orch(repository, ['run', 'orch.yaml', '--yes'], { env: model.env });
  const { state } = await status(repository);
  return { ...finished, tasks: state.tasks, state };
}

describe('what an agent says does not count', () => {
  it('refused writes, exit 0, "success": denied, skipped work is named, and why says what to do', async () => {
    const { tasks, code } = await run([
      {
        id: 'refused',
        allow: ['Read'],
        prompt: scripted([write('hello.txt'), 'Done: I wrote hello.txt.']),
      },
      { id: 'lazy', prompt: scripted(['All done, everything works!']) },
      {
        id: 'good',
        prompt: scripted([
          { tool: 'Bash', input: { command: 'touch forbidden' } },
          write('good.txt'),
          'Done.',
        ]),
      },
    ]);
    expect(code).toBe(1);
    // Claude Code itself called all three a success.
    for (const task of Object.values(tasks)) {
      expect(task.attempts[0]?.end).toMatchObject({ outcome: 'completed', exit: { code: 0 } });
    }
    expect(tasks['refused']?.verdict).toBe('denied');
    expect(tasks['lazy']?.verdict).toBe('no_effect');
    expect(tasks['good']?.verdict).toBe('succeeded');
    expect(tasks['good']?.warnings.join()).toMatch(/refused: Bash .*touch forbidden/);

    const why = await orch(repository, ['why', 'refused']);
    expect(why.stdout).toMatch(/refused call: Write .*hello\.txt/);
    expect(why.stdout).toMatch(
      /next: add "Edit\(\.\/hello\.txt\)" to `allow:` of refused \(orch\.yaml:\d+\), then: orch resume \w{10} --plan orch\.yaml/,
    );
    const lazy = JSON.parse((await orch(repository, ['why', 'lazy', '--json'])).stdout) as {
      verdict: string;
      reasons: string[];
    };
    expect(lazy).toMatchObject({ verdict: 'no_effect', reasons: ['no file was changed'] });
  });

  it('the same script with the write allowed succeeds: the check can pass', async () => {
    const { tasks } = await run([
      { id: 'allowed', prompt: scripted([write('hello.txt'), 'Done: I wrote hello.txt.']) },
    ]);
    expect(tasks['allowed']?.verdict).toBe('succeeded');
    expect(repository.git('show', `orch/${(await status(repository)).state.run}:hello.txt`)).toBe(
      'text',
    );
  });

  it('a change outside `writes` is out of scope, with the file named', async () => {
    const { tasks } = await run([
      {
        id: 'wide',
        writes: ['docs/**'],
        prompt: scripted([write('docs/a.md'), write('src.js'), 'Done.']),
      },
    ]);
    expect(tasks['wide']).toMatchObject({ verdict: 'out_of_scope' });
    expect(tasks['wide']?.reasons[0]).toContain('src.js');
  });

  it('a gate that fails goes back to the same conversation, and the repaired result is merged', async () => {
    const { tasks, code } = await run(
      [
        {
          id: 'repair',
          gates: ['whole'],
          prompt: scripted([
            write('a.txt', 'broken\n'),
            'Done.',
            write('a.txt', 'whole\n'),
            'Repaired.',
          ]),
        },
      ],
      { gates: { whole: { run: ['grep', '-q', 'whole', 'a.txt'] } } },
    );
    expect(code).toBe(0);
    expect(tasks['repair']?.attempts.map(({ mode, verdict }) => [mode, verdict])).toEqual([
      ['first', 'gate_failed'],
      ['repair', 'succeeded'],
    ]);
    expect(new Set(model.requests.map((request) => request.conversation)).size).toBe(1);
  });

  it('an output that does not fit its schema is not a success', async () => {
    const { tasks } = await run([
      {
        id: 'none',
        effect: 'none',
        output: { answer: 'string' },
        prompt: scripted(['The answer is 42.']),
      },
      {
        id: 'fits',
        effect: 'none',
        output: { answer: 'string' },
        prompt: scripted([{ tool: 'StructuredOutput', input: { answer: '42' } }]),
      },
    ]);
    expect(tasks['none']?.verdict).toBe('no_effect');
    expect(tasks['fits']).toMatchObject({
      verdict: 'succeeded',
      result: { output: { answer: '42' } },
    });
  });
});

it('an agent that deletes its workspace fails alone', async () => {
  const { tasks, code } = await run([
    { id: 'vandal', sh: 'rm -rf "$PWD"', effect: 'diff' },
    { id: 'neighbour', sh: 'echo x > x.txt', effect: 'diff' },
  ]);
  expect(code).toBe(1);
  expect(tasks['vandal']).toMatchObject({ verdict: 'failed' });
  expect(tasks['neighbour']).toMatchObject({ verdict: 'succeeded' });
});
