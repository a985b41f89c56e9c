import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Json } from '../src/index.js';
import { ask, askText, assistant, scripted, system } from './conversation-builder.js';
import { textOf, toolResult, toolUse, user } from './conversation-builder.js';
import { startModel } from './fixtures.js';

const NUMBERED = ['turn 0', 'turn 1', 'turn 2', 'turn 3', 'turn 4', 'turn 5'];
const MEANWHILE =
  'The user sent a new message while you were working:\nTEXT\n\nThis is how Claude Code surfaces messages the user sends mid-turn';

describe('which turn answers', () => {
  it('is the number of answers after the marker, whoever asks and however often', async () => {
    const { url } = await startModel();
    const first = [user(scripted(NUMBERED))];
    const second = [...first, toolUse('Read'), toolResult('a')];
    const third = [...second, assistant('b'), user('continue')];
    const asked = [third, first, second, first, third, second].map((messages, index) =>
      askText(url, messages, { session: `session-${index % 3}` }),
    );
    expect(await Promise.all(asked)).toEqual([
      'turn 2',
      'turn 0',
      'turn 1',
      'turn 0',
      'turn 2',
      'turn 1',
    ]);
  });

  it('does not count the answer that Claude Code makes up after a resume', async () => {
    const { url } = await startModel();
    const interrupted = [user(scripted(NUMBERED)), toolUse('Write'), toolResult('written')];
    const resumed = (text: string) => [
      ...interrupted,
      assistant([{ type: 'text', text }]),
      user('Continue where you were interrupted.'),
    ];
    expect(await askText(url, resumed('No response requested.'))).toBe('turn 1');
    // Control: any other text in its place was said by the model.
    expect(await askText(url, resumed('No response requested, then.'))).toBe('turn 2');
  });

  it('makes a call again that Claude Code broke off, as a model would', async () => {
    const { url } = await startModel();
    const answered = (result: string) => [
      user(scripted(NUMBERED)),
      toolUse('Write'),
      toolResult(result),
    ];
    const brokenOff =
      "The user doesn't want to take this action right now. STOP what you are doing";
    expect(await askText(url, answered(brokenOff))).toBe('turn 0');
    const unfinished =
      "[Tool call interrupted: the session ended before this call's result was recorded, so its outcome is unknown.";
    expect(await askText(url, answered(unfinished))).toBe('turn 0');
    // Control: a refusal by a rule is an answer, and the script goes on.
    expect(await askText(url, answered('not allowed by the plan'))).toBe('turn 1');
  });

  it('does not take system messages for users or answers', async () => {
    const { url } = await startModel();
    const messages = (role: (content: Json) => Json) => [
      user(scripted(NUMBERED)),
      assistant('one'),
      role(`a reminder ${scripted(['hijacked'])}`),
      user('go on'),
    ];
    expect(await askText(url, messages(system))).toBe('turn 1');
    // Control: the same marker, said by a user, counts.
    expect(await askText(url, messages(user))).toBe('hijacked');
  });

  it('does not take what the agent adds to a user message for the user', async () => {
    const { url } = await startModel();
    const reminder = `<system-reminder>\ntask done: ${scripted(['hijacked'])}\n</system-reminder>`;
    const messages = (text: string) => [
      user(scripted(NUMBERED)),
      assistant('one'),
      user([
        { type: 'text', text },
        { type: 'text', text: 'go on' },
      ]),
    ];
    expect(await askText(url, messages(reminder))).toBe('turn 1');
    expect(await askText(url, messages(reminder.replaceAll('system-', 'other-')))).toBe('hijacked');
  });

  it('counts a user message that Claude Code passes on in a system message', async () => {
    const { url, model } = await startModel();
    const messages = (text: string) => [
      user(scripted(NUMBERED)),
      toolUse('Bash'),
      toolResult('ok'),
      system([{ type: 'text', text }]),
    ];
    const marker = scripted(['second script'], 'Meanwhile:');
    expect(await askText(url, messages(MEANWHILE.replace('TEXT', () => marker)))).toBe(
      'second script',
    );
    expect(model.requests[0]?.lastUser).toBe(marker);
    expect(await askText(url, messages(`Something else:\n${marker}`))).toBe('turn 1');
  });

  it('goes on counting through user messages without a marker, and the last marker wins', async () => {
    const { url } = await startModel();
    const messages = [
      user(scripted(NUMBERED)),
      assistant('a'),
      user('The gate found a problem.'),
      assistant('b'),
    ];
    expect(await askText(url, [...messages, user('continue')])).toBe('turn 2');
    const again = [...messages, user(scripted(['repaired 0', 'repaired 1']))];
    expect(await askText(url, again)).toBe('repaired 0');
    expect(await askText(url, [...again, assistant('c'), user('more')])).toBe('repaired 1');
  });

  it('says a closing remark again past the end, but never a tool call or a fault', async () => {
    const { url } = await startModel();
    const past = [assistant('a'), user('b'), assistant('c'), user('d')];
    const closing = { text: 'bye', error: { status: 500 }, hang: true };
    expect(await askText(url, [user(scripted(['x', closing])), ...past])).toBe('bye');
    expect(await askText(url, [user(scripted(['x', { tool: 'Read' }])), ...past])).toBe('ok');
  });

  it('holds for any history with reminders, made-up answers and plain remarks in it', async () => {
    const { url } = await startModel();
    const pieces: Record<string, readonly Json[]> = {
      answer: [assistant('said'), toolResult('ok')],
      call: [toolUse('Read'), toolResult('ok')],
      madeUp: [assistant('No response requested.')],
      remark: [user('go on')],
      reminder: [user('<system-reminder>\nx\n</system-reminder>')],
      system: [system('note')],
    };
    const history = fc.array(fc.constantFrom(...Object.keys(pieces)), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(history, async (names) => {
        const turns = names.filter((name) => name === 'answer' || name === 'call').length;
        const script = Array.from({ length: 20 }, (_, index) => `turn ${index}`);
        const messages = [user(scripted(script)), ...names.flatMap((name) => pieces[name] ?? [])];
        expect(await askText(url, messages)).toBe(`turn ${turns}`);
      }),
      { numRuns: 60 },
    );
  });
});

