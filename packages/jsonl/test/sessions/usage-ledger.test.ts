import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  createPricing,
  createUsageLedger,
  type PriceTable,
  type SessionRecord,
  type UsageTotals,
} from '../../src/sessions/index.js';

interface StreamEvent {
  readonly type: string;
  readonly message?: { readonly id: string; readonly model: string; readonly usage: object };
  readonly modelUsage?: Readonly<
    Record<string, { inputTokens: number; outputTokens: number; costUSD: number }>
  >;
  readonly total_cost_usd?: number;
}

/** What the real Claude Code wrote to its stdout. */
const stream = (name: string): readonly StreamEvent[] =>
  readFileSync(join(import.meta.dirname, '../testdata/streams', `${name}.jsonl`), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as StreamEvent);

let seq = 0;
const record = (kind: string, data: unknown, raw?: unknown): SessionRecord => ({
  v: 1,
  seq: (seq += 1),
  at: '2026-11-01T00:00:00.000Z',
  kind,
  data,
  ...(raw === undefined ? {} : { raw }),
});
const recorded = (events: readonly unknown[]): readonly SessionRecord[] =>
  events.map((event) => record('notice', {}, event));

function totalsOf(
  sessions: readonly (readonly SessionRecord[])[],
  prices?: PriceTable,
): UsageTotals {
  const ledger = createUsageLedger(createPricing(prices));
  for (const session of sessions) {
    for (const one of session) ledger.add(one);
    ledger.nextSession();
  }
  return ledger.totals();
}

/** The last result of Claude Code is the oracle: tokens by its own counting, dollars by its own table. */
function oracle(name: string): { input: number; output: number; usd: number } {
  const result = stream(name).findLast(({ type }) => type === 'result');
  const models = Object.values(result?.modelUsage ?? {});
  return {
    input: models.reduce((sum, { inputTokens }) => sum + inputTokens, 0),
    output: models.reduce((sum, { outputTokens }) => sum + outputTokens, 0),
    usd: result?.total_cost_usd ?? NaN,
  };
}

describe('messages, against what Claude Code itself reported', () => {
  const whole = ['partial', 'max-budget', 'bgbash', 'retry-529-ok', 'fallback', 'v330-basic'];
  const messages = (name: string): readonly StreamEvent[] =>
    stream(name).filter(({ type }) => type === 'assistant');

  it.each(whole)('%s: each message counts once, though it comes in several lines', (name) => {
    const { total } = totalsOf([recorded(messages(name))]);
    expect(total.inputTokens).toBe(oracle(name).input);
    expect(total.messages).toBe(new Set(messages(name).map(({ message }) => message?.id)).size);
  });

  it('negative control: counted by lines, the same stream does not agree', () => {
    const byLine = messages('partial').map((event, line) => ({
      ...event,
      message: { ...event.message, id: `${event.message?.id ?? ''}-${line}` },
    }));
    expect(totalsOf([recorded(byLine)]).total.inputTokens).not.toBe(oracle('partial').input);
  });

  it('a later line of a message says more than an earlier one, in whatever order they come', () => {
    const line = (output: number, written: number): unknown => ({
      type: 'assistant',
      message: {
        id: 'm',
        model: 'claude-opus-5-5',
        usage: {
          input_tokens: 3,
          output_tokens: output,
          cache_creation_input_tokens: written,
          cache_creation: { ephemeral_5m_input_tokens: 2, ephemeral_1h_input_tokens: written - 2 },
          cache_read_input_tokens: 50,
        },
      },
    });
    for (const lines of [
      [line(1, 10), line(9, 10)],
      [line(9, 10), line(1, 10)],
    ]) {
      expect(totalsOf([recorded(lines)]).models).toMatchObject([
        {
          inputTokens: 3,
          outputTokens: 9,
          cacheWrite5mTokens: 2,
          cacheWrite1hTokens: 8,
          cacheReadTokens: 50,
          messages: 1,
        },
      ]);
    }
  });
});

