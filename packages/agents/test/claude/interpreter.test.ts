import { describe, expect, it } from 'vitest';
import type { TurnEnded } from '../../src/event.js';
import { readSample, replay } from './replay.js';

type Expected = Pick<TurnEnded, 'outcome'> & {
  readonly reason?: string;
  readonly usd: number | null;
};

/** Name of a recorded run, its exit code, and how its turn ended. */
const ends: readonly (readonly [name: string, code: number, expected: Expected])[] = [
  ['json-schema-ok', 0, { outcome: 'completed', usd: 0.001 }],
  ['json-schema-never', 0, { outcome: 'completed', usd: 0.002 }],
  ['json-schema-bad', 1, { outcome: 'failed', reason: 'structured_output', usd: 0.004 }],
  ['perm-denied-default', 0, { outcome: 'completed', usd: 0.002 }],
  ['perm-denied-rule', 0, { outcome: 'completed', usd: 0.002 }],
  ['permission-requests', 0, { outcome: 'completed', usd: 0.0052 }],
  ['max-turns', 1, { outcome: 'exhausted', reason: 'max_turns', usd: 0.002 }],
  ['v330-maxturns', 1, { outcome: 'exhausted', reason: 'max_turns', usd: 0.0008 }],
  ['max-budget', 1, { outcome: 'exhausted', reason: 'max_usd', usd: 0.625 }],
  ['retry-529-ok', 0, { outcome: 'completed', usd: 0.001 }],
  ['retry-429-after', 0, { outcome: 'completed', usd: 0.001 }],
  ['error-500-persist', 1, { outcome: 'failed', reason: 'server', usd: 0 }],
  ['error-400', 1, { outcome: 'failed', reason: 'invalid_request', usd: 0 }],
  ['v330-err', 1, { outcome: 'failed', reason: 'invalid_request', usd: 0 }],
  ['error-403', 1, { outcome: 'failed', reason: 'authentication', usd: 0 }],
  ['error-404-model', 1, { outcome: 'failed', reason: 'model_not_found', usd: 0 }],
  ['no-auth', 1, { outcome: 'failed', reason: 'authentication', usd: 0 }],
  ['conn-refused', 1, { outcome: 'failed', reason: 'network', usd: 0 }],
  ['refusal', 1, { outcome: 'failed', reason: 'refused', usd: 0.001 }],
  ['maxtok', 0, { outcome: 'completed', usd: 0.002 }],
  ['cut', 0, { outcome: 'completed', usd: 0.001 }],
  ['partial', 0, { outcome: 'completed', usd: 0.001 }],
  ['fallback', 0, { outcome: 'completed', usd: 0.0002 }],
  ['sess-compact', 0, { outcome: 'completed', usd: 0.001 }],
  ['hk2-contfalse', 0, { outcome: 'failed', reason: 'stopped', usd: 0.001 }],
  ['hk2-defer', 0, { outcome: 'failed', reason: 'stopped', usd: 0.001 }],
  ['hk2-upsblock', 0, { outcome: 'failed', reason: 'stopped', usd: 0 }],
  ['sigterm', 0, { outcome: 'completed', usd: 0.002 }],
  ['sigint', 1, { outcome: 'failed', reason: 'stopped', usd: 0.001 }],
  ['bgbash', 0, { outcome: 'completed', usd: 0.003 }],
  ['subagent', 0, { outcome: 'completed', usd: 0.004 }],
  ['subagent-two-parallel', 0, { outcome: 'completed', usd: 0.0044 }],
  ['agents-flag', 0, { outcome: 'completed', usd: 0.0022 }],
  ['v330-basic', 0, { outcome: 'completed', usd: 0.004 }],
];

describe('the end of a recorded run', () => {
  it.each(ends)('%s, exit code %i', (name, code, expected) => {
    const { end } = replay(readSample(name), { exit: { code } });
    expect({ outcome: end.outcome, reason: end.error?.reason, usd: end.usd }).toEqual({
      reason: undefined,
      ...expected,
    });
  });

  it('--resume of an unknown session is a missing session, but only when one was to be continued', () => {
    const lines = readSample('bad-resume');
    const exit = { code: 1 };
    expect(replay(lines, { exit, continuing: true }).end.error?.reason).toBe('session_missing');
    expect(replay(lines, { exit }).end.error?.reason).toBe('unknown');
  });

  it('what we did to the process decides, whatever the program still wrote', () => {
    const lines = readSample('sigterm'); // SIGTERM, then a success result and exit code 0
    expect(replay(lines, { exit: { by: 'cancelled' } }).end.outcome).toBe('cancelled');
    expect(replay(lines, { exit: { by: 'timed_out' } }).end.outcome).toBe('timed_out');
    expect(replay(lines, { exit: { by: 'stalled' } }).end.outcome).toBe('stalled');
    expect(
      replay(lines, { exit: { by: 'lingered', code: null, signal: 'SIGKILL' } }).end.outcome,
    ).toBe('completed');
  });

  it('a success result with another exit code than 0 is a failure', () => {
    const { end } = replay(readSample('maxtok'), { exit: { code: 1 } });
    expect(end).toMatchObject({ outcome: 'failed', error: { reason: 'exit' } });
  });

  it('no result is a failure even with exit code 0, and shows what was written to stderr', () => {
    expect(replay([]).end).toMatchObject({ outcome: 'failed', error: { reason: 'no_result' } });
    const exit = { code: 1, stderr: 'error: unknown option --nope\n' };
    const { error, usd } = replay([], { exit }).end;
    expect(error?.reason).toBe('exit');
    expect(error?.message).toContain('unknown option --nope');
    expect(usd).toBeNull();
  });
});