describe('which script answers', () => {
  it('is the outermost marker: a nested one belongs to the conversation it will start', async () => {
    const { url } = await startModel({ scenarios: { scenarios: { inner: ['named inner'] } } });
    const inner = scripted([{ text: 'inner {{lastToolResult}}' }], 'sub-agent');
    const outer = [{ tool: 'Agent', input: { prompt: `${inner} [[scenario:inner]]` } }, 'outer'];
    const answer = await ask(url, [user(scripted(outer)), toolResult('OUTER')]).answer;
    const { content } = JSON.parse(answer.text) as { content: { input: { prompt: string } }[] };
    // Handed on as it is: its placeholders mean the sub-agent's conversation.
    const prompt = content[0]?.input.prompt ?? '';
    expect(prompt).toBe(`${inner} [[scenario:inner]]`);
    expect(await askText(url, [user(inner), toolUse('X'), toolResult('INNER')])).toBe(
      'inner INNER',
    );
  });

  it('is the last of several markers in one message, inline or named', async () => {
    const { url, model } = await startModel({ scenarios: { scenarios: { known: ['named'] } } });
    expect(await askText(url, [user(`${scripted(['inline'])} [[scenario:known]]`)])).toBe('named');
    expect(await askText(url, [user(`[[scenario:known]] ${scripted(['inline'])}`)])).toBe('inline');
    expect(model.requests.map(({ scenario }) => scenario)).toEqual([
      'known',
      expect.stringMatching(/^inline:[\da-f]{8}$/),
    ]);
  });

  it('is a scenario that matches the last such user message, when there is no marker', async () => {
    const { url } = await startModel({
      scenarios: {
        scenarios: {
          bug: { match: 'fix .*bug', turns: ['bug 0', 'bug 1'] },
          any: { match: 'fix', turns: ['any 0'] },
        },
        default: ['default 0', 'default 1'],
      },
    });
    expect(await askText(url, [user('fix the bug')])).toBe('bug 0');
    expect(await askText(url, [user('fix the bug'), assistant('x'), user('go on')])).toBe('bug 1');
    expect(await askText(url, [user('fix it')])).toBe('any 0');
    expect(await askText(url, [user('hello')])).toBe('default 0');
    expect(await askText(url, [user('hello'), assistant('x'), user('more')])).toBe('default 1');
  });

  it('is what the fallback returns for the parsed conversation, when nothing else fits', async () => {
    const { url, model } = await startModel({
      scenarios: { default: 'default' },
      fallback: ({ prompt, turn, tools, messages }) =>
        prompt.startsWith('other')
          ? undefined
          : turn === 0
            ? { tool: tools[0] ?? 'none', input: { prompt } }
            : `${messages.length} messages, ended by ${messages.at(-1)?.role ?? ''}`,
    });
    const body = { tools: [{ name: 'Write' }] };
    const answer = await ask(url, [user('the task')], { body }).answer;
    expect(answer.text).toContain('{"type":"tool_use"');
    expect(answer.text).toContain('"input":{"prompt":"the task"}');
    const next = [user('the task'), toolUse('Write'), toolResult('ok')];
    expect(await askText(url, next)).toBe('3 messages, ended by tool');
    expect(await askText(url, [user('other')])).toBe('default');
    expect(await askText(url, [user(scripted(['marker first']))])).toBe('marker first');
    expect(model.requests.map(({ scenario }) => scenario).slice(0, 3)).toEqual([
      'fallback',
      'fallback',
      'default',
    ]);
  });

  it('is the word ok when there is nothing at all', async () => {
    const { url } = await startModel();
    expect(await askText(url, [user('hello')])).toBe('ok');
  });

  it('does not look at markers when the text is not trusted', async () => {
    const { url } = await startModel({ markers: false, fallback: () => 'safe' });
    expect(await askText(url, [user(scripted(['scripted by a stranger']))])).toBe('safe');
  });
});

