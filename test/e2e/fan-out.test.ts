import { afterEach, beforeEach, expect, it } from 'vitest';
import { here, startModel, type TestModel } from '../harness/model.js';
import { orch, status } from '../harness/orch.js';
import { makeRepository, type TestRepository } from '../harness/repository.js';

let repository: TestRepository;
let model: TestModel;
beforeEach(async () => {
  repository = makeRepository({
    'README.md': 'hello\n',
    'issues.json': '[{"number":7,"title":"a"},{"number":8,"title":"b"}]',
  });
  model = await startModel({
    // Which answer follows from the question alone, as a model would do it.
    fallback: ({ messages }) => {
      const asked = messages.findLastIndex(
        ({ role, text }) => role === 'user' && /Triage issue|Now repair/.test(text),
      );
      const triage = messages[asked]?.text.includes('Triage') ?? false;
      const answered = messages.slice(asked + 1).some(({ role }) => role === 'assistant');
      const number =
        /issue (\d+)/.exec(messages.map((message) => message.text).join('\n'))?.[1] ?? '?';
      if (triage) {
        return answered
          ? { text: 'Triaged.' }
          : {
              tool: 'StructuredOutput',
              input: { reproduced: number === '7', files: [`fix-${number}.txt`] },
            };
      }
      return answered
        ? { text: 'Fixed.' }
        : { tool: 'Write', input: { file_path: `${here}/fix-${number}.txt`, content: 'fixed' } };
    },
  });
});
afterEach(async () => {
  await model.close();
  repository.remove();
});

it('one task for each item, one more where it is worth it, in the same conversation', async () => {
  repository.write({
    'orch.yaml': `
version: 1
name: triage
tasks:
  - id: issues
    run: [cat, issues.json]
    output: { json: stdout, schema: [{ number: integer, title: string }] }
  - id: triage
    needs: [issues]
    foreach: \${{ issues.output }}
    as: issue
    key: \${{ issue.number }}
    max: 5
    prompt: Triage issue \${{ issue.number }}.
    effect: none
    output: { reproduced: boolean, files: [string] }
  - id: fix
    each: triage
    if: triage.reproduced
    session: continue
    prompt: Now repair it.
    writes: \${{ triage.files }}
`,
  });
  const { stdout, stderr, code } = await orch(repository, ['run', 'orch.yaml', '--yes'], {
    env: model.env,
  });
  expect(stdout + stderr).toContain('4/5 succeeded · 1 skipped');
  expect(code).toBe(0);
  const { state } = await status(repository);
  const task = (label: string) =>
    Object.values(state.tasks).find((candidate) => candidate.label === label);
  expect(task('fix[7]')).toMatchObject({ verdict: 'succeeded' });
  expect(task('fix[8]')).toMatchObject({ verdict: 'skipped', skipped: 'condition' });
  // The conversation went on: one session for both tasks, and the second request carried the first.
  expect(task('fix[7]')?.attempts[0]?.session).toBe(task('triage[7]')?.attempts[0]?.session);
  expect(new Set(model.requests.map((request) => request.conversation)).size).toBe(2);
  expect(repository.git('show', `orch/${state.run}:fix-7.txt`)).toBe('fixed');
});