describe('the report of an agent', () => {
  it.each([
    'partial',
    'max-budget',
    'bgbash',
    'subagent',
    'subagent-two-parallel',
    'fallback',
    'v330-basic',
    'v330-maxturns',
  ])('%s: counts before the messages it covers, hidden requests included', (name) => {
    const { total, unpriced } = totalsOf([recorded(stream(name))]);
    const { input, output, usd } = oracle(name);
    expect([total.inputTokens, total.outputTokens]).toEqual([input, output]);
    expect(total.usd).toBeCloseTo(usd, 9);
    expect(unpriced).toEqual([]);
  });

  it('negative control: without its report a session knows only what messages said at their beginning', () => {
    const without = stream('subagent').filter(({ type }) => type !== 'result');
    const { total } = totalsOf([recorded(without)]);
    expect(total.outputTokens).toBeLessThan(oracle('subagent').output);
  });

  it('does not cover messages that come after it', () => {
    const later = {
      type: 'assistant',
      message: { id: 'later', model: 'claude-opus-5-5', usage: { input_tokens: 7 } },
    };
    const { total } = totalsOf([recorded([...stream('v330-basic'), later])]);
    expect(total.inputTokens).toBe(oracle('v330-basic').input + 7);
  });

  it('is not added to a record of the same conversation that was counted before', () => {
    const sessions = [recorded(stream('v330-basic')), recorded(stream('v330-basic'))];
    expect(totalsOf(sessions).total.inputTokens).toBe(oracle('v330-basic').input);
    const messages = recorded(stream('v330-basic').filter(({ type }) => type === 'assistant'));
    expect(totalsOf([sessions[0] ?? [], messages]).total.inputTokens).toBe(
      oracle('v330-basic').input,
    );
  });

  it('tells what an agent used that names no model', () => {
    const usage = { inputTokens: 5, outputTokens: 6, cacheReadTokens: 0, cacheWriteTokens: 0 };
    const known = totalsOf([[record('end', { usage, usd: 0.5 })]]);
    expect(known.models).toMatchObject([{ model: 'unknown', usd: 0.5, basis: 'reported' }]);
    const unknown = totalsOf([[record('end', { usage, usd: null })]]);
    expect(unknown.unpriced).toEqual([{ model: 'unknown', tokens: 11, missing: 'agent' }]);
    expect(totalsOf([[record('end', { usage: {}, usd: 0 })]]).models).toEqual([]);
  });

  describe('of a cost that nobody can have paid', () => {
    const usage = { inputTokens: 5, outputTokens: 6 };
    const resultOf = (costUSD: unknown, model = 'm'): SessionRecord =>
      record(
        'notice',
        {},
        { type: 'result', modelUsage: { [model]: { inputTokens: 10, costUSD } } },
      );
    const sound = resultOf(2, 'n');
    // JSON.parse makes Infinity of 1e999.
    const wrong = [JSON.parse('1e999'), -1e6, -0.01, NaN, 1e300, '3', null] as const;

    it.each(wrong)('counts %s as not known, and keeps the total of all others', (cost) => {
      const { total, unpriced } = totalsOf([[resultOf(cost)], [sound]]);
      expect(total.usd).toBe(2);
      expect(unpriced).toEqual([{ model: 'm', tokens: 10, missing: 'model' }]);
      const atEnd = totalsOf([[record('end', { usage, usd: cost as unknown })], [sound]]);
      expect(atEnd.total.usd).toBe(2);
      expect(atEnd.unpriced).toEqual([{ model: 'unknown', tokens: 11, missing: 'agent' }]);
    });

    it('takes the list price where there is one', () => {
      const report = resultOf(-1e6, 'claude-opus-5-5');
      expect(totalsOf([[report]]).models).toMatchObject([{ usd: 0.00004, basis: 'list' }]);
    });

    it('knows nothing of a model any more after one such report of several', () => {
      const next = (costUSD: number): SessionRecord =>
        record(
          'notice',
          {},
          {
            type: 'result',
            model_usage_since_last_result: { m: { inputTokens: 10, costUSD } },
          },
        );
      const { total, unpriced } = totalsOf([[next(1), next(-1), next(1)]]);
      expect(total.usd).toBe(0);
      expect(unpriced).toEqual([{ model: 'm', tokens: 30, missing: 'model' }]);
    });
  });
});