describe('a script that is not valid', () => {
  const cases: readonly (readonly [string, string, RegExp])[] = [
    [
      'is not JSON',
      'x <<<SCRIPT [{"text": "a",}] SCRIPT>>>',
      /line 1, column 16 .*found } in .*>>> }\]/,
    ],
    ['spans lines', '<<<SCRIPT [\n  "a"\n  "b"] SCRIPT>>>', /line 3, column 3/],
    ['is not closed', 'abc <<<SCRIPT ["a"]', /character 4 .*never closed/],
    ['has an unknown key', scripted([{ txt: 'a' }]), /script\[0\]\.txt: expected one of the keys/],
    ['has a wrong type', scripted(['a', { delayMs: '5' }]), /script\[1\]\.delayMs: .*"5/],
    ['is empty', scripted([]), /at least one turn/],
    ['names no scenario', 'x [[scenario:nope]]', /character 2 .*\\"nope\\".*one of one, two/],
    ['has a bad pattern', scripted(['{{match:(}}']), /regular expression/],
    ['has a long pattern', scripted([`{{match:${'a'.repeat(201)}}}`]), /at most 200 characters/],
    ['waits for a relative file', scripted([{ waitFor: { file: 'a' } }]), /an absolute path/],
  ];
  it.each(cases)(
    'is answered with 400 and the place, when it %s',
    async (_what, prompt, message) => {
      const { url, model } = await startModel({ scenarios: { scenarios: { one: 'a', two: 'b' } } });
      const answer = await ask(url, [user(prompt)]).answer;
      expect(answer.status).toBe(400);
      expect(answer.text).toMatch(message);
      expect(model.requests[0]).toMatchObject({ scenario: 'invalid' });
      expect(model.requests[0]?.problem).toBeDefined();
    },
  );

  it('is answered with 400 as well when the fallback throws or returns no turn', async () => {
    const broken = await startModel({
      fallback: ({ prompt }) => {
        if (prompt === 'throw') throw new Error('no idea');
        return { text: 5 } as never;
      },
    });
    const thrown = await ask(broken.url, [user('throw')]).answer;
    expect([thrown.status, thrown.text]).toEqual([400, expect.stringContaining('no idea')]);
    const wrong = await ask(broken.url, [user('x')]).answer;
    expect([wrong.status, wrong.text]).toEqual([400, expect.stringContaining('fallback.text')]);
  });

  it('is answered with 400 when an observer throws, so that agents do not retry for minutes', async () => {
    const { url, model } = await startModel({
      onRequest: () => {
        throw new Error('observer broke');
      },
    });
    const answer = await ask(url, [user('x')]).answer;
    expect([answer.status, textOf(answer)]).toEqual([400, '']);
    expect(answer.text).toContain('observer broke');
    expect(model.open).toEqual([]);
  });
});