describe('the stream', () => {
  it.each(ends.map(([name]) => name))('%s: every line is kept once, in order', (name) => {
    const lines = readSample(name);
    const { events } = replay(lines);
    expect(events.flatMap((event) => event.raw ?? [])).toEqual(
      lines.map((line): unknown => JSON.parse(line)),
    );
  });

  it('starts with the session, once, also when several turns follow each other', () => {
    const { events, end } = replay(readSample('v330-basic'));
    const started = events.filter((event) => event.kind === 'session.started');
    expect(started).toHaveLength(1);
    expect(started[0]).toMatchObject({
      session: '00000000-0000-4000-8000-000000000001',
      model: 'claude-opus-5-5',
      version: '2.1.330',
      credential: 'ANTHROPIC_API_KEY',
    });
    expect(end).toMatchObject({ session: started[0]?.session, version: '2.1.330' });
  });

  it('counts each message once, adds sub-agents to the totals, and says whose text is whose', () => {
    const { events, end } = replay(readSample('subagent-two-parallel'));
    const counted = events
      .filter((event) => event.kind === 'usage')
      .map((event) => event.messageId);
    expect(new Set(counted).size).toBe(counted.length);
    expect(end.usage).toEqual({
      inputTokens: 600,
      outputTokens: 120,
      cacheReadTokens: 0,
      cacheWriteTokens: 0,
    });
    const calls = events.filter((event) => event.kind === 'tool.called');
    expect(calls.filter((call) => call.parent === undefined).map((call) => call.name)).toEqual([
      'Agent',
      'Agent',
    ]);
    expect(new Set(calls.flatMap((call) => call.parent ?? [])).size).toBe(2);
    expect(end.summary).toBe('main done');
  });

  it('reports repetitions with their status, null where there was no answer', () => {
    const retries = replay(readSample('retry-429-after')).events.filter(
      (event) => event.kind === 'retrying',
    );
    expect(retries).toMatchObject([
      { attempt: 1, reason: 'rate_limit', delayMs: 2000, status: 429 },
    ]);
    const refused = replay(readSample('conn-refused')).events.find(
      (event) => event.kind === 'retrying',
    );
    expect(refused?.status).toBeNull();
  });

  it('has an output only if the result has one', () => {
    expect(replay(readSample('json-schema-ok')).end.output).toEqual({ name: 'a', n: 1 });
    expect(replay(readSample('json-schema-never')).end).not.toHaveProperty('output');
  });

  it('lines that are no events become notices, and the result still counts', () => {
    const sample = readSample('maxtok');
    const { events, end } = replay(['not json', '', '[1]', ...sample]);
    expect(end.outcome).toBe('completed');
    const notices = events.filter((event) => event.kind === 'notice' && event.level === 'warning');
    expect(notices).toHaveLength(2);
  });

  it('half a result is no result', () => {
    const sample = readSample('maxtok');
    const half = sample.with(-1, sample.at(-1)?.slice(0, 200) ?? '');
    const { end } = replay(half);
    expect(end).toMatchObject({ outcome: 'failed', usd: null, error: { reason: 'no_result' } });
    expect(end.error?.message).toContain('cut off');
    expect(end.usage.inputTokens).toBeGreaterThan(0); // what was seen is a lower bound
  });

  it('an unknown kind of event is kept and changes nothing', () => {
    const sample = readSample('maxtok');
    const { end, events } = replay(['{"type":"from_the_future","n":1}', ...sample]);
    expect(end).toEqual(replay(sample).end);
    expect(events[0]?.raw).toEqual({ type: 'from_the_future', n: 1 });
  });
});

