import { expect, test } from 'vitest';
import { AnswerError, createAnswers, type Asked } from '../../src/answers/answers.js';
import type { AskHandlers, JsonObject } from '../../src/index.js';

const { signal } = new AbortController();
const form = { message: 'Name?', requestedSchema: { properties: { name: { type: 'string' } } } };

function answersOf(handlers: AskHandlers, told: Asked[] = []) {
  const answers = createAnswers({
    server: 's',
    handlers,
    asks: ['sampling', 'elicitation'],
    asksPerMinute: 3,
    roots: [],
    tell: (asked) => void told.push(asked),
  });
  const { capabilities } = answers;
  return { capabilities, answer: answers.answer.bind(answers) };
}

const codeOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    (value) => value,
    (error: unknown) => (error instanceof AnswerError ? error.code : error),
  );

test('declares what there is a handler for', () => {
  const fillForm = () => ({ action: 'cancel' }) as const;
  expect(answersOf({}).capabilities).toEqual({});
  expect(answersOf({ fillForm }).capabilities).toEqual({ elicitation: { form: {} } });
  expect(answersOf({ fillForm, visitUrl: fillForm }).capabilities).toEqual({
    elicitation: { form: {}, url: {} },
  });
});

test('what a handler throws is told to its user, and not to the server', async () => {
  const told: Asked[] = [];
  const { answer } = answersOf(
    {
      fillForm() {
        throw new Error('my key is sk-fake-1');
      },
    },
    told,
  );
  const error: unknown = await answer('elicitation/create', form, signal).catch(
    (reason: unknown) => reason,
  );
  expect(error).toMatchObject({ code: -32_603, message: 'The client could not answer.' });
  expect(told).toMatchObject([{ outcome: 'failed', reason: 'my key is sk-fake-1' }]);
});

test('an answer that does not fit the form is not sent', async () => {
  const { answer } = answersOf({ fillForm: () => ({ action: 'accept', content: { name: 5 } }) });
  expect(await codeOf(answer('elicitation/create', form, signal))).toBe(-32_603);
});

test.for<[string, JsonObject, number]>([
  ['elicitation/create', { message: 'no schema' }, -32_602],
  ['elicitation/create', { ...form, mode: 'url', url: 'https://example.com' }, -32_602],
  ['sampling/createMessage', { messages: [], maxTokens: 1 }, -32_601],
  ['roots/list', {}, -32_601],
  ['tools/list', {}, -32_601],
])('%s %j is refused with %i', async ([method, params, code]) => {
  const { answer } = answersOf({ fillForm: () => ({ action: 'cancel' }) });
  expect(await codeOf(answer(method, params, signal))).toBe(code);
});

test.for([
  ['https://example.com/a?b', true],
  ['http://localhost:8080/', true],
  ['http://127.0.0.1/', true],
  ['http://[::1]/', true],
  ['http://example.com/', false],
  ['http://127.0.0.1.example.com/', false],
  ['https://user:password@example.com/', false],
  ['javascript:alert(1)', false],
  ['file:///etc/passwd', false],
  ['nonsense', false],
] as const)('the address %s may be visited: %s', async ([url, allowed]) => {
  const visited: string[] = [];
  const { answer } = answersOf({
    visitUrl(request) {
      visited.push(request.url.href);
      return { action: 'accept' };
    },
  });
  const params = { mode: 'url', message: 'Go', url, elicitationId: '1' };
  const answered = await codeOf(answer('elicitation/create', params, signal));
  expect(answered).toEqual(allowed ? { action: 'accept' } : -32_602);
  expect(visited).toHaveLength(allowed ? 1 : 0);
});

test('more than so many questions a minute are refused', async () => {
  const { answer } = answersOf({ fillForm: () => ({ action: 'cancel' }) });
  const codes: unknown[] = [];
  for (let time = 0; time < 5; time += 1)
    codes.push(await codeOf(answer('elicitation/create', form, signal)));
  expect(codes.slice(3)).toEqual([-32_000, -32_000]);
  expect(codes.slice(0, 3)).toEqual(Array(3).fill({ action: 'cancel' }));
});

test('asks for sampling with tools are refused, as they are not declared', async () => {
  const sample = () => ({ role: 'assistant', content: { type: 'text' }, model: 'm' }) as const;
  const { answer } = answersOf({ sample });
  const params = { messages: [], maxTokens: 1 };
  expect(await codeOf(answer('sampling/createMessage', params, signal))).toMatchObject({
    model: 'm',
  });
  const more = { ...params, tools: [] };
  expect(await codeOf(answer('sampling/createMessage', more, signal))).toBe(-32_602);
});