describe('cost', () => {
  const message = (
    model: string,
    counts: object = {},
    at = '2026-11-01T00:00:00.000Z',
  ): SessionRecord => ({
    ...record('usage', { messageId: `m${seq}`, model, inputTokens: 1e6, ...counts }),
    at,
  });

  it.each(['partial', 'max-budget', 'bgbash', 'subagent-two-parallel', 'fallback', 'v330-basic'])(
    '%s: list prices of the tokens are what Claude Code reckoned by its own table',
    (name) => {
      const result = stream(name).findLast(({ type }) => type === 'result');
      for (const [model, { inputTokens, outputTokens, costUSD }] of Object.entries(
        result?.modelUsage ?? {},
      )) {
        const { total } = totalsOf([
          [record('usage', { messageId: 'm', model, inputTokens, outputTokens })],
        ]);
        expect(total.usd).toBeCloseTo(costUSD, 9);
      }
    },
  );

  it('has five rates and a price for a search', () => {
    const counts = {
      inputTokens: 1e6,
      outputTokens: 1e6,
      cacheWriteTokens: 2e6,
      cacheWrite5mTokens: 1e6,
      cacheWrite1hTokens: 1e6,
      cacheReadTokens: 1e6,
      webSearches: 3,
    };
    const { total } = totalsOf([[message('claude-opus-5-5', counts)]]);
    expect(total.usd).toBeCloseTo(4 + 20 + 5 + 8 + 0.2 + 0.03, 9);
  });

  it('is by the prices of the day', () => {
    const counts = { inputTokens: 0, cacheReadTokens: 1e6 };
    const before = message('claude-sonnet-5-5', counts, '2026-10-06T23:59:59.999Z');
    const after = message('claude-sonnet-5-5', counts, '2026-10-07T00:00:00.000Z');
    expect(totalsOf([[before]]).total.usd).toBeCloseTo(0.2, 9);
    expect(totalsOf([[after]]).total.usd).toBeCloseTo(0.1, 9);
  });

  it('depends on the length of the prompt and on the speed where the provider says so', () => {
    expect(
      totalsOf([[message('claude-haiku-5-5', { inputTokens: 100_000 })]]).total.usd,
    ).toBeCloseTo(0.01, 9);
    expect(
      totalsOf([[message('claude-haiku-5-5', { inputTokens: 100_001 })]]).total.usd,
    ).toBeCloseTo(0.0500005, 9);
    expect(totalsOf([[message('claude-opus-5', { speed: 'fast' })]]).total.usd).toBeCloseTo(10, 9);
    const fast = totalsOf([[message('claude-sonnet-4-6', { speed: 'fast' })]]);
    expect(fast.unpriced).toEqual([{ model: 'claude-sonnet-4-6', tokens: 1e6, missing: 'speed' }]);
  });

  it('of a model without a price is unknown, not nothing, and says so', () => {
    const totals = totalsOf([[message('claude-opus-5-5'), message('someone-elses-model')]]);
    expect(totals.models).toMatchObject([
      { model: 'claude-opus-5-5', usd: 4, basis: 'list' },
      { model: 'someone-elses-model', usd: null, basis: 'none', inputTokens: 1e6 },
    ]);
    expect(totals.unpriced).toEqual([
      { model: 'someone-elses-model', tokens: 1e6, missing: 'model' },
    ]);
    expect(totals.total).toMatchObject({ usd: 4, inputTokens: 2e6 });
  });

  it('is by the given prices first, for a model they name', () => {
    const rates = { input: 1, output: 1, cacheWrite5m: 1, cacheWrite1h: 1, cacheRead: 1 };
    const prices = { prices: [{ model: 'claude-opus-5-5', since: '2026-01-01', ...rates }] };
    expect(totalsOf([[message('claude-opus-5-5')]], prices).models).toMatchObject([
      { usd: 1, basis: 'given' },
    ]);
    expect(totalsOf([recorded(stream('v330-basic'))], prices).models).toMatchObject([
      { usd: 0.0006, basis: 'given' },
    ]);
    expect(totalsOf([[message('claude-opus-5')]], prices).models).toMatchObject([
      { usd: 5, basis: 'list' },
    ]);
  });
});