describe('denials', () => {
  it.each(['perm-denied-default', 'perm-denied-rule'])(
    '%s: reported once, with the reason',
    (name) => {
      const { events, end } = replay(readSample(name));
      expect(events.filter((event) => event.kind === 'denied')).toHaveLength(1);
      expect(end.denials).toHaveLength(1);
      expect(end.denials[0]?.reason).toMatch(/permission/i);
    },
  );

  it('a permission request is refused, and the result does not count it a second time', () => {
    const lines = readSample('permission-requests');
    const asked = lines.filter((line) => line.includes('"can_use_tool"')).length;
    const { events, replies, end } = replay(lines);
    expect(asked).toBe(3);
    expect(events.filter((event) => event.kind === 'denied').map((event) => event.by)).toEqual([
      'plan',
      'plan',
      'plan',
    ]);
    expect(end.denials.map((denial) => denial.reason)).toEqual([
      'not allowed by the plan: add "Edit(./ctl-a.txt)" to allow:',
      'not allowed by the plan: add "Edit(./deny-b.txt)" to allow:',
      expect.stringContaining('"Bash(curl http://127.0.0.1:9/ -s -m 1)"'),
    ]);
    const denied = replies.filter((reply) => reply.includes('"behavior":"deny"'));
    expect(denied).toHaveLength(asked);
    const refused = replies.filter((reply) => reply.includes('"subtype":"error"'));
    expect(refused).toHaveLength(2); // calls of a Stop hook, which nobody asked for
    expect(replies.join('')).not.toContain('"allow"');
  });

  it.each([
    ['acceptEdits', 'Write', [], true],
    ['acceptEdits', 'Bash', ['Bash(touch *)'], true],
    ['acceptEdits', 'Write', ['Edit'], false],
    ['acceptEdits', 'Bash', ['Bash'], false],
    ['acceptEdits', 'Read', [], false],
    ['auto', 'Read', [], true],
    ['of the future', 'WebFetch', [], true],
    ['default', 'Write', [], false],
    ['plan', 'Write', [], false],
  ])('a sub-agent in mode %s calls %s, allowed %j: refused %s', (mode, tool, allow, refused) => {
    const input = {
      ...{ hook_event_name: 'PreToolUse', permission_mode: mode, agent_type: 'helper' },
      ...{ tool_name: tool, tool_input: { file_path: 'a' } },
    };
    const request = { subtype: 'hook_callback', input, tool_use_id: 't-1' };
    const line = JSON.stringify({ type: 'control_request', request_id: 'r-1', request });
    const { replies, end } = replay([line], { allow });
    expect(replies.join('').includes('"permissionDecision":"deny"')).toBe(refused);
    expect(end.denials.map((denial) => denial.tool)).toEqual(refused ? [tool] : []);
    expect(replies).toHaveLength(1);
  });

  it('the input of a denial is one line of at most 200 characters', () => {
    const [line = ''] = readSample('perm-denied-rule').filter((one) => one.includes('"result"'));
    const result = JSON.parse(line) as { permission_denials: { tool_input: unknown }[] };
    const [denial] = result.permission_denials;
    if (denial !== undefined) denial.tool_input = { command: 'echo\n'.repeat(200) };
    const { end } = replay([JSON.stringify(result)]);
    expect(end.denials[0]?.input).toHaveLength(200);
    expect(end.denials[0]?.input).not.toContain('\n');
  });
});

describe('cost of a continued session', () => {
  /** A result whose totals contain an earlier turn. */
  function continued(more: object): string[] {
    const models = { m: { inputTokens: 300, outputTokens: 60, costUSD: 0.3 } };
    return [
      '{"type":"system","subtype":"init","session_id":"s"}',
      JSON.stringify({
        ...{ type: 'result', subtype: 'success', is_error: false, num_turns: 1 },
        ...{ total_cost_usd: 0.3, modelUsage: models },
        ...more,
      }),
    ];
  }

  it('leaves out what earlier turns cost, where the program tells', () => {
    const since = { m: { inputTokens: 100, outputTokens: 20, costUSD: 0.1 } };
    const { end } = replay(continued({ model_usage_since_last_result: since }));
    expect(end).toMatchObject({ usd: 0.1, usage: { inputTokens: 100, outputTokens: 20 } });
    expect(replay(continued({})).end.usd).toBe(0.3); // older programs
  });

  it('is unknown when the price of a model is unknown', () => {
    const since = { m: { inputTokens: 1, outputTokens: 1, costUSD: 0.1, costBasis: 'unknown' } };
    expect(replay(continued({ model_usage_since_last_result: since })).end.usd).toBeNull();
  });

  it('is unknown when messages came after the last result', () => {
    const message = { id: 'late', model: 'm', content: [], usage: { input_tokens: 5 } };
    const late = JSON.stringify({ type: 'assistant', message, parent_tool_use_id: null });
    const { end } = replay([...continued({}), late], { exit: { by: 'cancelled' } });
    expect(end).toMatchObject({ usd: null, usage: { inputTokens: 305 } });
  });
});

describe('secrets', () => {
  it('stand in no event, raw ones included', () => {
    const lines = readSample('v330-basic');
    const secret = 'agent launched';
    expect(JSON.stringify(replay(lines))).toContain(secret); // else the check below says nothing
    const { events, end } = replay(lines, { secrets: [secret] });
    expect(JSON.stringify([events, end])).not.toContain(secret);
  });
});
